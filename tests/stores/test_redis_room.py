"""A Redis without room: whoever has a meter goes on, and what empties it or revokes gets through."""

import asyncio
from collections.abc import Iterator

import pytest

from propylon.errors import MetersFull, StoreUnavailable
from propylon.stores.ports import Beat
from propylon.stores.redis_usage import CALL_MAX_BYTES, USAGE_MAX_BYTES
from tests.kit.redis_server import RedisServer, running_redis
from tests.stores.redis_scenes import admitted, failures, fixed, meters_at, quota, run, sliding, together, used

BEAT = Beat("worker 1", serves=True, said="")


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


def test_without_room_known_meters_count_and_new_ones_are_refused(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            known = (sliding(9), quota(3), fixed(9, b"fixed"))
            await meters.admit(known)
            server.ask("CONFIG", "SET", "maxmemory", 1)
            asked = [meters.admit(known), meters.admit((quota(9, b"new"),)), meters.admit((*known, quota(9, b"new")))]
            answers = await asyncio.gather(*asked, meters.admit(known), meters.admit(known), return_exceptions=True)
            assert failures(answers) == [MetersFull, MetersFull]
            assert [answers[index].refused for index in (0, 3, 4)] == [-1, -1, 1]
            assert await used(meters) == 3
            assert await meters.quota(b"new") is None

    run(scenario())


def test_without_room_a_charge_that_is_refused_anyway_is_refused(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            await meters.admit((quota(1),))
            server.ask("CONFIG", "SET", "maxmemory", 1)
            assert (await meters.admit((quota(9, b"new"), quota(1)))).refused == 1
            assert (await meters.judge((quota(9, b"new"),))).refused == -1

    run(scenario())


def test_without_room_a_revocation_is_announced(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            server.ask("CONFIG", "SET", "maxmemory", 1)
            assert await meters.announce(7) == 7
            assert await meters.head() == 7

    run(scenario())


def test_without_room_usage_has_to_wait_and_can_be_drained(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            await meters.enqueue([b"one", b"two"])
            server.ask("CONFIG", "SET", "maxmemory", 1)
            with pytest.raises(StoreUnavailable) as refused:
                await meters.enqueue([b"three"])
            assert refused.type is not MetersFull  # for which a line would be given up
            batch = await meters.peek(9)
            await meters.discard(batch.epoch, batch.first + 1)
            assert (await meters.peek(9)).lines == [b"two"]

    run(scenario())


def test_without_room_a_node_is_heard(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            await meters.beat("one", BEAT)
            server.ask("CONFIG", "SET", "maxmemory", 1)
            assert await meters.beat("two", BEAT) == 2

    run(scenario())


def test_without_room_a_dropped_key_set_is_dropped(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            await meters.put_key_set("source", b"body", fetched_at=1.0, fresh_until=2e9)
            server.ask("CONFIG", "SET", "maxmemory", 1)
            await meters.drop_key_set("source")
            assert await meters.key_set("source") is None

    run(scenario())


def test_lines_of_usage_are_bounded_in_bytes_too(server: RedisServer) -> None:
    async def scenario() -> None:
        server.ask("CONFIG", "SET", "appendonly", "no")  # it is not about the disk
        async with meters_at(server.url(), usage_lines_max=10**6, timeout_s=20) as meters:
            line = bytes(CALL_MAX_BYTES)
            for _ in range(USAGE_MAX_BYTES // len(line) + 3):
                await meters.enqueue([line, b"x"])
            batch = await meters.peek(9)
            assert (batch.dropped, batch.first) == (7, 8)
            assert batch.lines == [b"x"]
            await meters.discard(batch.epoch, batch.first + 1)
            assert (await meters.peek(9)).lines == [line]

    run(scenario())


def test_a_long_queue_is_discarded_in_pieces(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url(), usage_lines_max=10**6) as meters:
            await meters.enqueue([b"%d" % number for number in range(1800)])
            batch = await meters.peek(1)
            server.ask("CONFIG", "RESETSTAT")
            await meters.discard(batch.epoch, batch.first + 1700)
            assert server.calls_of("evalsha") - server.calls_of("script|load") * 2 in (3, 4)
            assert (await meters.peek(1)).lines == [b"1700"]

    run(scenario())


def test_all_that_was_charged_before_a_server_was_full_stands(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            assert admitted(await together(meters, quota(10), times=4)) == 4
            server.ask("CONFIG", "SET", "maxmemory", 1)
            assert admitted(await together(meters, quota(10), times=20)) == 6

    run(scenario())
