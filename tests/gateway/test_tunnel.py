"""After a 101 the bytes belong to the two ends."""

import pytest

from tests.kit.answers import Call, raw, reply, upgrade_echo
from tests.kit.client import Client
from tests.kit.data_path import data_path
from tests.kit.definitions import keyless_api
from tests.kit.origin import Origin

UPGRADE = b"GET /keyless/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Key: k\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def test_bytes_pass_both_ways_and_the_end_too() -> None:
    with Origin(upgrade_echo(b"websocket")) as origin, data_path(keyless_api(origin.url)) as path:
        with Client(path.port) as client:
            client.send(UPGRADE)
            answer = client.read_response()
            assert (answer.status, answer.value("upgrade"), answer.value("connection")) == (101, "websocket", "Upgrade")
            client.send(b"\x00\xffframe")
            client.expect(b"\x00\xffframe")
            client.half_close()
            client.expect_end()
            path.run(path.until_nothing_runs())
        origin.wait_until_unused()
        sent = origin.requests[0]
        assert (sent.value("upgrade"), sent.value("connection"), sent.value("x-key")) == (
            "websocket",
            "Upgrade",
            "k",
        )
    assert [(one.status, one.body_in, one.body_out, one.failure) for one in path.recorded] == [(101, 7, 7, "")]


def test_what_came_before_the_switch_is_not_lost_on_either_side() -> None:
    async def answer(call: Call) -> None:
        await call.send(SWITCHED + b"welcome")
        await call.send(await call.reader.readexactly(5))
        call.close()

    with Origin(answer) as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(UPGRADE + b"early")
        assert client.read_response().status == 101
        client.expect(b"welcomeearly")
        client.expect_end()


def test_more_early_bytes_than_are_kept_are_refused_and_not_lost_in_silence() -> None:
    with (
        Origin(upgrade_echo(b"websocket")) as origin,
        data_path(keyless_api(origin.url)) as path,
        Client(path.port) as client,
    ):
        client.send_all_or_less(UPGRADE + b"a" * 200_000)
        assert client.read_response().status == 400
        client.expect_end()


def test_a_tunnel_whose_upstream_dies_ends() -> None:
    async def answer(call: Call) -> None:
        await call.send(SWITCHED)
        call.reset()

    with Origin(answer) as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(UPGRADE)
        assert client.read_response().status == 101
        client.expect_end()


def test_a_tunnel_whose_client_resets_ends_at_the_upstream() -> None:
    with Origin(upgrade_echo(b"websocket")) as origin, data_path(keyless_api(origin.url)) as path:
        client = Client(path.port)
        client.send(UPGRADE)
        assert client.read_response().status == 101
        client.reset()
        origin.wait_until_unused()


def test_an_upgrade_the_upstream_declines_is_an_answer_and_the_last_one() -> None:
    with Origin(reply(426, b"no")) as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(UPGRADE + b"GET /keyless/ HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = client.read_response()
        assert (answer.status, answer.body, answer.value("connection")) == (426, b"no", "close")
        client.expect_end()
        assert len(origin.requests) == 1


@pytest.mark.parametrize("switched", [SWITCHED.replace(b"websocket", b"h2c"), b"HTTP/1.1 101 S\r\n\r\n"])
def test_a_switch_to_something_else_is_a_502(switched: bytes) -> None:
    with Origin(raw(switched)) as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(UPGRADE)
        assert client.read_response().status == 502


def test_an_upgrade_to_another_protocol_is_not_asked_for() -> None:
    with Origin() as origin, data_path(keyless_api(origin.url)) as path, Client(path.port) as client:
        client.send(UPGRADE.replace(b"websocket", b"h2c"))
        assert client.read_response().status == 200
        assert (origin.requests[0].value("upgrade"), origin.requests[0].value("connection")) == (None, None)


def test_megabytes_pass_through_a_tunnel_whole() -> None:
    data = bytes(range(256)) * 4096 * 4
    with (
        Origin(upgrade_echo(b"websocket")) as origin,
        data_path(keyless_api(origin.url)) as path,
        Client(path.port) as client,
    ):
        client.send(UPGRADE)
        assert client.read_response().status == 101
        for start in range(0, len(data), 1 << 20):
            piece = data[start : start + (1 << 20)]
            client.send(piece)
            client.expect(piece)
