"""Our own answers, and the sole map from a Denial or Failure to HTTP (E-1 … E-5, proxy.md §6)."""

from collections.abc import Callable
from email.utils import formatdate
from typing import Final

from propylon.clock import SystemClock
from propylon.errors import Denial, Failure
from propylon.exchange import Exchange
from propylon.http.messages import Field
from propylon.http.serialise import head_bytes
from propylon.snapshot.decision import NO_ROUTE
from propylon.telemetry.traces import FIELD, Traces

XML_TYPES: Final = frozenset({"application/xml", "text/xml", "application/soap+xml"})
JSON_ESCAPES: Final = {ord('"'): '\\"', ord("\\"): "\\\\"} | {code: f"\\u{code:04x}" for code in range(0x20)}
XML_ESCAPES: Final = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&#34;", ord("'"): "&#39;"}
CLOSE: Final[Field] = (b"Connection", b"close")
KEEP: Final[Field] = (b"Connection", b"keep-alive")
PLAIN_TEXT: Final = b"text/plain; charset=utf-8"

generator_fields: list[Field] = [(b"X-Generator", b"tyk.io")]
_traces: Final = Traces()


class Dates:
    """The Date field of our own answers, made once a second: 4 µs of every refusal otherwise (RFC 9110 §6.6.1)."""

    def __init__(self, wall: Callable[[], float] = SystemClock.wall) -> None:
        self._wall = wall
        self._second = -1
        self._text = b""

    def now(self) -> bytes:
        second = int(self._wall())
        if second != self._second:
            self._second, self._text = second, formatdate(second, usegmt=True).encode()
        return self._text


_dates: Final = Dates()


def denial_reply(denial: Denial, exchange: Exchange, *, keep_alive: bool) -> bytes:
    """The bytes that refuse an exchange."""
    if denial is NO_ROUTE:
        return _reply(404, PLAIN_TEXT, b"Not Found", [_traced(exchange)], exchange, keep_alive=keep_alive)
    content_type, body = error_body(denial.message, exchange.head.value(b"content-type"))
    fields = [*generator_fields, _traced(exchange), *denial.headers]
    return _reply(denial.status, content_type, body, fields, exchange, keep_alive=keep_alive)


def failure_reply(failure: Failure, exchange: Exchange | None, *, keep_alive: bool) -> bytes:
    """The bytes that own up to a failure; `exchange` is None when no request could be read, and then nothing is logged
    that a trace could lead to."""
    if exchange is None:
        content_type, body = error_body(failure.message, None)
        return _reply(failure.status, content_type, body, generator_fields, None, keep_alive=keep_alive)
    content_type, body = error_body(failure.message, exchange.head.value(b"content-type"))
    fields = [*generator_fields, _traced(exchange)]
    return _reply(failure.status, content_type, body, fields, exchange, keep_alive=keep_alive)


def error_body(message: str, request_type: bytes | None) -> tuple[bytes, bytes]:
    """Content type and body in the form the request's own Content-Type asks for (E-3)."""
    kind = (request_type or b"").split(b";", 1)[0].strip().lower().decode("latin-1")
    if kind in XML_TYPES:
        text = f'<?xml version = "1.0" encoding = "UTF-8"?>\n<error>{message.translate(XML_ESCAPES)}</error>'
        return kind.encode("latin-1"), text.encode()
    return b"application/json", f'{{\n    "error": "{message.translate(JSON_ESCAPES)}"\n}}'.encode()


def json_reply(status: int, body: bytes, exchange: Exchange, *, keep_alive: bool) -> bytes:
    """An answer of the gateway itself: /hello, /ready."""
    return _reply(status, b"application/json", body, [], exchange, keep_alive=keep_alive)


def page_reply(
    status: int, content_type: bytes, body: bytes, fields: list[Field], exchange: Exchange, *, keep_alive: bool
) -> bytes:
    """The same of any type: /metrics."""
    return _reply(status, content_type, body, fields, exchange, keep_alive=keep_alive)


def connection_field(exchange: Exchange | None, *, keep_alive: bool) -> list[Field]:
    """What the Connection field must say; HTTP/1.1 keeps alive without words (RFC 9112 §9.3)."""
    if not keep_alive:
        return [CLOSE]
    return [KEEP] if exchange is not None and exchange.head.version_minor == 0 else []


def _traced(exchange: Exchange) -> Field:
    exchange.trace = _traces.make()
    return FIELD, exchange.trace.encode()


def _reply(
    status: int, content_type: bytes, body: bytes, fields: list[Field], exchange: Exchange | None, *, keep_alive: bool
) -> bytes:
    head = head_bytes(
        status,
        [
            (b"Content-Type", content_type),
            (b"Date", _dates.now()),
            *fields,
            (b"Content-Length", b"%d" % len(body)),
            *connection_field(exchange, keep_alive=keep_alive),
        ],
    )
    if exchange is None:
        return head + body
    exchange.own_reply = head if exchange.head.method == "HEAD" else head + body
    return exchange.own_reply
