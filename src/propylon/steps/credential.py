"""Reading the credential from a request (T-1 … T-8), for every mode that takes one."""

from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes

from propylon.errors import Denial
from propylon.http.messages import RequestHead
from propylon.model.api_definition import CredentialSource

AMBIGUOUS: Final = Denial("credential_ambiguous", 400, "More than one credential was sent and they differ")


class CredentialReader:
    """Header, then query, then cookie; two that differ are refused rather than ranked (design §10)."""

    def __init__(self, source: CredentialSource) -> None:
        self._header = source.header_name.lower().encode("latin-1")
        self._param = source.param_name
        self._cookie = source.cookie_name
        self._header_only = not (self._param or self._cookie)

    def read(self, head: RequestHead) -> str | Denial:
        """The credential without its Bearer prefix, "" when there is none."""
        if self._header_only:
            values = head.values(self._header)
            if len(values) < 2:
                return strip_bearer(values[0]) if values else ""
        found = {text for text in self._all(head) if text}
        if len(found) > 1:
            return AMBIGUOUS
        return found.pop() if found else ""

    def _all(self, head: RequestHead) -> list[str]:
        values = [strip_bearer(value) for value in head.values(self._header)] if self._header else []
        if self._param:
            values += [strip_bearer(text.encode("utf-8")) for text in query_values(head.query, self._param)]
        if self._cookie:
            values += [strip_bearer(text) for text in cookie_values(head, self._cookie)]
        return values


def strip_bearer(value: bytes) -> str:
    """T-5: the first seven bytes, in any case, and nothing else. Bytes outside ASCII become text no key can equal."""
    if value[:7].upper() == b"BEARER ":
        value = value[7:]
    return value.decode("latin-1")


def query_values(query: str | None, name: str) -> list[str]:
    """Every value of a query parameter, percent-decoded."""
    if not query:
        return []
    return [value for key, value in parse_qsl(query, keep_blank_values=True, encoding="latin-1") if key == name]


def cookie_values(head: RequestHead, name: str) -> list[bytes]:
    """Every value of a cookie (RFC 6265 §4.2.1), percent-decoded."""
    wanted = name.encode("latin-1")
    pairs = [pair.strip().partition(b"=") for line in head.values(b"cookie") for pair in line.split(b";")]
    return [unquote_to_bytes(value) for key, _, value in pairs if key == wanted]
