"""Hostile requests (reliability.md §4, inputs 33 to 55): refused, the connection ended, and the upstream saw nothing.

What stands behind a refused request is never read as a request: each row is followed by a good one.
"""

import pytest

from tests.kit.client import Client
from tests.kit.data_path import data_path
from tests.kit.definitions import keyless_api
from tests.kit.origin import Origin

FOLLOWER = b"GET /keyless/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = b"POST /keyless/ HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /keyless/ HTTP/1.1\r\nHost: x\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

LENGTHS = [
    b"+5",
    b"-5",
    b"0x5",
    b"5_0",
    b"",
    b"5.0",
    b"5, 5",
    b"5,5",
    b"\xef\xbc\x95",
    b"18446744073709551616",
    b" 5 5",
]
CODINGS = [
    b",chunked",
    b"xchunked",
    b"gzip, chunked",
    b"chunked, chunked",
    b"chunked;q=1",
    b"identity",
    b"",
    b'"chunked"',
]
FIELD_LINES = [
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding\t: chunked",
    b" Transfer-Encoding: chunked",
    b"\x01Transfer-Encoding: chunked",
    b"Content_Length: 5",
    b"X: a\r\n b",
    b"X: a\r\n\tb",
    b"X: a\x00b",
    b"X: a\x07b",
    b"X: a\rb",
    b"X",
    b": x",
    b"H\xc3\xb6st: x",
    b"X: a\nY: b",
]
HEADS = {
    "length and coding": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding and length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two equal lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "two lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "two codings": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding in HTTP/1.0": b"POST /keyless/ HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no host": b"GET /keyless/ HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: y\r\n\r\n",
    "two equal hosts": GET + b"Host: x\r\n\r\n",
    "list of hosts": b"GET /keyless/ HTTP/1.1\r\nHost: a,b\r\n\r\n",
    "host with a user": b"GET /keyless/ HTTP/1.1\r\nHost: u@x\r\n\r\n",
    "absolute target, other host": b"GET http://y/keyless/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "bare LF": b"GET /keyless/ HTTP/1.1\nHost: x\n\n",
    "CR CR LF": GET[:-2] + b"\r\r\n\r\n",
    "HTTP/0.9": b"GET /keyless/\r\n\r\n",
    "HTTP/1.32": b"GET /keyless/ HTTP/1.32\r\nHost: x\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "CONNECT": b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n",
    "TRACE": b"TRACE /keyless/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "lower-case method": b"get /keyless/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "two blanks": b"GET  /keyless/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "blank before the method": b" GET /keyless/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "raw byte in the target": b"GET /keyless/\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "encoded slash": b"GET /keyless/..%2fadmin HTTP/1.1\r\nHost: x\r\n\r\n",
    "encoded NUL": b"GET /keyless/a%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "encoded backslash": b"GET /keyless/a%5c HTTP/1.1\r\nHost: x\r\n\r\n",
    "broken escape": b"GET /keyless/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    "above the root": b"GET /../keyless/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "fragment": b"GET /keyless/#x HTTP/1.1\r\nHost: x\r\n\r\n",
    "100 KB of target": b"GET /keyless/%b HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 100_000),
    "10,000 fields": GET + b"A: b\r\n" * 10_000 + b"\r\n",
    "1 MB in a field": GET + b"A: %b\r\n\r\n" % (b"b" * 1_000_000),
}
ROWS = (
    HEADS
    | {f"length {value!r}": HEAD + b"Content-Length: %b\r\n\r\nhello" % value for value in LENGTHS}
    | {f"coding {value!r}": HEAD + b"Transfer-Encoding: %b\r\n\r\n0\r\n\r\n" % value for value in CODINGS}
    | {f"line {line!r}": GET + line + b"\r\n\r\n" for line in FIELD_LINES}
)


@pytest.mark.parametrize("request_bytes", ROWS.values(), ids=ROWS)
def test_a_head_that_could_be_read_in_two_ways_is_refused_and_goes_nowhere(request_bytes: bytes) -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send_all_or_less(request_bytes + FOLLOWER)
        answer = client.read_response()
        assert 400 <= answer.status < 600, answer
        assert answer.status in (400, 405, 414, 431, 501, 505)
        assert answer.value("connection") == "close"
        client.expect_end()
        assert origin.connections == 0


SIZES = [b"0x1", b"1_0", b"-1", b"+1", b"", b" 1", b"1 ", b"11111111111111111", b"1;a\rb", b"1;a\nb", b"g"]


@pytest.mark.parametrize("size", SIZES)
def test_a_body_whose_chunks_could_be_read_in_two_ways_ends_the_connection(size: bytes) -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(CHUNKED + size + b"\r\na\r\n0\r\n\r\n" + FOLLOWER)
        assert client.read_response().status == 400
        client.expect_end()
        assert origin.requests == []


@pytest.mark.parametrize(
    "tail", [b"1\r\nab\r\n0\r\n\r\n", b"1\r\na\n0\r\n\r\n", b"1;%b\r\na\r\n0\r\n\r\n" % (b"x" * 1_000_000)]
)
def test_a_chunk_that_breaks_its_own_size_is_refused(tail: bytes) -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send_all_or_less(CHUNKED + tail + FOLLOWER)
        assert client.read_response().status == 400
        client.expect_end()
        assert all(one.target == "/" and not one.complete for one in origin.requests)


@pytest.mark.parametrize("trailer", [b"Authorization: x", b"Host: y", b"Content-Length: 5", b"X-Any: 1"])
def test_trailers_do_not_reach_the_upstream(trailer: bytes) -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(CHUNKED + b"1\r\na\r\n0\r\n" + trailer + b"\r\n\r\n")
        assert client.read_response().status == 200
        (sent,) = origin.requests
        assert bytes(sent.body) == b"a"
        assert trailer not in sent.raw


def test_a_request_in_the_body_of_a_request_is_its_body() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(GET + b"Content-Length: %d\r\n\r\n%b" % (len(FOLLOWER), FOLLOWER) + GET + b"\r\n")
        assert [client.read_response().status for _ in range(2)] == [200, 200]
        assert [(one.target, bytes(one.body)) for one in origin.requests] == [("/", FOLLOWER), ("/", b"")]


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        (b"//keyless//a", "/a"),
        (b"/keyless/./a", "/a"),
        (b"/keyless/b/../a", "/a"),
        (b"/x/../keyless/a", "/a"),
        (b"/%6beyless/%61", "/a"),
        (b"/keyless/%c3%a9", "/%C3%A9"),
        (b"/keyless/a;x=1", "/a;x=1"),
        (b"http://x/keyless/a?b", "/a?b"),
    ],
)
def test_the_form_that_was_judged_is_the_form_that_is_sent(target: bytes, sent: str) -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % target)
        assert client.read_response().status == 200
        assert origin.requests[0].target == sent


@pytest.mark.parametrize("target", [b"/keylesss/a", b"/KEYLESS/a", b"/keyless;x/a", b"/key/less"])
def test_a_path_that_only_resembles_a_listen_path_is_not_served(target: bytes) -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % target)
        assert client.read_response().status == 404
        assert origin.connections == 0


@pytest.mark.parametrize("pieces", [1, 7])
def test_bytes_that_come_singly_are_read_as_those_that_come_at_once(pieces: int) -> None:
    whole = CHUNKED + b"3\r\nabc\r\n0\r\n\r\n" + GET + b"\r\n"
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        for start in range(0, len(whole), pieces):
            client.send(whole[start : start + pieces])
        assert [client.read_response().status for _ in range(2)] == [200, 200]
        assert bytes(origin.requests[0].body) == b"abc"
