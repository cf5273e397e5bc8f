"""The two heads of an exchange as they travel on: what is dropped, what is written, in one pass each."""

from collections.abc import Callable
from typing import Final

from propylon.exchange import Exchange
from propylon.gateway.replies import connection_field
from propylon.http.hop_by_hop import HOP_BY_HOP, is_forwarding_field
from propylon.http.messages import Field, ResponseHead
from propylon.http.serialise import STATUS_LINES
from propylon.snapshot.route import Route

SPELLINGS_MAX: Final = 4096
SPELLING_KEPT_MAX_BYTES: Final = 64
RATE_NAMES: Final = frozenset({b"x-ratelimit-limit", b"x-ratelimit-remaining", b"x-ratelimit-reset"})
CLIENT_FIELD: Final = b"X-Propylon-Client"  # tells the control process who calls; never taken from a client
# Written anew by us, or meant for us alone; Expect is answered here (design §5.6).
REQUEST_DROPPED: Final = HOP_BY_HOP | {b"host", b"content-length", b"expect", CLIENT_FIELD.lower()}
RESPONSE_DROPPED: Final = HOP_BY_HOP | RATE_NAMES
# One spelling each: a proxy we trust writes these, and `_` spellings are nobody's.
PASSED_FROM_TRUSTED: Final = frozenset(
    {b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port", b"x-real-ip", b"forwarded"}
)


class Prefixes(dict[bytes, bytes]):
    """Spelling of a field name → `name: ` as it travels on, b"" when it does not.

    One look-up a field costs 0.04 µs; lower-casing and asking the sets costs 0.4 µs. Bounded, as clients choose names.
    """

    def __init__(self, is_dropped: Callable[[bytes], bool]) -> None:
        self._is_dropped = is_dropped

    def __missing__(self, name: bytes) -> bytes:
        prefix = b"" if self._is_dropped(name.lower()) else name + b": "
        if len(self) < SPELLINGS_MAX and len(name) <= SPELLING_KEPT_MAX_BYTES:
            self[name] = prefix
        return prefix


def _is_dropped_from_stranger(lower: bytes) -> bool:
    return lower in REQUEST_DROPPED or is_forwarding_field(lower)


def _is_dropped_from_trusted(lower: bytes) -> bool:
    return lower in REQUEST_DROPPED or (is_forwarding_field(lower) and lower not in PASSED_FROM_TRUSTED)


_from_stranger: Final = Prefixes(_is_dropped_from_stranger)
_from_trusted: Final = Prefixes(_is_dropped_from_trusted)
_from_upstream: Final = Prefixes(RESPONSE_DROPPED.__contains__)


def request_head(exchange: Exchange, route: Route, scheme: bytes) -> bytes:
    """The request as the upstream gets it."""
    head = exchange.head
    prefixes = _from_trusted if exchange.peer_trusted else _from_stranger
    lines = [_request_line(exchange, route)]
    if head.connection_names or exchange.strip_header_names:
        dropped = head.connection_names | exchange.strip_header_names
        fields = [field for field in head.fields if field[0].lower() not in dropped]
    else:
        fields = head.fields
    lines += [prefix + value for name, value in fields if (prefix := prefixes[name])]
    lines += [b"%b: %b" % field for field in exchange.fields_instead]
    lines.append(_forwarded(exchange, scheme))
    if route.is_control:
        lines.append(b"%b: %b" % (CLIENT_FIELD, exchange.client_ip.encode()))
    if head.body_length is None:
        lines.append(b"Transfer-Encoding: chunked")
    elif head.body_length or b"content-length" in head.values:
        lines.append(b"Content-Length: %d" % head.body_length)
    if head.upgrade:
        lines.append(b"Connection: Upgrade\r\nUpgrade: " + head.values[b"upgrade"])
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def response_head(exchange: Exchange, answer: ResponseHead, *, keep_alive: bool, chunked: bool) -> bytes:
    """The upstream's answer as the client gets it; values pass as bytes."""
    fields = answer.fields
    if answer.connection_names:
        fields = [field for field in fields if field[0].lower() not in answer.connection_names]
    line = STATUS_LINES.get(answer.status) or b"HTTP/1.1 %d %b\r\n" % (answer.status, answer.reason)
    lines = [prefix + value for name, value in fields if (prefix := _from_upstream[name])]
    lines += [b"%b: %b" % field for field in exchange.rate_headers]
    if chunked:
        lines.append(b"Transfer-Encoding: chunked")
    lines += [b"%b: %b" % field for field in connection_field(exchange, keep_alive=keep_alive)]
    lines.append(b"\r\n")
    return line + b"\r\n".join(lines)


def switching_head(answer: ResponseHead) -> bytes:
    """A 101 as the client gets it: the one answer whose Upgrade and Connection travel on."""
    fields: list[Field] = [(name, value) for name, value in answer.fields if name.lower() not in RESPONSE_DROPPED]
    fields += [(b"Connection", b"Upgrade"), (b"Upgrade", answer.values[b"upgrade"])]
    return STATUS_LINES[101] + b"".join(b"%b: %b\r\n" % field for field in fields) + b"\r\n"


def _request_line(exchange: Exchange, route: Route) -> bytes:
    """With the Host field, which comes first (RFC 9110 §7.2)."""
    head = exchange.head
    authority = head.host if route.preserve_host and head.host else route.authority
    path = route.upstream_path(exchange.route_path if route.strip else head.path)
    query = head.query if exchange.query_edit is None else exchange.query_edit
    if route.target_query:  # proxy.md §3.5: the target's query first
        query = f"{route.target_query}&{query}" if query else route.target_query
    target = path if query is None else f"{path}?{query}"
    return f"{head.method} {target} HTTP/1.1\r\nHost: {authority}".encode("latin-1")


def _forwarded(exchange: Exchange, scheme: bytes) -> bytes:
    """X-Forwarded-For, -Proto and -Host: ours alone, or appended to a trusted peer's (design §4)."""
    head, peer = exchange.head, exchange.peer_ip.encode()
    host = head.host.encode("latin-1")
    if not exchange.peer_trusted:
        return b"X-Forwarded-For: %b\r\nX-Forwarded-Proto: %b\r\nX-Forwarded-Host: %b" % (peer, scheme, host)
    lines = [b"X-Forwarded-For: " + b", ".join([*head.all_values(b"x-forwarded-for"), peer])]
    if b"x-forwarded-proto" not in head.values:
        lines.append(b"X-Forwarded-Proto: " + scheme)
    if b"x-forwarded-host" not in head.values:
        lines.append(b"X-Forwarded-Host: " + host)
    return b"\r\n".join(lines)
