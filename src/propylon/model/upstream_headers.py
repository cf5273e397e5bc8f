"""UpstreamHeaders: which claims, and what of the caller's identity, the upstream is told, and under which names.

Judges names only. A name that frames the message, or that we write ourselves, cannot be had.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from propylon.model.credential_source import FRAMING, is_header
from propylon.model.document_reader import DocumentReader

CLAIMS: Final = "jwt_claims_to_headers"
IDENTITY: Final = "identity_to_headers"
IDENTITY_MEMBERS: Final = ("record", "kind", "org_id", "key_hash", "name")  # of exchange.Identity
HEADERS_MAX: Final = 32
OURS: Final = FRAMING | {"forwarded", "proxy", "x-real-ip"}
OURS_BEGIN: Final = ("x-forwarded-", "x-propylon-")


class UpstreamHeaders(NamedTuple):
    """Header names by what they carry."""

    claims: Mapping[str, str]  # by claim: of that name, else a dotted path
    identity: Mapping[str, str]  # by member of the identity

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.claims.values(), *self.identity.values())


def read_upstream_headers(reader: DocumentReader) -> UpstreamHeaders:
    headers = UpstreamHeaders(reader.text_map(CLAIMS), reader.text_map(IDENTITY))
    for field, members in ((CLAIMS, headers.claims), (IDENTITY, headers.identity)):
        for member, name in members.items():
            if not is_header(name) or spelling_of(name) in OURS or spelling_of(name).startswith(OURS_BEGIN):
                text = "is no name for it: use letters, digits and -, and none that frames or forwards the request"
                reader.report(f"{field}.{member}", "invalid_header", text)
    for member in headers.identity.keys() - set(IDENTITY_MEMBERS):
        text = f"is nothing we know of a caller; choose among {', '.join(IDENTITY_MEMBERS)}"
        reader.report(f"{IDENTITY}.{member}", "identity_member_unknown", text)
    spellings = [spelling_of(name) for name in headers.names]
    if len(set(spellings)) < len(spellings):
        reader.report(CLAIMS, "header_twice", "and identity_to_headers name a header twice; give each its own")
    if len(spellings) > HEADERS_MAX:
        reader.report(CLAIMS, "too_many", f"and identity_to_headers may name {HEADERS_MAX} headers; remove some")
    return headers


def spelling_of(name: str) -> str:
    """What all spellings of a header have in common: CGI and its heirs read `x_user` and `X-User` as one."""
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower())
