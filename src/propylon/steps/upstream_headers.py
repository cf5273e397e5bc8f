"""Tells the upstream who calls: claims and identity as request headers, which a client can never write itself.

Whatever the client sent under one of these names is dropped in every spelling, also when there is nothing to put in its
place (CVE-2024-45806). A claim that cannot be a header value counts as absent.
"""

import json
import re
from typing import Any, Final

from propylon.errors import Denial
from propylon.exchange import Exchange
from propylon.http.messages import Field
from propylon.jose.claims import claim_at
from propylon.model.upstream_headers import UpstreamHeaders, spelling_of

SPELLINGS_MAX: Final = 4096  # kept of names that clients send
SPELLING_KEPT_MAX_BYTES: Final = 64

_UNWRITABLE: Final = re.compile(r"[\x00-\x1f\x7f]|^\s|\s$")


class TellUpstream:
    """Runs after the credential was stripped, and adds to what that step wrote."""

    def __init__(self, headers: UpstreamHeaders) -> None:
        self._claims = [(claim, name.encode()) for claim, name in headers.claims.items()]
        self._identity = [(member, name.encode()) for member, name in headers.identity.items()]
        self._is_ours = _Spellings(headers.names)

    async def __call__(self, exchange: Exchange) -> Denial | None:
        sent = [name for name, _ in exchange.head.fields if self._is_ours[name]]
        if sent:
            exchange.strip_header_names |= {name.lower() for name in sent}
        exchange.fields_instead += (*self._of_claims(exchange), *self._of_identity(exchange))
        return None

    def _of_claims(self, exchange: Exchange) -> list[Field]:
        claims = exchange.claims or {}
        values = [(name, header_value(claim_at(claims, claim))) for claim, name in self._claims]
        return [(name, value) for name, value in values if value]

    def _of_identity(self, exchange: Exchange) -> list[Field]:
        if exchange.caller is None:
            return []
        identity = exchange.caller.identity
        values = [(name, header_value(getattr(identity, member))) for member, name in self._identity]
        return [(name, value) for name, value in values if value]


class _Spellings(dict[bytes, bool]):
    """Name as a client wrote it → whether it is one of ours. One look-up a field; bounded, as clients choose names."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._ours = {spelling_of(name) for name in names}

    def __missing__(self, name: bytes) -> bool:
        is_ours = spelling_of(name.decode("latin-1")) in self._ours
        if len(self) < SPELLINGS_MAX and len(name) <= SPELLING_KEPT_MAX_BYTES:
            self[name] = is_ours
        return is_ours


def header_value(claim: Any) -> bytes:
    """A text as UTF-8, anything else as JSON in ASCII; b"" for what is absent or would break the line."""
    if claim is None:
        return b""
    if not isinstance(claim, str):
        return json.dumps(claim, separators=(",", ":")).encode()
    return b"" if _UNWRITABLE.search(claim) else claim.encode()
