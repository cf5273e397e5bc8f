"""The first line of a request: method, target, version, or the Failure that says which of them is not served."""

import re
from typing import Final, NoReturn

from propylon.errors import MalformedRequest, MethodNotServed, TargetTooLong, VersionNotServed

# Single spaces only: RFC 9112 §3 lets a reader be lenient here, and two readers then see two targets.
_LINE: Final = re.compile(rb"([A-Z][A-Z-]{0,31}) ([!-~]+) HTTP/1\.([01])\r\n")
_AROUND_TARGET_MAX_BYTES: Final = 64  # method, version, blanks and CRLF
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TARGET: Final = re.compile(rb"[!-~]+")
_VERSION: Final = re.compile(rb"HTTP/[0-9]\.[0-9]")
_BARE_CR: Final = re.compile(rb"\r[^\n]")

# What llhttp reads as HTTP, without CONNECT and TRACE, which no API is reached by, and Icecast's SOURCE.
METHODS: Final = {
    name: name.decode("ascii")
    for name in (
        b"GET HEAD POST PUT PATCH DELETE OPTIONS QUERY COPY LOCK UNLOCK MKCOL MOVE PROPFIND PROPPATCH SEARCH BIND "
        b"REBIND UNBIND ACL REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PURGE MKCALENDAR "
        b"LINK UNLINK"
    ).split()
}


def parse_request_line(data: bytes, target_max_bytes: int) -> tuple[str, bytes, bytes]:
    """Method, target and minor version of a line that is here whole."""
    match = _LINE.match(data)
    if match is None:
        _refuse(data, target_max_bytes)
    raw_method, target, minor = match.groups()
    if len(target) > target_max_bytes:
        raise TargetTooLong(f"{len(target)} bytes")
    method = METHODS.get(raw_method)
    if method is None:
        raise MethodNotServed(raw_method.decode("ascii"))
    return method, target, minor


def check_request_start(data: bytes, target_max_bytes: int) -> None:
    """Raises what an unfinished line will be refused for, as soon as that is certain."""
    if b"\n" in data:
        parse_request_line(data, target_max_bytes)
    elif _TOKEN.match(data) is None or len(data) > target_max_bytes + _AROUND_TARGET_MAX_BYTES:
        _refuse(data, target_max_bytes)


def _refuse(data: bytes, target_max_bytes: int) -> NoReturn:
    """Of several faults the one that stands first, so that it is the same in whatever pieces the line came."""
    if _TOKEN.match(data) is None:
        raise MalformedRequest("no method")
    line, end, _ = data[: target_max_bytes + _AROUND_TARGET_MAX_BYTES + 1].partition(b"\n")
    if _BARE_CR.search(line) is not None:
        raise MalformedRequest("CR without LF")
    if not end:
        raise TargetTooLong("request line without end")
    parts = line.removesuffix(b"\r").split(b" ")
    if len(parts) != 3 or not line.endswith(b"\r"):
        raise MalformedRequest("request line is not method, target and version, ended by CRLF")
    method, target, version = parts
    if _VERSION.fullmatch(version) is None:
        raise MalformedRequest("not an HTTP version")
    if version not in (b"HTTP/1.0", b"HTTP/1.1"):
        raise VersionNotServed(version.decode("ascii"))
    if _TOKEN.fullmatch(method) is not None and _TARGET.fullmatch(target) is not None:
        raise MethodNotServed(method.decode("ascii"))
    raise MalformedRequest("method or target with bytes that no request may have")
