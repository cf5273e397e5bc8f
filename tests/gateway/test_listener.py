"""The drain: whoever has a request under way or on the way is answered, and nobody else is waited for."""

import asyncio
from concurrent.futures import Future

from tests.kit.answers import stall
from tests.kit.client import Client, get
from tests.kit.data_path import DataPath, data_path
from tests.kit.definitions import keyless_api
from tests.kit.origin import Origin

GET = b"GET /keyless/ HTTP/1.1\r\nHost: x\r\n\r\n"
SLOW = stall(b"", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")


def begin_drain(path: DataPath, timeout_s: float = 30.0) -> "Future[None]":
    return asyncio.run_coroutine_threadsafe(path.parts.listener.drain(timeout_s), path.loop)


def test_a_running_exchange_ends_and_says_that_it_is_the_last() -> None:
    with Origin(SLOW) as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(GET)
        origin.wait_for(1)
        drained = begin_drain(path)
        path.run(asyncio.sleep(0))
        origin.release()
        answer = client.read_response()
        assert (answer.body, answer.value("connection")) == (b"slow", "close")
        client.expect_end()
        drained.result(30)


def test_pipelined_requests_received_before_the_drain_are_all_answered() -> None:
    with Origin(SLOW) as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(GET * 3)
        origin.wait_for(1)
        drained = begin_drain(path)
        path.run(asyncio.sleep(0))
        origin.release()
        answers = [client.read_response() for _ in range(3)]
        assert [answer.value("connection") for answer in answers] == [None, None, "close"]
        drained.result(30)


def test_an_idle_connection_closes_at_once() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(GET)
        assert client.read_response().status == 200
        begin_drain(path).result(30)
        client.expect_end()


def test_a_head_half_here_is_completed_and_answered() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(GET)
        client.read_response()
        client.send(GET[:-2])
        get(path.url + "/hello")  # what was sent before it has been read when it is answered
        drained = begin_drain(path)
        path.run(asyncio.sleep(0))
        client.send(GET[-2:])
        assert client.read_response().value("connection") == "close"
        drained.result(30)


def test_a_connection_made_just_after_nobody_waited_any_more_is_answered() -> None:
    """The kernel accepts it: the parent of a worker has the socket, too."""
    with Origin() as origin, data_path(keyless_api(origin.url)) as path:
        drained = begin_drain(path)
        path.run(asyncio.sleep(0))  # the queue was empty, and there is no connection to wait for
        with Client(path.port) as late:
            late.send(GET)
            answer = late.read_response()
            assert (answer.status, answer.value("connection")) == (200, "close")
        drained.result(30)


def test_a_connection_made_while_others_are_waited_for_is_answered() -> None:
    with Origin({"/slow": SLOW}) as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(b"GET /keyless/slow HTTP/1.1\r\nHost: x\r\n\r\n")
        origin.wait_for(1)
        drained = begin_drain(path)
        path.run(asyncio.sleep(0))
        with Client(path.port) as late:
            late.send(GET)
            answer = late.read_response()
            assert (answer.status, answer.value("connection")) == (404, "close")
        origin.release()
        assert client.read_response().status == 200
        drained.result(30)


def test_a_connection_still_in_the_kernel_s_queue_is_answered() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path:
        path.run(path.stop_accepting())
        with Client(path.port) as queued:
            queued.send(GET)
            drained = begin_drain(path)
            answer = queued.read_response()
            assert (answer.status, answer.value("connection")) == (200, "close")
            drained.result(30)


def test_who_does_not_end_in_time_is_cut() -> None:
    with Origin(SLOW) as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(GET)
        origin.wait_for(1)
        begin_drain(path, 0.05).result(30)
        client.expect_end()
        origin.release()
