"""Whoever owes something too long is told so and let go; nobody else is disturbed."""

import pytest

from tests.kit.answers import Call, reply
from tests.kit.client import Client, get, post
from tests.kit.data_path import data_path
from tests.kit.definitions import keyless_api
from tests.kit.origin import Origin

GET = b"GET /keyless/ HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /keyless/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe"
SOON = 0.05


@pytest.mark.parametrize("begun", [b"G", b"GET /keyless/ HTTP/1.1\r\nHost: x\r\n", GET[:-1]])
def test_a_head_that_does_not_end_is_a_408(begun: bytes) -> None:
    with data_path(head_timeout_s=SOON) as path, Client(path.port) as client:
        client.send(begun)
        answer = client.read_response()
        assert (answer.status, answer.value("connection")) == (408, "close")
        client.expect_end()


def test_the_deadline_of_a_head_is_not_moved_by_its_pieces() -> None:
    with data_path(head_timeout_s=SOON) as path, Client(path.port) as client:
        client.send(b"GET /")
        while not client.received_now():
            client.send_all_or_less(b"a")
            get(path.url + "/hello")  # takes its time
        assert client.read_response().status == 408


def test_a_connection_on_which_nothing_comes_is_closed_without_a_word() -> None:
    with data_path(head_timeout_s=SOON) as path, Client(path.port) as client:
        client.expect_end()


def test_an_idle_connection_is_closed_without_a_word() -> None:
    with (
        Origin() as origin,
        data_path(keyless_api(origin.url), idle_timeout_s=SOON) as path,
        Client(path.port) as client,
    ):
        client.send(GET)
        assert client.read_response().status == 200
        client.expect_end()


def test_a_second_head_that_does_not_end_is_a_408_too() -> None:
    with (
        Origin() as origin,
        data_path(keyless_api(origin.url), head_timeout_s=1.0) as path,
        Client(path.port) as client,
    ):
        client.send(GET + b"GET /")
        assert [client.read_response().status for _ in range(2)] == [200, 408]
        client.expect_end()


def test_a_body_that_does_not_go_on_is_a_408_and_ends_the_upstream_s_request() -> None:
    with (
        Origin(reply()) as origin,
        data_path(keyless_api(origin.url), body_timeout_s=SOON) as path,
        Client(path.port) as client,
    ):
        client.send(POST)
        answer = client.read_response()
        assert (answer.status, answer.value("connection")) == (408, "close")
        origin.wait_until_unused()
        assert not origin.requests[0].complete


def test_a_slow_client_is_not_the_upstream_s_fault() -> None:
    """The upstream has less time than the client, and the client takes it all."""
    with (
        Origin(reply()) as origin,
        data_path(keyless_api(origin.url), body_timeout_s=1.0, upstream_timeout_s=SOON) as path,
        Client(path.port) as client,
    ):
        client.send(POST)
        assert client.read_response().status == 408


def test_an_upstream_that_does_not_read_a_body_is_not_the_client_s_fault() -> None:
    """More is on its way than lingering takes, so the client may see no answer; what counts is whose fault it was."""

    async def never(call: Call) -> None:
        await call.wait_for_release()
        call.close()

    with (
        Origin(never) as origin,
        data_path(keyless_api(origin.url), body_timeout_s=SOON, upstream_timeout_s=2.0) as path,
        Client(path.port) as client,
    ):
        client.send(b"POST /keyless/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
        client.send_all_or_less(bytes(100_000_000))
        client.read_to_end()
        origin.release()
    assert [one.failure for one in path.recorded] == ["upstream_timeout"]


def test_a_client_whose_body_we_do_not_take_is_given_the_time_it_waits_for_us() -> None:
    """Far more than body_timeout_s passes while the upstream takes nothing; another connection's deadline tells."""

    async def late(call: Call) -> None:
        await call.wait_for_release()
        await reply()(call)

    with (
        Origin(late) as origin,
        data_path(keyless_api(origin.url), body_timeout_s=SOON, head_timeout_s=1.0) as path,
        Client(path.port) as timekeeper,
    ):
        upload = path.in_background(lambda: post(path.url + "/keyless/", bytes(30_000_000)))
        origin.wait_for(1)
        timekeeper.send(b"G")
        assert timekeeper.read_response().status == 408
        origin.release()
        assert upload.result(30).status == 200


def test_a_client_that_does_not_read_is_cut_and_frees_its_upstream() -> None:
    async def endless(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await call.send(b"10000\r\n" + bytes(65536) + b"\r\n")

    with (
        Origin(endless) as origin,
        data_path(keyless_api(origin.url), body_timeout_s=SOON) as path,
        Client(path.port) as client,
    ):
        client.send(GET)
        origin.wait_for(1)
        origin.wait_until_unused()


def test_a_slow_client_does_not_disturb_another_one() -> None:
    with (
        Origin() as origin,
        data_path(keyless_api(origin.url), head_timeout_s=SOON) as path,
        Client(path.port) as slow,
        Client(path.port) as quick,
    ):
        slow.send(b"GET /")
        quick.send(GET)
        assert quick.read_response().status == 200
        assert slow.read_response().status == 408
        quick.send(GET)
        assert quick.read_response().status == 200
        assert get(path.url + "/keyless/").status == 200
