"""The bytes of a request's head become a RequestHead, or the Failure that says why they must not.

Every rule that keeps two readers from seeing two different requests stands here or in what this calls. Pure: the
same bytes, the same answer.
"""

import re
from typing import Final

import httptools

from propylon.errors import CodingNotServed, MalformedRequest
from propylon.http.authority import host_text
from propylon.http.field_lines import LowerNames, all_values, index_fields, read_fields
from propylon.http.hop_by_hop import NO_OPTIONS, ConnectionOptions, connection_options
from propylon.http.limits import HeadLimits
from propylon.http.messages import Field, RequestHead
from propylon.http.request_line import parse_request_line
from propylon.http.target import parse_target

# Some upstreams (CGI, WSGI) read `_` as `-`: to them these are the real fields, to everyone before them they are not.
CONFUSABLE: Final = frozenset(
    {
        b"content-length",
        b"transfer-encoding",
        b"host",
        b"connection",
        b"upgrade",
        b"expect",
        b"authorization",
        b"x-tyk-authorization",
    }
)
# Below 2^63 whatever the digits are: no reader's integer overflows.
_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
_TOKEN_LIST: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:[ \t]*,[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+)*")
_TUNNEL_PROTOCOL: Final = b"websocket"
_KEEP_ALIVE: Final = b"keep-alive"


class RequestNames(LowerNames):
    """Refuses the spellings that could be taken for another field."""

    def __missing__(self, name: bytes) -> bytes:
        if b"_" in name and name.lower().replace(b"_", b"-") in CONFUSABLE:
            raise MalformedRequest("field name with _ that could be taken for another one")
        return super().__missing__(name)


_names: Final = RequestNames()  # a cache of pure look-ups, so one for the process


def parse_request_head(raw: bytes, field_lines: int, limits: HeadLimits) -> RequestHead:
    """Of a whole head with its empty line; raises MalformedRequest or one of its kinds."""
    line = parse_request_line(raw, limits.target_max_bytes)
    fields, objection = read_fields(raw, field_lines, httptools.HttpRequestParser)
    if not objection:
        return _judge(line, fields)
    if len(fields) == field_lines:  # llhttp minds the framing: our own rules may say more exactly why
        _judge(line, fields)
    raise MalformedRequest(objection)


def _judge(line: tuple[str, bytes, bytes], fields: list[Field]) -> RequestHead:
    method, target, minor = line
    values, repeated = index_fields(fields, _names)
    head = RequestHead()
    head.method = method
    head.path, head.query, authority = parse_target(target)
    head.version_minor = 1 if minor == b"1" else 0
    head.fields = fields
    head.values = values
    head.repeated = repeated
    head.host = _host(head, authority)
    head.body_length = _body_length(head)
    head.expects_continue = b"expect" in values and _expects_continue(head)
    options, head.connection_names = _connection(head) if b"connection" in values else NO_OPTIONS
    # RFC 9112 §9.3
    head.keep_alive = b"close" not in options and (head.version_minor == 1 or _KEEP_ALIVE in options)
    head.upgrade = b""
    if b"upgrade" in values and _opens_tunnel(head, options):
        head.upgrade = _TUNNEL_PROTOCOL
        head.keep_alive = False  # what follows is not for us: a refused upgrade ends the connection
    return head


def _host(head: RequestHead, authority: str) -> str:
    """RFC 9112 §3.2: one Host, a valid one; HTTP/1.0 may do without. An absolute-form target must agree with it."""
    raw = head.values.get(b"host")
    if b"host" in head.repeated:
        raise MalformedRequest("more than one Host")
    if raw is None:
        if head.version_minor == 1 or authority:
            raise MalformedRequest("no Host")
        return ""
    host = host_text(raw)
    if authority and authority.lower() != host:
        raise MalformedRequest("Host and target name different hosts")
    return host


def _body_length(head: RequestHead) -> int | None:
    """RFC 9112 §6.3 without any of its allowances; None = chunked."""
    values = head.values
    length = values.get(b"content-length")
    if b"transfer-encoding" in values:
        if length is not None:
            raise MalformedRequest("Content-Length and Transfer-Encoding")
        _check_coding(head)
        return None
    if length is None:
        return 0
    if b"content-length" in head.repeated or _LENGTH.fullmatch(length) is None:
        raise MalformedRequest("Content-Length is not one number")
    return int(length)


def _check_coding(head: RequestHead) -> None:
    value = head.values[b"transfer-encoding"].lower()
    if head.version_minor == 0 or b"transfer-encoding" in head.repeated:
        raise MalformedRequest("Transfer-Encoding twice or in HTTP/1.0")
    if value == b"chunked":
        return
    if _TOKEN_LIST.fullmatch(value) is None:
        raise MalformedRequest("Transfer-Encoding is not a list of codings")
    raise CodingNotServed("only chunked")


def _expects_continue(head: RequestHead) -> bool:
    """RFC 9110 §10.1.1. An HTTP/1.0 client cannot mean it, one without a body has nothing to wait for."""
    if b"expect" in head.repeated or head.values[b"expect"].lower() != b"100-continue":
        raise MalformedRequest("Expect other than 100-continue")
    return head.version_minor == 1 and head.body_length != 0


def _connection(head: RequestHead) -> ConnectionOptions:
    if b"connection" in head.repeated:
        return connection_options(b",".join(all_values(b"connection", head.fields)), MalformedRequest)
    return connection_options(head.values[b"connection"], MalformedRequest)


def _opens_tunnel(head: RequestHead, options: frozenset[bytes]) -> bool:
    """Only a WebSocket becomes a tunnel; any other Upgrade is ignored, as RFC 9110 §7.8 permits."""
    return (
        head.values[b"upgrade"].lower() == _TUNNEL_PROTOCOL
        and b"upgrade" in options
        and b"upgrade" not in head.repeated
        and head.version_minor == 1
        and head.method == "GET"
        and head.body_length == 0
    )
