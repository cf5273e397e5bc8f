"""What every implementation of `Meters` must do with issuers' key sets, leases and names that are used once."""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable, Iterable
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from propylon.errors import MetersFull
from propylon.stores.lmdb import open_meters
from propylon.stores.ports import KeySetRow, Meters
from propylon.stores.redis_meters import open_redis_meters
from tests.kit.clock import FakeClock
from tests.kit.redis_server import small_url_in, url_in

Factory = Callable[[Path, FakeClock], Awaitable[Meters]]
Scenario = Callable[[Meters, FakeClock], Awaitable[object]]
SOURCE = "https://idp.example/keys"
BODY = b'{"keys":[]}'


async def open_lmdb(folder: Path, clock: FakeClock) -> Meters:
    return open_meters(folder, meters_map_bytes=1 << 20, usage_map_bytes=1 << 20, usage_lines_max=10, clock=clock)


async def open_redis(folder: Path, clock: FakeClock) -> Meters:
    """On a real server; the folder stands for a database of it."""
    return await open_redis_meters(url_in(folder), usage_lines_max=10, clock=clock)


async def open_small_redis(folder: Path, clock: FakeClock) -> Meters:
    """On a real server that has little room."""
    return await open_redis_meters(small_url_in(folder), usage_lines_max=10, clock=clock)


FACTORIES: dict[str, Factory] = {"lmdb": open_lmdb, "redis": open_redis}
SMALL_FACTORIES: dict[str, Factory] = {"lmdb": open_lmdb, "redis": open_small_redis}


@pytest.fixture(params=FACTORIES)
def factory(request: pytest.FixtureRequest) -> Factory:
    return FACTORIES[request.param]


async def with_meters(factory: Factory, folder: Path, scenario: Scenario) -> None:
    clock = FakeClock()
    meters = await factory(folder, clock)
    try:
        await scenario(meters, clock)
    finally:
        await meters.close()


def run(factory: Factory, scenario: Scenario) -> None:
    """One scenario on fresh meters."""
    with TemporaryDirectory() as folder:
        asyncio.run(with_meters(factory, Path(folder), scenario))


async def put(meters: Meters, body: bytes, at: float, source: str = SOURCE) -> int:
    return await meters.put_key_set(source, body, fetched_at=at, fresh_until=at + 60)


async def until_full(calls: Iterable[Awaitable[object]]) -> bool:
    """Whether one of the calls, made in turn, found the map full."""
    try:
        for call in calls:
            await call
    except MetersFull:
        return True
    return False


# --- key sets


def test_a_set_is_read_as_it_was_stored(factory: Factory) -> None:
    async def scenario(meters: Meters, clock: FakeClock) -> None:
        now = clock.wall()
        assert await meters.key_set(SOURCE) is None
        number = await put(meters, BODY, now)
        assert await meters.key_set(SOURCE) == KeySetRow(number, BODY, now, now + 60)
        assert await meters.key_set("https://other.example/keys") is None

    run(factory, scenario)


def test_numbers_and_the_epoch_rise_with_every_set(factory: Factory) -> None:
    async def scenario(meters: Meters, clock: FakeClock) -> None:
        sources = ("a", "b", "a")
        seen = [(await put(meters, BODY, clock.wall(), one), await meters.key_sets_epoch()) for one in sources]
        numbers, epochs = zip(*seen, strict=True)
        assert list(numbers) == sorted(set(numbers))
        assert list(epochs) == sorted(set(epochs))

    run(factory, scenario)


def test_a_dropped_set_is_gone_moves_the_epoch_and_comes_back_with_a_higher_number(factory: Factory) -> None:
    async def scenario(meters: Meters, clock: FakeClock) -> None:
        number, epoch = await put(meters, BODY, clock.wall()), await meters.key_sets_epoch()
        await meters.drop_key_set(SOURCE)
        assert await meters.key_set(SOURCE) is None
        assert await meters.key_sets_epoch() > epoch
        clock.jump(1)
        assert await put(meters, BODY, clock.wall()) > number

    run(factory, scenario)


