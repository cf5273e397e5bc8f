"""The two heads of an exchange as they travel on: what is dropped, what is written, in one pass each."""

from typing import Final

from propylon.exchange import Exchange
from propylon.gateway.replies import connection_field
from propylon.http.hop_by_hop import HOP_BY_HOP, is_forwarding_field
from propylon.http.messages import Field, ResponseHead
from propylon.http.serialise import STATUS_LINES
from propylon.snapshot.route import Route

NAMES_KNOWN_MAX: Final = 4096
RATE_NAMES: Final = frozenset({b"x-ratelimit-limit", b"x-ratelimit-remaining", b"x-ratelimit-reset"})
# Written anew by us, or meant for us alone; Expect is answered here (design §5.6).
CLIENT_FIELD: Final = b"X-Propylon-Client"  # tells the control process who calls; never taken from a client
REQUEST_DROPPED: Final = HOP_BY_HOP | {b"host", b"content-length", b"expect", CLIENT_FIELD.lower()}
# One spelling each: a proxy we trust writes these, and `_` spellings are nobody's.
PASSED_FROM_TRUSTED: Final = frozenset(
    {b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port", b"x-real-ip", b"forwarded"}
)
RESPONSE_DROPPED: Final = HOP_BY_HOP | RATE_NAMES

_lower_names: dict[bytes, bytes] = {}  # spelling -> lower case: 0.03 µs for what a bounded set of names needs 0.08 for


def request_head(exchange: Exchange, route: Route, scheme: bytes) -> bytes:
    """The request as the upstream gets it."""
    head = exchange.head
    authority = head.host if route.preserve_host and head.host else route.authority
    query = exchange.query_edit if exchange.query_edit is not None else head.query
    path = route.upstream_path(exchange.route_path if route.strip else head.path)
    target = path if query is None else f"{path}?{query}"
    parts = [f"{head.method} {target} HTTP/1.1\r\nHost: {authority}\r\n".encode("latin-1")]
    dropped = REQUEST_DROPPED
    if head.connection_names or exchange.strip_header_names:
        dropped = dropped | head.connection_names | exchange.strip_header_names
    trusted = exchange.peer_trusted
    for name, value in head.fields:
        lower = _lower(name)
        if lower in dropped or (is_forwarding_field(lower) and not (trusted and lower in PASSED_FROM_TRUSTED)):
            continue
        parts.append(b"%b: %b\r\n" % (name, value))
    for name, value in exchange.fields_instead:
        parts.append(b"%b: %b\r\n" % (name, value))
    _append_forwarded(parts, exchange, scheme)
    if route.is_control:
        parts.append(b"%b: %b\r\n" % (CLIENT_FIELD, exchange.client_ip.encode()))
    if head.body_length is None:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    elif head.body_length or b"content-length" in head.values:
        parts.append(b"Content-Length: %d\r\n" % head.body_length)
    if head.upgrade:
        parts.append(b"Connection: Upgrade\r\nUpgrade: %b\r\n" % head.values[b"upgrade"])
    parts.append(b"\r\n")
    return b"".join(parts)


def response_head(exchange: Exchange, answer: ResponseHead, *, keep_alive: bool, chunked: bool) -> bytes:
    """The upstream's answer as the client gets it; fields pass as bytes."""
    parts = [STATUS_LINES.get(answer.status) or b"HTTP/1.1 %d %b\r\n" % (answer.status, answer.reason)]
    dropped = RESPONSE_DROPPED | answer.connection_names if answer.connection_names else RESPONSE_DROPPED
    for name, value in answer.fields:
        if _lower(name) not in dropped:
            parts.append(b"%b: %b\r\n" % (name, value))
    for name, value in exchange.rate_headers:
        parts.append(b"%b: %b\r\n" % (name, value))
    if chunked:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    for name, value in connection_field(exchange, keep_alive=keep_alive):
        parts.append(b"%b: %b\r\n" % (name, value))
    parts.append(b"\r\n")
    return b"".join(parts)


def switching_head(answer: ResponseHead) -> bytes:
    """A 101 as the client gets it: the one answer whose Upgrade and Connection travel on."""
    fields: list[Field] = [(name, value) for name, value in answer.fields if name.lower() not in RESPONSE_DROPPED]
    fields += [(b"Connection", b"Upgrade"), (b"Upgrade", answer.values[b"upgrade"])]
    return STATUS_LINES[101] + b"".join(b"%b: %b\r\n" % field for field in fields) + b"\r\n"


def _append_forwarded(parts: list[bytes], exchange: Exchange, scheme: bytes) -> None:
    """X-Forwarded-For, -Proto and -Host: ours alone, or appended to a trusted peer's (design §4)."""
    values = exchange.head.values
    if exchange.peer_trusted:
        before = b", ".join(exchange.head.all_values(b"x-forwarded-for"))
        prefix = before + b", " if before else b""
        parts.append(b"X-Forwarded-For: %b%b\r\n" % (prefix, exchange.peer_ip.encode()))
        if b"x-forwarded-proto" not in values:
            parts.append(b"X-Forwarded-Proto: %b\r\n" % scheme)
        if b"x-forwarded-host" not in values:
            parts.append(b"X-Forwarded-Host: %b\r\n" % exchange.head.host.encode("latin-1"))
        return
    parts.append(
        b"X-Forwarded-For: %b\r\nX-Forwarded-Proto: %b\r\nX-Forwarded-Host: %b\r\n"
        % (exchange.peer_ip.encode(), scheme, exchange.head.host.encode("latin-1"))
    )


def _lower(name: bytes) -> bytes:
    lower = _lower_names.get(name)
    if lower is None:
        lower = name.lower()
        if len(_lower_names) < NAMES_KNOWN_MAX:
            _lower_names[name] = lower
    return lower
