"""The first line of a request and why it is not served."""

import httptools
import pytest

from propylon.errors import Failure, MalformedRequest, MethodNotServed, TargetTooLong, VersionNotServed
from propylon.http.request_line import METHODS, check_request_start, parse_request_line

MAX = 100


def check_bytewise(line: bytes) -> None:
    for end in range(1, len(line) + 1):
        check_request_start(line[:end], MAX)


def test_a_line_has_method_target_and_minor_version() -> None:
    assert parse_request_line(b"GET /a?b HTTP/1.1\r\nX", MAX) == ("GET", b"/a?b", b"1")
    assert parse_request_line(b"M-SEARCH * HTTP/1.0\r\n", MAX) == ("M-SEARCH", b"*", b"0")


REFUSED = [
    (b"GET /\r\n", MalformedRequest),
    (b"GET  / HTTP/1.1\r\n", MalformedRequest),
    (b"GET /  HTTP/1.1\r\n", MalformedRequest),
    (b"GET / HTTP/1.1 \r\n", MalformedRequest),
    (b" GET / HTTP/1.1\r\n", MalformedRequest),
    (b"GET\t/\tHTTP/1.1\r\n", MalformedRequest),
    (b"GET / HTTP/1.1\n", MalformedRequest),
    (b"GET /\rHTTP/1.1\r\n", MalformedRequest),
    (b"GET /\r HTTP/2.0\r\n", MalformedRequest),
    (b"GET /\x00 HTTP/1.1\r\n", MalformedRequest),
    (b"GET /\x7f HTTP/1.1\r\n", MalformedRequest),
    (b"GET /\xc3\xa9 HTTP/1.1\r\n", MalformedRequest),
    (b"G@T / HTTP/1.1\r\n", MalformedRequest),
    (b"\x16\x03\x01 / HTTP/1.1\r\n", MalformedRequest),
    (b"GET / http/1.1\r\n", MalformedRequest),
    (b"GET / HTTP/1.32\r\n", MalformedRequest),
    (b"GET / HTTP/1\r\n", MalformedRequest),
    (b"GET / ICE/1.0\r\n", MalformedRequest),
    (b"GET / HTTP/1.2\r\n", VersionNotServed),
    (b"GET / HTTP/0.9\r\n", VersionNotServed),
    (b"PRI * HTTP/2.0\r\n", VersionNotServed),
    (b"CONNECT a:443 HTTP/1.1\r\n", MethodNotServed),
    (b"TRACE / HTTP/1.1\r\n", MethodNotServed),
    (b"get / HTTP/1.1\r\n", MethodNotServed),
    (b"FOO / HTTP/1.1\r\n", MethodNotServed),
    (b"GE!T / HTTP/1.1\r\n", MethodNotServed),
    (b"A" * 40 + b" / HTTP/1.1\r\n", MethodNotServed),
    (b"GET /" + b"a" * MAX + b" HTTP/1.1\r\n", TargetTooLong),
    (b"GET /" + b"a" * 900 + b" HTTP/1.1\r\n", TargetTooLong),
    (b"GET /" + b"a" * 900 + b" HTTP/9.9\n", TargetTooLong),
    (b"A" * 60 + b" /" + b"a" * (MAX - 1) + b" HTTP/1.1\r\n", TargetTooLong),
]


@pytest.mark.parametrize(("line", "failure"), REFUSED)
def test_a_line_is_refused_for_its_first_fault_whole_or_in_bytes(line: bytes, failure: type[Failure]) -> None:
    with pytest.raises(MalformedRequest) as whole:
        parse_request_line(line, MAX)
    assert whole.type is failure
    with pytest.raises(MalformedRequest) as growing:
        check_bytewise(line)
    assert growing.type is failure


def test_a_target_of_exactly_the_limit_passes_in_bytes_too() -> None:
    line = b"UNSUBSCRIBE /" + b"a" * (MAX - 1) + b" HTTP/1.1\r\n"
    check_bytewise(line)
    assert len(parse_request_line(line, MAX)[1]) == MAX


@pytest.mark.parametrize("method", METHODS)
def test_each_served_method_is_known_to_llhttp(method: bytes) -> None:
    httptools.HttpRequestParser(object()).feed_data(method + b" / HTTP/1.1\r\nHost: a\r\n\r\n")
