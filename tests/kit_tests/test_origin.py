import pytest

from tests.kit.answers import (
    Answer,
    Call,
    chunked,
    cut,
    echo,
    events,
    half_close,
    raw,
    reply,
    stall,
    upgrade_echo,
)
from tests.kit.client import Client, get, post
from tests.kit.origin import Origin

GET = b"GET /a?b=c HTTP/1.1\r\nHost: o\r\nX-Two: 1\r\nx-two:  2 \r\n\r\n"


def test_it_answers_by_path_and_404_otherwise() -> None:
    with Origin({"/a": reply(201, b"A", ((b"X-Y", b"z"),))}) as origin:
        answered = get(f"{origin.url}/a?query")
        assert (answered.status, answered.body, answered.value("x-y")) == (201, b"A", "z")
        assert get(f"{origin.url}/b").status == 404


def test_it_remembers_requests_byte_for_byte() -> None:
    body = b"3;x=y\r\nabc\r\n0\r\nT: r\r\n\r\n"
    head = b"POST / HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\n"
    with Origin(echo()) as origin, Client(origin.port) as client:
        client.send(GET + head + body)
        assert client.read_response().body == b""
        assert client.read_response().body == b"abc"
        first, second = origin.requests
    assert (first.raw, first.method, first.target, first.values("X-TWO")) == (GET, "GET", "/a?b=c", ["1", "2"])
    assert (second.raw, bytes(second.body), second.complete) == (head + body, b"abc", True)
    assert origin.connections == 1


@pytest.mark.parametrize(
    ("answer", "received"),
    [
        (raw(b"HTTP/1.1 20"), b"HTTP/1.1 20"),
        (cut(b"partial"), b"partial"),
        (cut(b"", reset=True), b""),
        (half_close(b"last words"), b"last words"),
        (reply(413, early=True), b"HTTP/1.1 413 Scripted\r\nContent-Length: 0\r\n\r\n"),
    ],
)
def test_it_can_misbehave(answer: Answer, received: bytes) -> None:
    with Origin(answer) as origin, Client(origin.port) as client:
        client.send(GET)
        client.half_close()
        assert client.read_to_end() == received


def test_chunks_and_trailers_arrive_as_scripted() -> None:
    with Origin(chunked([b"ab", b"c"], trailers=((b"T", b"r"),))) as origin:
        answered = get(origin.url)
    assert (answered.body, answered.trailers) == (b"abc", ((b"T", b"r"),))


def test_a_stalled_answer_waits_for_release() -> None:
    answer = stall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", b"b")
    with Origin(answer) as origin, Client(origin.port) as client:
        client.send(GET)
        client.read_until(b"\r\n\r\na")
        origin.release()
        client.expect(b"b")


def test_events_stay_open_until_release() -> None:
    with Origin(events(["one", "two"])) as origin, Client(origin.port) as client:
        client.send(GET)
        assert b"data: one\n\n" in client.read_until(b"data: two\n\n\r\n")
        origin.release()
        client.expect(b"0\r\n\r\n")


def test_an_upgraded_connection_echoes() -> None:
    with Origin(upgrade_echo()) as origin, Client(origin.port) as client:
        client.send(GET)
        assert client.read_response().status == 101
        client.send(b"\x00\xff")
        client.expect(b"\x00\xff")
        client.half_close()
        client.expect_end()
        origin.wait_until_unused()


def test_a_request_is_known_before_its_body_is_complete() -> None:
    with Origin(echo()) as origin, Client(origin.port) as client:
        client.send(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab")
        assert not origin.wait_for(1)[0].complete
        client.send(b"cde")
        assert client.read_response().body == b"abcde"


def test_an_origin_that_refuses_is_not_connected_to() -> None:
    with Origin() as origin:
        origin.refuse()
        with pytest.raises(ConnectionRefusedError):
            Client(origin.port)


def test_a_bug_in_a_tests_own_answer_fails_the_test() -> None:
    async def answer(call: Call) -> None:
        raise ValueError("mine")

    origin = Origin(answer).__enter__()
    with Client(origin.port) as client:
        client.send(GET)
        client.expect_end()
    with pytest.raises(AssertionError, match="mine"):
        origin.__exit__()


def test_post_sends_a_body() -> None:
    with Origin(echo()) as origin:
        assert post(origin.url, b"body", {"Host": "other"}).body == b"body"
        assert origin.requests[0].value("host") == "other"
