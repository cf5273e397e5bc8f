"""What an upstream's head must be, and what it means for its body and connection."""

import pytest

from propylon.errors import MalformedResponse
from propylon.http.messages import ResponseHead
from propylon.http.response_head import check_response_start, parse_response_head


def judged(lines: bytes, start: bytes = b"HTTP/1.1 200 OK", *, head_request: bool = False) -> ResponseHead:
    raw = b"%b\r\n%b\r\n" % (start, lines)
    return parse_response_head(raw, raw.count(b"\n") - 2, head_request=head_request)


def test_a_usual_answer_is_understood() -> None:
    lines = b"Content-Length: 5\r\nSet-Cookie: a\r\nset-cookie: b \r\n"
    head = judged(lines)
    assert (head.status, head.reason, head.body_length) == (200, b"OK", 5)
    assert head.fields == [(b"Content-Length", b"5"), (b"Set-Cookie", b"a"), (b"set-cookie", b"b")]
    assert head.passing == lines
    assert (head.keep_alive, head.until_close, head.connection_names) == (True, False, frozenset())


@pytest.mark.parametrize(
    ("start", "status", "reason"),
    [
        (b"HTTP/1.1 404 Not Found", 404, b"Not Found"),
        (b"HTTP/1.1 200 ", 200, b""),
        (b"HTTP/1.1 200", 200, b""),
        (b"HTTP/1.0 599 \xe9", 599, b"\xe9"),
        (b"HTTP/1.1 999 x", 999, b"x"),
    ],
)
def test_status_lines_of_the_wild_are_taken(start: bytes, status: int, reason: bytes) -> None:
    head = judged(b"", start)
    assert (head.status, head.reason) == (status, reason)


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/2.0 200 OK",
        b"HTTP/1.2 200 OK",
        b"HTTP/1.1  200 OK",
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 000 OK",
        b"HTTP/1.1 200OK",
        b"HTTP/1.1 200 O\x00K",
        b"HTTP/1.1 200 O\rK",
        b"http/1.1 200 OK",
        b"ICY 200 OK",
        b" HTTP/1.1 200 OK",
    ],
)
def test_other_status_lines_are_refused_early_and_late(start: bytes) -> None:
    with pytest.raises(MalformedResponse):
        judged(b"", start)
    with pytest.raises(MalformedResponse):
        check_response_start(start + b"\r\n")


def test_the_start_of_a_good_line_is_waited_for() -> None:
    for end in range(1, 18):
        check_response_start(b"HTTP/1.1 200 OK\r\n"[:end])


@pytest.mark.parametrize(
    ("lines", "start", "length", "until_close", "keep_alive"),
    [
        (b"Content-Length: 0\r\n", b"HTTP/1.1 200 OK", 0, False, True),
        (b"Transfer-Encoding: Chunked\r\n", b"HTTP/1.1 200 OK", None, False, True),
        (b"", b"HTTP/1.1 200 OK", None, True, False),
        (b"", b"HTTP/1.0 200 OK", None, True, False),
        (b"Content-Length: 5\r\n", b"HTTP/1.0 200 OK", 5, False, False),
        (b"Content-Length: 5\r\nConnection: keep-alive\r\n", b"HTTP/1.0 200 OK", 5, False, True),
        (b"Content-Length: 5\r\nConnection: close\r\n", b"HTTP/1.1 200 OK", 5, False, False),
        (b"Content-Length: 5\r\nConnection: x\r\nConnection: close\r\n", b"HTTP/1.1 200 OK", 5, False, False),
        (b"Content-Length: 5\r\n", b"HTTP/1.1 304 Not Modified", 0, False, True),
        (b"Transfer-Encoding: chunked\r\n", b"HTTP/1.1 204 No Content", 0, False, True),
        (b"", b"HTTP/1.1 100 Continue", 0, False, True),
    ],
)
def test_the_body_is_framed_as_the_rfc_says(
    lines: bytes, start: bytes, length: int | None, until_close: bool, keep_alive: bool
) -> None:
    head = judged(lines, start)
    assert (head.body_length, head.until_close, head.keep_alive) == (length, until_close, keep_alive)


@pytest.mark.parametrize("lines", [b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b""])
def test_an_answer_to_head_has_no_body(lines: bytes) -> None:
    head = judged(lines, head_request=True)
    assert (head.body_length, head.until_close, head.keep_alive) == (0, False, True)


@pytest.mark.parametrize(
    ("lines", "start"),
    [
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"HTTP/1.1 200 OK"),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"HTTP/1.1 200 OK"),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n", b"HTTP/1.1 200 OK"),
        (b"Content-Length: 5, 5\r\n", b"HTTP/1.1 200 OK"),
        (b"Content-Length: +5\r\n", b"HTTP/1.1 200 OK"),
        (b"Content-Length: 18446744073709551616\r\n", b"HTTP/1.1 200 OK"),
        (b"Content-Length: 9999999999999999999\r\n", b"HTTP/1.1 200 OK"),
        (b"Transfer-Encoding: gzip, chunked\r\n", b"HTTP/1.1 200 OK"),
        (b"Transfer-Encoding: identity\r\n", b"HTTP/1.1 200 OK"),
        (b"Transfer-Encoding: ,chunked\r\n", b"HTTP/1.1 200 OK"),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"HTTP/1.1 200 OK"),
        (b"Transfer-Encoding: chunked\r\n", b"HTTP/1.0 200 OK"),
        (b"A: b\r\n c\r\n", b"HTTP/1.1 200 OK"),
        (b"A : b\r\n", b"HTTP/1.1 200 OK"),
        (b"A: \x00\r\n", b"HTTP/1.1 200 OK"),
        (b"A: b\nC: d\r\n", b"HTTP/1.1 200 OK"),
        (b"Connection: a b\r\n", b"HTTP/1.1 200 OK"),
        (b"", b"HTTP/1.1 101 Switching Protocols"),
        (b"Upgrade: websocket\r\n", b"HTTP/1.1 101 Switching Protocols"),
        (b"Connection: upgrade\r\n", b"HTTP/1.1 101 Switching Protocols"),
    ],
)
def test_a_head_with_two_readings_is_refused(lines: bytes, start: bytes) -> None:
    with pytest.raises(MalformedResponse):
        judged(lines, start)


def test_listed_names_become_hop_by_hop() -> None:
    assert judged(b"Connection: close, X-A\r\nConnection: x-b\r\n").connection_names == {b"x-a", b"x-b"}
