"""Beats in a real Redis: who lives, who is missed, who is forgotten. Times are moved in Redis, never waited for."""

from collections.abc import Iterator

import pytest

from propylon.stores.ports import Beat
from propylon.stores.redis_nodes import LIVES_S, REMEMBERED_S
from tests.kit.redis_server import RedisServer, running_redis
from tests.stores.redis_scenes import meters_at, run

WORKERS = [Beat(f"worker {number}", serves=True, said=f"I am {number}") for number in (1, 2)]
CONTROL = Beat("control", serves=False, said="I lead")


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def server(shared_server: RedisServer) -> RedisServer:
    shared_server.ask("FLUSHALL")
    return shared_server


def heard_before(server: RedisServer, name: str, seconds: float) -> None:
    """Moves the last beat of a node or process back."""
    for key in ("{propylon}:nodes", "{propylon}:processes"):
        at = server.ask("ZSCORE", key, name)
        if at is not None:
            server.ask("ZADD", key, float(at) - seconds, name)


def test_nodes_that_take_traffic_are_counted_once_whatever_their_processes(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            assert [await meters.beat("a", beat) for beat in [*WORKERS, CONTROL]] == [1, 1, 1]
            assert await meters.beat("b", WORKERS[0]) == 2
            assert await meters.beat("c", CONTROL) == 2

    run(scenario())


def test_each_process_is_heard_with_what_it_said_last(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            for node, beat in (("b", CONTROL), ("a", WORKERS[1]), ("a", WORKERS[0]), ("b", CONTROL)):
                await meters.beat(node, beat)
            await meters.beat("a", WORKERS[0]._replace(said="something else"))
            heard = await meters.heard()
            assert [(one.node, one.process, one.said, one.is_alive) for one in heard] == [
                ("a", "worker 1", "something else", True),
                ("a", "worker 2", "I am 2", True),
                ("b", "control", "I lead", True),
            ]
            now = int(server.ask("TIME")[0])
            assert all(now - 60 < one.at < now + 1 for one in heard)

    run(scenario())


def test_one_that_is_silent_is_not_alive_and_has_no_share(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            await meters.beat("a", WORKERS[0])
            await meters.beat("b", WORKERS[0])
            heard_before(server, "b", LIVES_S + 1)
            heard_before(server, "b\nworker 1", LIVES_S + 1)
            assert await meters.beat("a", WORKERS[0]) == 1
            assert [(one.node, one.is_alive) for one in await meters.heard()] == [("a", True), ("b", False)]

    run(scenario())


def test_one_that_was_silent_for_an_hour_is_forgotten_and_what_it_said_too(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            for number in range(15):
                await meters.beat(f"old{number:02}", WORKERS[0])
                heard_before(server, f"old{number:02}\nworker 1", REMEMBERED_S + 60)
            await meters.beat("young", WORKERS[0])
            heard_before(server, "young\nworker 1", REMEMBERED_S - 60)
            for _ in range(2):
                await meters.beat("a", WORKERS[0])
            assert [one.node for one in await meters.heard()] == ["a", "young"]
            assert server.ask("HLEN", "{propylon}:processes:said") == 2

    run(scenario())


def test_what_a_process_says_may_hold_any_text(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            said = 'π "quoted"\r\n\0'
            await meters.beat("node:/with/a path", WORKERS[0]._replace(said=said))
            (heard,) = await meters.heard()
            assert (heard.node, heard.said) == ("node:/with/a path", said)

    run(scenario())
