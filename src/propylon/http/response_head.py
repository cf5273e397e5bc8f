"""The bytes of an upstream's head become a ResponseHead, or the MalformedResponse that says why they must not.

An upstream is trusted with its data, not with our framing: a head that two readers could frame differently is refused
as a client's is. Pure.
"""

import re
from typing import Final, Literal

import httptools

from propylon.errors import MalformedResponse
from propylon.http.field_lines import LowerNames, all_values, index_fields, read_fields
from propylon.http.hop_by_hop import NO_OPTIONS, ConnectionOptions, connection_options
from propylon.http.messages import ResponseHead

# The reason may be missing with its blank: common, and without any other reading.
_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t -~\x80-\xff]*))?\r\n")
_LINE_START: Final = b"HTTP/1."
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
SWITCHING: Final = 101
BODILESS: Final = frozenset({204, 304})

_names: Final = LowerNames()  # a cache of pure look-ups, so one for the process


def check_response_start(data: bytes) -> None:
    """Raises when an unfinished head cannot become an HTTP/1 answer."""
    if not data.startswith(_LINE_START[: len(data)]) or (b"\n" in data and _LINE.match(data) is None):
        raise MalformedResponse("not an HTTP/1 status line")


def parse_response_head(raw: bytes, field_lines: int, *, head_request: bool) -> ResponseHead:
    """Of a whole head with its empty line, of any status."""
    match = _LINE.match(raw)
    if match is None:
        raise MalformedResponse("not an HTTP/1 status line")
    minor, status, reason = match.groups()
    fields, objection = read_fields(raw, field_lines, httptools.HttpResponseParser)
    if objection:
        raise MalformedResponse(objection)
    head = ResponseHead()
    head.status = int(status)
    head.reason = reason or b""
    head.fields = fields
    head.values, repeated = index_fields(fields, _names)
    options, head.connection_names = _connection(head, repeated) if b"connection" in head.values else NO_OPTIONS
    _frame(head, repeated, 1 if minor == b"1" else 0, head_request=head_request)
    # RFC 9112 §9.3
    persists = b"close" not in options and (minor == b"1" or b"keep-alive" in options)
    head.keep_alive = persists and not head.until_close
    if head.status == SWITCHING and (b"upgrade" not in head.values or b"upgrade" not in options):
        raise MalformedResponse("101 without Upgrade")
    return head


def _connection(head: ResponseHead, repeated: frozenset[bytes]) -> ConnectionOptions:
    value = head.values[b"connection"]
    if b"connection" in repeated:
        value = b",".join(all_values(b"connection", head.fields))
    return connection_options(value, MalformedResponse)


def _frame(head: ResponseHead, repeated: frozenset[bytes], minor: Literal[0, 1], *, head_request: bool) -> None:
    """RFC 9112 §6.3, for an answer; sets `body_length` and `until_close`."""
    length = head.values.get(b"content-length")
    coding = head.values.get(b"transfer-encoding")
    if length is not None and (b"content-length" in repeated or _LENGTH.fullmatch(length) is None):
        raise MalformedResponse("Content-Length is not one number")
    if coding is not None and (b"transfer-encoding" in repeated or coding.lower() != b"chunked" or minor == 0):
        raise MalformedResponse("Transfer-Encoding other than one chunked of HTTP/1.1")
    if length is not None and coding is not None:
        raise MalformedResponse("Content-Length and Transfer-Encoding")
    head.until_close = False
    if head_request or head.status < 200 or head.status in BODILESS:
        head.body_length = 0
    elif length is not None:
        head.body_length = int(length)
    else:
        head.body_length = None
        head.until_close = coding is None
