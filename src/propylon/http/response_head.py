"""The bytes of an upstream's head become a ResponseHead, or the MalformedResponse that says why they must not.

An upstream is trusted with its data, not with our framing: a head that two readers could frame differently is refused
as a client's is. Pure.
"""

import re
from typing import Final, Literal

import httptools

from propylon.errors import MalformedResponse
from propylon.http.field_lines import PLAIN_LINES, are_field_lines, llhttp_objection, special_lines
from propylon.http.hop_by_hop import NO_OPTIONS, ConnectionOptions, connection_options
from propylon.http.messages import ResponseHead

# The reason may be missing with its blank: common, and without any other reading.
_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: ([\t -~\x80-\xff]*))?\r\n")
_LINE_START: Final = b"HTTP/1."
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
SWITCHING: Final = 101
BODILESS: Final = frozenset({204, 304})

# Fields that say something of framing or of this hop, or that we write ourselves.
_SPECIAL: Final = special_lines(
    rb"content-length|connection|keep-alive|transfer-encoding|te|trailer|upgrade|x-ratelimit-[^:]*|proxy-[^:]*"
)
_PLAIN: Final = frozenset({b"content-length", b"connection", b"keep-alive"})


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
    start = match.end()
    head = ResponseHead(raw[start:-2])
    head.status = int(status)
    head.reason = reason or b""
    is_plain = minor == b"1" and not head_request and PLAIN_LINES.fullmatch(raw, start) is not None
    if not (is_plain and _is_plain(head)):
        objection, _ = llhttp_objection(raw, field_lines, httptools.HttpResponseParser)
        if objection or not are_field_lines(raw, start):
            raise MalformedResponse(objection or "a line is not one field")
        _judge(head, 1 if minor == b"1" else 0, head_request=head_request)
    return head


def _is_plain(head: ResponseHead) -> bool:
    """The usual answer, judged by one search: counted, kept alive, its lines may travel on but for what says so."""
    if head.status < 200 or head.status in BODILESS:
        return False
    found = list(_SPECIAL.finditer(head.lower))
    said = {match[1]: match[2] for match in found}
    length = said.get(b"content-length")
    if len(said) != len(found) or not said.keys() <= _PLAIN or length is None or not _LENGTH.fullmatch(length):
        return False
    if len(found) == 1:
        head.passing = head.lines
    elif said.get(b"connection") != b"keep-alive":
        return False
    else:
        head.passing = head.cut([match for match in found if match[1] != b"content-length"])
    head.connection_names = NO_OPTIONS.names
    head.body_length = int(length)
    head.until_close = False
    head.keep_alive = True
    return True


def _judge(head: ResponseHead, minor: Literal[0, 1], *, head_request: bool) -> None:
    """Field by field, for a head that says more."""
    head.passing = None
    options, head.connection_names = _connection(head) if head.has(b"connection") else NO_OPTIONS
    _frame(head, minor, head_request=head_request)
    # RFC 9112 §9.3
    persists = b"close" not in options and (minor == 1 or b"keep-alive" in options)
    head.keep_alive = persists and not head.until_close
    if head.status == SWITCHING and (not head.has(b"upgrade") or b"upgrade" not in options):
        raise MalformedResponse("101 without Upgrade")


def _connection(head: ResponseHead) -> ConnectionOptions:
    return connection_options(b",".join(head.values(b"connection")), MalformedResponse)


def _frame(head: ResponseHead, minor: Literal[0, 1], *, head_request: bool) -> None:
    """RFC 9112 §6.3, for an answer; sets `body_length` and `until_close`."""
    length = head.value(b"content-length")
    coding = head.value(b"transfer-encoding")
    if length is not None and (head.is_repeated(b"content-length") or _LENGTH.fullmatch(length) is None):
        raise MalformedResponse("Content-Length is not one number")
    if coding is not None and (head.is_repeated(b"transfer-encoding") or coding.lower() != b"chunked" or minor == 0):
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
