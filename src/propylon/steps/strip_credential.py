"""`strip_auth_data`: the credential does not travel on (T-8); only the cookie of that very name goes (F-48)."""

from urllib.parse import unquote_plus

from propylon.errors import Denial
from propylon.exchange import Exchange
from propylon.model.api_definition import CredentialSource


class StripCredential:
    """Runs after the rights are known, before the request leaves."""

    def __init__(self, source: CredentialSource) -> None:
        self._header = source.header_name.lower().encode("latin-1")
        self._param = source.param_name
        self._cookie = source.cookie_name.encode("latin-1")

    async def __call__(self, exchange: Exchange) -> Denial | None:
        stripped = {self._header} if self._header else set()
        if self._cookie and exchange.head.has(b"cookie"):
            stripped.add(b"cookie")
            exchange.fields_instead = self._other_cookies(exchange)
        exchange.strip_header_names = frozenset(stripped)
        if self._param and exchange.head.query is not None:
            exchange.query_edit = self._other_parameters(exchange.head.query)
        return None

    def _other_cookies(self, exchange: Exchange) -> tuple[tuple[bytes, bytes], ...]:
        pairs = [pair.strip() for line in exchange.head.values(b"cookie") for pair in line.split(b";")]
        kept = [pair for pair in pairs if pair and pair.partition(b"=")[0] != self._cookie]
        return ((b"Cookie", b"; ".join(kept)),) if kept else ()

    def _other_parameters(self, query: str) -> str:
        pieces = query.split("&")
        return "&".join(piece for piece in pieces if unquote_plus(piece.partition("=")[0], "latin-1") != self._param)
