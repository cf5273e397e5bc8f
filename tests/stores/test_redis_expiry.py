"""What nobody would miss goes by itself, by Redis's own clock; what must stay stays."""

from collections.abc import Iterator
from math import inf

import pytest

from propylon.clock import SystemClock
from propylon.stores.ports import Now, QuotaState
from propylon.stores.redis_key_sets import SET_KEPT_S
from propylon.stores.redis_meters import RedisMeters
from tests.kit.redis_server import RedisServer, running_redis
from tests.stores.redis_scenes import SECOND, fixed, meters_at, quota, run, sliding

FOREVER = -1  # as Redis answers for what has no end


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def server(shared_server: RedisServer) -> RedisServer:
    shared_server.ask("FLUSHALL")
    return shared_server


async def left_s(server: RedisServer, kind: bytes) -> float:
    """Until the one key of that kind goes."""
    (key,) = [key for key in server.ask("KEYS", "*") if key.startswith(b"{propylon}:" + kind)]
    left_ms = server.ask("PTTL", key)
    return FOREVER if left_ms == FOREVER else left_ms / 1000


@pytest.mark.parametrize(
    ("claim", "kind", "at_least_s", "at_most_s"),
    [
        (sliding(5, period_s=60), b"window:", 110, 60 / 16 + 120),
        (sliding(5, period_s=0.001), b"window:", 5, 10.1),
        (fixed(5, period_s=60), b"window:", 110, 60 + 120),
        (quota(5, period_s=3600), b"quota:", 3590, 3610),
        (quota(5, period_s=10**11), b"quota:", 99 * 365 * 86_400, 101 * 365 * 86_400),
    ],
    ids=["sliding", "very short", "fixed", "quota", "quota of centuries"],
)
def test_a_meter_stays_as_long_as_it_may_count(
    server: RedisServer, claim: object, kind: bytes, at_least_s: float, at_most_s: float
) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            await meters.admit((claim,))  # type: ignore[arg-type]
            assert at_least_s <= await left_s(server, kind) <= at_most_s

    run(scenario())


def test_a_quota_that_never_renews_stays_also_if_it_used_to(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            await meters.admit((quota(5, period_s=3600),))
            await meters.admit((quota(5, period_s=0),))
            assert await left_s(server, b"quota:") == FOREVER

    run(scenario())


def test_the_end_moves_with_every_charge(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            await meters.admit((sliding(5, period_s=60),))
            server.ask("PEXPIRE", "{propylon}:window:window", 5000)
            await meters.admit((sliding(5, period_s=60),))
            assert await left_s(server, b"window:") > 110

    run(scenario())


def test_a_restored_quota_stays_a_day_beyond_its_end(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            wall_ns = round(SystemClock().wall() * SECOND)
            await meters.restore_quotas([QuotaState(b"quota", 3, wall_ns + 3600 * SECOND)])
            assert 86_400 + 3590 < await left_s(server, b"quota:") <= 86_400 + 3610
            await meters.admit((quota(5, period_s=60),))
            assert await left_s(server, b"quota:") <= 70

    run(scenario())


@pytest.mark.parametrize(
    ("kind", "at_least_s", "at_most_s"),
    [(b"key-set:", SET_KEPT_S + 50, SET_KEPT_S + 60), (b"lease:", 5, 15), (b"name:", 60, 70)],
)
def test_sets_leases_and_names_end(server: RedisServer, kind: bytes, at_least_s: float, at_most_s: float) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            wall = SystemClock().wall()
            await meters.put_key_set("source", b"body", fetched_at=wall, fresh_until=wall + 60)
            await meters.take_lease("lease", 5)
            await meters.first_use(b"name", wall + 60)
            assert at_least_s <= await left_s(server, kind) <= at_most_s

    run(scenario())


@pytest.mark.parametrize("until", [inf, 1e300, 1e18])
def test_a_name_that_never_ends_is_never_forgotten(server: RedisServer, until: float) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            assert [await meters.first_use(b"name", until) for _ in range(2)] == [True, False]
            assert await left_s(server, b"name:") == FOREVER

    run(scenario())


def test_a_set_that_has_ended_is_no_source(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            await meters.put_key_set("ends", b"body", fetched_at=1.0, fresh_until=2.0)
            await meters.put_key_set("stays", b"body", fetched_at=1.0, fresh_until=4e9)
            server.ask("DEL", "{propylon}:key-set:ends")
            assert await meters.key_set_sources() == ["stays"]
            assert server.ask("SMEMBERS", "{propylon}:key-sets:sources") == {b"stays"}

    run(scenario())


def test_without_a_clock_of_its_own_the_servers_time_counts(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            wall = SystemClock().wall()
            assert [await meters.first_use(b"past", wall - 60), await meters.first_use(b"now", wall + 60)] == [
                False,
                True,
            ]
            await meters.put_key_set("source", b"body", fetched_at=wall - 60, fresh_until=wall)
            await meters.drop_key_set("source")
            await meters.put_key_set("source", b"body", fetched_at=wall - 30, fresh_until=wall)
            assert await meters.key_set("source") is None

    run(scenario())


async def _charges_of_a_minute(meters: RedisMeters) -> None:
    for second in range(60):
        now = Now(second * SECOND, second * SECOND)
        await meters.admit(
            (sliding(100, period_s=10), quota(100, period_s=3600), fixed(100, b"fixed", period_s=10)), now
        )


def test_nothing_else_is_kept(server: RedisServer) -> None:
    """Every key there is has an end, but for these few."""

    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            await _charges_of_a_minute(meters)
            await meters.announce(3)
            await meters.enqueue([b"line"])
            await meters.put_key_set("source", b"body", fetched_at=1.0, fresh_until=2e9)
            await meters.take_lease("lease", 5)
            endless = {key for key in server.ask("KEYS", "*") if server.ask("PTTL", key) == FOREVER}
            kept = (b"head", b"usage", b"usage:lines", b"key-sets:epoch", b"key-sets:sources")
            assert endless == {b"{propylon}:" + name for name in kept}

    run(scenario())
