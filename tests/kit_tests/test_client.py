import pytest

from tests.kit.answers import raw
from tests.kit.client import Client, Response
from tests.kit.origin import Origin

GET = b"GET / HTTP/1.1\r\n\r\n"


def answered(data: bytes, method: str = "GET") -> Response:
    with Origin(raw(data)) as origin, Client(origin.port) as client:
        client.send(GET)
        client.half_close()
        return client.read_response(method)


@pytest.mark.parametrize(
    ("data", "method", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc", "GET", b"ab"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "GET", b"a"),
        (b"HTTP/1.1 200 OK\r\n\r\nall", "GET", b"all"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD", b""),
        (b"HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", "GET", b""),
        (b"HTTP/1.1 101 Switch\r\n\r\n", "GET", b""),
    ],
)
def test_a_body_ends_where_its_framing_says(data: bytes, method: str, body: bytes) -> None:
    assert answered(data, method).body == body


def test_interim_answers_are_counted_and_passed() -> None:
    response = answered(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\nA: b\r\n\r\n")
    assert (response.status, response.interim, response.value("a")) == (204, (100,), "b")


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    ],
)
def test_a_response_that_is_cut_or_malformed_fails_the_test(data: bytes) -> None:
    with pytest.raises(AssertionError):
        answered(data)


def test_a_field_that_came_twice_has_no_single_value() -> None:
    response = Response(200, b"", ((b"A", b"1"), (b"a", b"2")), b"")
    assert response.values("A") == ["1", "2"]
    with pytest.raises(AssertionError, match="2 times"):
        response.value("A")