def test_dropping_what_is_not_there_makes_no_set(factory: Factory) -> None:
    async def scenario(meters: Meters, clock: FakeClock) -> None:
        await meters.drop_key_set(SOURCE)
        assert await meters.key_set(SOURCE) is None
        assert await meters.key_set_sources() == []

    run(factory, scenario)


def test_a_first_fetch_begun_before_the_drop_stores_nothing(factory: Factory) -> None:
    async def scenario(meters: Meters, clock: FakeClock) -> None:
        began = clock.wall()
        clock.jump(1)
        await meters.drop_key_set(SOURCE)
        await put(meters, BODY, began)
        assert await meters.key_set(SOURCE) is None
        await put(meters, BODY, clock.wall() + 1)
        assert await meters.key_set(SOURCE) is not None

    run(factory, scenario)


def test_an_older_fetch_that_ends_later_changes_nothing(factory: Factory) -> None:
    async def scenario(meters: Meters, clock: FakeClock) -> None:
        newer = await put(meters, b"newer", clock.wall())
        assert await put(meters, b"older", clock.wall() - 1) == newer
        row = await meters.key_set(SOURCE)
        assert row is not None
        assert row.body == b"newer"

    run(factory, scenario)


def test_a_fetch_begun_before_the_drop_does_not_bring_the_set_back(factory: Factory) -> None:
    async def scenario(meters: Meters, clock: FakeClock) -> None:
        began = clock.wall()
        await put(meters, BODY, began - 60)
        clock.jump(1)
        await meters.drop_key_set(SOURCE)
        await put(meters, BODY, began)
        assert await meters.key_set(SOURCE) is None

    run(factory, scenario)


def test_a_set_from_a_clock_that_was_ahead_is_replaced(factory: Factory) -> None:
    async def scenario(meters: Meters, clock: FakeClock) -> None:
        await put(meters, b"from the future", clock.wall() + 3600)
        await put(meters, b"now", clock.wall())
        row = await meters.key_set(SOURCE)
        assert row is not None
        assert row.body == b"now"

    run(factory, scenario)


def test_sources_are_those_of_the_sets_that_are_kept(factory: Factory) -> None:
    async def scenario(meters: Meters, clock: FakeClock) -> None:
        for source in ("a", "b" * 2000, "c"):
            await put(meters, BODY, clock.wall(), source)
        await meters.drop_key_set("c")
        assert sorted(await meters.key_set_sources()) == ["a", "b" * 2000]

    run(factory, scenario)


def test_sets_survive_a_restart(factory: Factory, tmp_path: Path) -> None:
    async def before(meters: Meters, clock: FakeClock) -> None:
        await put(meters, BODY, clock.wall())

    async def after(meters: Meters, clock: FakeClock) -> None:
        assert (row := await meters.key_set(SOURCE))
        assert row.number == await meters.key_sets_epoch()

    asyncio.run(with_meters(factory, tmp_path, before))
    asyncio.run(with_meters(factory, tmp_path, after))


# --- leases


def test_a_lease_is_for_one_until_it_ends_or_is_given_back(factory: Factory) -> None:
    async def scenario(meters: Meters, clock: FakeClock) -> None:
        assert [await meters.take_lease("a", 5), await meters.take_lease("a", 5)] == [True, False]
        assert await meters.take_lease("b", 5)
        clock.jump(4.9)
        assert not await meters.take_lease("a", 5)
        clock.jump(0.2)
        assert await meters.take_lease("a", 5)
        await meters.end_lease("a")
        assert await meters.take_lease("a", 5)
        assert not await meters.take_lease("a", 5)

    run(factory, scenario)


def test_a_lease_taken_while_the_clock_was_ahead_holds_nobody_up(factory: Factory) -> None:
    async def scenario(meters: Meters, clock: FakeClock) -> None:
        clock.set_wall(clock.wall() + 86_400)
        assert await meters.take_lease("a", 5)
        clock.set_wall(clock.wall() - 86_400)
        assert await meters.take_lease("a", 5)

    run(factory, scenario)


# --- names used once


