"""Bodies on their way: streamed as they come, held back when nobody takes them, asked for only when wanted."""

import threading

import pytest

from tests.kit.answers import Call, events, reply, stall
from tests.kit.client import Client, get
from tests.kit.data_path import DataPath, data_path
from tests.kit.definitions import keyless_api, token_api
from tests.kit.origin import Origin

MIB = 1024 * 1024
WHOLE = 100 * MIB
HELD_MAX = 40 * MIB  # four kernel buffers of up to 6 MiB and our high-water marks
PIECE = bytes(64 * 1024)
EXPECT = b"POST /%b/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"


def keep_busy(path: DataPath) -> None:
    """Time for a gateway that holds nothing back to take far more than it may."""
    for _ in range(100):
        assert get(path.url + "/small/").status == 200


def small_api(url: str) -> dict[str, object]:
    return keyless_api(url, "small")


def test_an_answer_of_100_mib_waits_for_a_client_that_does_not_read() -> None:
    sent = 0

    async def answer(call: Call) -> None:
        nonlocal sent
        if call.request.target != "/large":
            await reply()(call)
            return
        await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % WHOLE)
        while sent < WHOLE:
            await call.send(PIECE)
            sent += len(PIECE)

    with (
        Origin(answer) as origin,
        data_path(keyless_api(origin.url), small_api(origin.url)) as path,
        Client(path.port) as client,
    ):
        client.send(b"GET /keyless/large HTTP/1.1\r\nHost: x\r\n\r\n")
        client.read_until(b"\r\n\r\n")
        keep_busy(path)
        assert sent < HELD_MAX
        received = sum(len(client.read_exactly(MIB)) for _ in range(WHOLE // MIB))
        assert received == WHOLE


@pytest.mark.parametrize("framing", ["counted", "chunked"])
def test_a_request_of_100_mib_waits_for_an_upstream_that_does_not_read(framing: str) -> None:
    sent = 0

    async def answer(call: Call) -> None:
        if call.request.target == "/large":
            await call.wait_for_release()
        await reply()(call)

    def upload(client: Client) -> None:
        nonlocal sent
        head = b"POST /keyless/large HTTP/1.1\r\nHost: x\r\n"
        is_chunked = framing == "chunked"
        client.send(
            head + (b"Transfer-Encoding: chunked\r\n\r\n" if is_chunked else b"Content-Length: %d\r\n\r\n" % WHOLE)
        )
        while sent < WHOLE:
            client.send(b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if is_chunked else PIECE)
            sent += len(PIECE)
        if is_chunked:
            client.send(b"0\r\n\r\n")

    with (
        Origin(answer) as origin,
        data_path(keyless_api(origin.url), small_api(origin.url)) as path,
        Client(path.port) as client,
    ):
        sending = threading.Thread(target=upload, args=(client,))
        sending.start()
        origin.wait_for(1)
        keep_busy(path)
        assert sent < HELD_MAX
        origin.release()
        assert client.read_response().status == 200
        sending.join()
        assert len(origin.requests[0].body) == WHOLE


def test_events_reach_the_client_as_they_are_sent() -> None:
    with (
        Origin(events(["one", "two"])) as origin,
        data_path(keyless_api(origin.url)) as path,
        Client(path.port) as client,
    ):
        client.send(b"GET /keyless/ HTTP/1.1\r\nHost: x\r\n\r\n")
        client.read_until(b"data: one\n\n")
        client.read_until(b"data: two\n\n")
        origin.release()
        client.read_until(b"0\r\n\r\n")


def test_pieces_of_a_request_reach_the_upstream_as_they_are_sent() -> None:
    heard = threading.Event()

    async def answer(call: Call) -> None:
        assert await call.reader.readexactly(8) == b"3\r\none\r\n"
        heard.set()
        await call.read_body()
        await reply()(call)

    with Origin(answer) as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(b"POST /keyless/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")
        assert heard.wait(30)
        client.send(b"0\r\n\r\n")
        assert client.read_response().status == 200


def test_100_continue_is_sent_when_the_body_is_wanted_and_expect_does_not_travel() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(EXPECT % b"keyless")
        client.expect(b"HTTP/1.1 100 Continue\r\n\r\n")
        client.send(b"hello")
        assert client.read_response().status == 200
        assert origin.requests[0].value("expect") is None
        assert bytes(origin.requests[0].body) == b"hello"


def test_100_continue_is_not_sent_to_a_refused_request() -> None:
    with Origin() as origin, data_path(token_api(origin.url)) as path, Client(path.port) as client:
        client.send(EXPECT % b"token")
        answer = client.read_response()
        assert (answer.status, answer.interim, answer.value("connection")) == (401, (), "close")
        client.expect_end()
        assert origin.connections == 0


def test_100_continue_is_not_sent_for_a_body_that_is_too_large() -> None:
    with (
        Origin() as origin,
        data_path(keyless_api(origin.url), request_body_max_bytes=4) as path,
        Client(path.port) as client,
    ):
        client.send(EXPECT % b"keyless")
        answer = client.read_response()
        assert (answer.status, answer.interim) == (413, ())
        assert origin.connections == 0


def test_100_continue_is_not_sent_when_the_body_comes_unasked() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(EXPECT % b"keyless" + b"hello")
        answer = client.read_response()
        assert (answer.status, answer.interim) == (200, ())


def test_a_refused_upload_gets_its_answer_though_it_goes_on_sending() -> None:
    with data_path(token_api("http://127.0.0.1:9")) as path, Client(path.port) as client:
        client.send(b"POST /token/ HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n" + b"a" * 100_000)
        client.send(b"a" * 300_000)
        assert client.read_response().status == 401
        client.expect_end()


def test_a_client_that_ends_inside_its_body_ends_the_upstream_s_request() -> None:
    with Origin(reply()) as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(b"POST /keyless/ HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhello")
        origin.wait_for(1)
        client.half_close()
        client.expect_end()
        origin.wait_until_unused()
        assert not origin.requests[0].complete
    assert [(one.failure, one.status) for one in path.recorded] == [("client_gone", 499)]


def test_an_early_answer_streams_while_the_request_still_comes() -> None:
    start = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"
    with (
        Origin(stall(start, b"3\r\ntwo\r\n0\r\n\r\n")) as origin,
        data_path(keyless_api(origin.url)) as path,
        Client(path.port) as client,
    ):
        client.send(b"POST /keyless/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")
        client.read_until(b"one\r\n")
        client.send(b"llo")
        origin.release()
        client.expect(b"3\r\ntwo\r\n0\r\n\r\n")
        client.expect_end()