def test_a_name_is_used_once_until_its_time(factory: Factory) -> None:
    async def scenario(meters: Meters, clock: FakeClock) -> None:
        until = clock.wall() + 60
        assert [await meters.first_use(b"a", until) for _ in range(3)] == [True, False, False]
        assert await meters.first_use(b"a" * 4000, until)
        clock.jump(60)
        assert await meters.first_use(b"a", clock.wall() + 60)

    run(factory, scenario)


def test_a_use_past_its_time_is_nobodys_first(factory: Factory) -> None:
    async def scenario(meters: Meters, clock: FakeClock) -> None:
        assert not await meters.first_use(b"a", clock.wall())

    run(factory, scenario)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.integers(1, 20), st.integers(0, 12)), max_size=40))
@pytest.mark.parametrize("factory", FACTORIES.values(), ids=FACTORIES)
def test_first_uses_are_those_of_a_dictionary(factory: Factory, uses: list[tuple[bytes, int, int]]) -> None:
    async def scenario(meters: Meters, clock: FakeClock) -> None:
        ends: dict[bytes, float] = {}
        for name, for_s, passed_s in uses:
            clock.jump(passed_s)
            is_first = ends.get(name, 0.0) <= clock.wall()
            assert await meters.is_unused(name, clock.wall() + for_s) is is_first
            assert await meters.first_use(name, clock.wall() + for_s) is is_first
            if is_first:
                ends[name] = clock.wall() + for_s

    run(factory, scenario)


# --- bounds


@pytest.fixture(params=SMALL_FACTORIES)
def small_factory(request: pytest.FixtureRequest) -> Factory:
    return SMALL_FACTORIES[request.param]


def test_names_that_ended_make_room_for_new_ones() -> None:
    """Of the embedded meters. Redis removes what ends by a clock that no test can move: `test_redis_expiry.py`."""

    async def scenario(meters: Meters, clock: FakeClock) -> None:
        until = clock.wall() + 60
        assert await until_full(meters.first_use(b"%d" % number, until) for number in range(100_000))
        clock.jump(61)
        assert not await until_full(meters.first_use(b"new %d" % number, until + 60) for number in range(1000))

    run(open_lmdb, scenario)


def test_a_full_map_takes_no_new_name_and_keeps_the_old(small_factory: Factory) -> None:
    async def scenario(meters: Meters, clock: FakeClock) -> None:
        until = clock.wall() + 60
        assert await meters.first_use(b"known", until)
        assert await until_full(meters.first_use(b"%d" % number, until) for number in range(100_000))
        assert not await meters.first_use(b"known", until)
        with pytest.raises(MetersFull):
            await put(meters, BODY, clock.wall())

    run(small_factory, scenario)


def test_sets_leave_room_to_replace_those_that_are_known(small_factory: Factory) -> None:
    async def scenario(meters: Meters, clock: FakeClock) -> None:
        await put(meters, BODY, clock.wall())
        for size in (5000, 10):
            assert await until_full(put(meters, bytes(size), clock.wall(), f"{size}.{n}") for n in range(10_000))
        for number in range(100):
            clock.jump(1)
            await put(meters, b"%d" % number, clock.wall())

    run(small_factory, scenario)


# --- two processes


def take_until_done(factory_name: str, folder: Path, start: Barrier, results: SimpleQueue[int]) -> None:
    """What a child does: the same leases and names again, and how many it was first at."""

    async def scenario(meters: Meters, clock: FakeClock) -> None:
        first = 0
        start.wait(30)
        for number in range(2000):
            first += await meters.take_lease(f"{number}", 60)
            first += await meters.first_use(b"%d" % number, clock.wall() + 60)
        results.put(first)

    asyncio.run(with_meters(FACTORIES[factory_name], folder, scenario))


async def nothing(meters: Meters, clock: FakeClock) -> None:
    """Opening them makes them."""


@pytest.mark.parametrize("factory_name", FACTORIES)
def test_of_two_processes_one_is_first(factory_name: str, tmp_path: Path) -> None:
    asyncio.run(with_meters(FACTORIES[factory_name], tmp_path, nothing))
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(2), context.SimpleQueue()
    children = [context.Process(target=take_until_done, args=(factory_name, tmp_path, start, results)) for _ in "ab"]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0]
    assert results.get() + results.get() == 4000
