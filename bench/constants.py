"""What a fleet's single operations cost its processes, measured on real servers: the constants of `docs/scale.md`."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import uvloop

from bench.cpu import cpu_s
from bench.stored_keys import stored_name
from bench.stores import Stores, work_of
from propylon.stores.ports import Charge, Claim, Kind
from propylon.stores.records.opening import migrate, open_records
from propylon.stores.records.postgres_lookups import PostgresLookups
from propylon.stores.redis_meters import RedisMeters, open_redis_meters
from propylon.stores.sealing import RootSecret
from propylon.usage.drain import LINES_MAX, Drain
from propylon.usage.line import Cell, Line, encode

BATCHES = (1, 4, 16, 64)
CALLS = 200
SEVERAL = 8
MINUTE_NS = 60 * 10**9
LOOKUPS = 4_000
READERS = 32
CALLERS = 100  # in one line of usage
DRAINS = 5


class CallCosts(NamedTuple):
    """Of a call of Redis with so many charges: a part of its own, and one for each charge. µs of CPU."""

    call_us: float
    charge_us: float
    redis_call_us: float
    redis_charge_us: float


class ReadCosts(NamedTuple):
    """Of one look-up by the hash of a key. µs of CPU."""

    worker_us: float
    postgres_us: float


class DrainCosts(NamedTuple):
    """Of one cell of usage, a caller's sums of a worker's second. µs of CPU."""

    control_us: float
    postgres_us: float


def call_costs(stores: Stores, core: int, *, callers: int) -> CallCosts:
    """Of batches whose charges are of so many callers. This process shall be on `core`, and Redis on another one."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    points = uvloop.run(_calls(stores, callers))
    os.sched_setaffinity(0, cores)
    call_us, charge_us = _line([(size, worker_us) for size, worker_us, _ in points])
    redis_call_us, redis_charge_us = _line([(size, redis_us) for size, _, redis_us in points])
    return CallCosts(call_us, charge_us, redis_call_us, redis_charge_us)


async def _calls(stores: Stores, callers: int) -> list[tuple[int, float, float]]:
    """Size of a batch, and what a call of it takes here and there.

    By several meters at once, so that there is always something to do, as in a process with traffic: to fall asleep and
    wake for each call would cost more than the call.
    """
    several = [await open_redis_meters(stores.redis.url(14), usage_lines_max=1) for _ in range(SEVERAL)]
    charges = [_charge(number % callers) for number in range(BATCHES[-1])]
    found = []
    for size in BATCHES:

        async def batches(meters: RedisMeters, size: int = size) -> None:
            for _ in range(CALLS):
                await asyncio.gather(*(meters.admit(charge) for charge in charges[:size]))

        await asyncio.gather(*(batches(meters, BATCHES[0]) for meters in several))  # what is first done once
        redis_before = work_of(stores.redis)
        worker_s = await _cpu_of(lambda: asyncio.gather(*(batches(meters) for meters in several)), 1)  # noqa: B023
        redis = work_of(stores.redis) - redis_before
        assert redis.calls == CALLS * SEVERAL, f"{redis.calls} calls for {CALLS * SEVERAL} batches"
        found.append((size, worker_s * 1e6 / redis.calls, redis.cpu_s * 1e6 / redis.calls))
    for meters in several:
        await meters.close()
    return found


def _charge(number: int) -> Charge:
    name = str(number).encode()
    return (
        Claim(b"rate" + name, Kind.SLIDING, 10**9, MINUTE_NS, "rate_limited"),
        Claim(b"quota" + name, Kind.QUOTA, 10**9, MINUTE_NS * 1440, "quota_exceeded"),
    )


def _line(points: list[tuple[int, float]]) -> tuple[float, float]:
    """The straight line nearest to them: at 0, and per unit."""
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)
    return mean_y - slope * mean_x, slope


def read_costs(stores: Stores) -> ReadCosts:
    url = stores.settings()["records_url"]
    before_s, worker_s = 0.0, 0.0

    async def measure() -> None:
        nonlocal before_s, worker_s
        await migrate(url)
        lookups = PostgresLookups(url)
        await asyncio.gather(*(lookups.revision() for _ in range(2)))  # both connections are there
        numbers = iter(range(LOOKUPS))

        async def read() -> None:
            for number in numbers:
                await lookups.key_by_hash(stored_name(number))

        before_s = cpu_s(stores.postgres.pid)
        worker_s = await _cpu_of(lambda: asyncio.gather(*(read() for _ in range(READERS))), 1)
        await lookups.close()

    uvloop.run(measure())
    return ReadCosts(worker_s * 1e6 / LOOKUPS, (cpu_s(stores.postgres.pid) - before_s) * 1e6 / LOOKUPS)


def drain_costs(stores: Stores) -> DrainCosts:
    settings = stores.settings(13)
    before_s, control_s = 0.0, 0.0

    async def measure() -> None:
        nonlocal before_s, control_s
        await migrate(settings["records_url"])
        root = RootSecret.from_text(settings["root_secret"])
        records = await open_records(settings["records_url"], root)
        meters = await open_redis_meters(settings["meters_url"], usage_lines_max=10**6)
        drain = Drain(records, meters)
        cells = [Cell("orders", f"k{caller}", 200, "", "", 9, 90, 9_000, {40: 8, 48: 1}) for caller in range(CALLERS)]
        for second in range(LINES_MAX * (DRAINS + 1)):
            await meters.enqueue([encode(Line(29_000_000 + second // LINES_MAX, cells, [], {}))])
        await drain.run_once()
        before_s = cpu_s(stores.postgres.pid)
        control_s = await _cpu_of(drain.run_once, DRAINS)
        await records.close()
        await meters.close()

    uvloop.run(measure())
    cells = LINES_MAX * DRAINS * CALLERS
    return DrainCosts(control_s * 1e6 / cells, (cpu_s(stores.postgres.pid) - before_s) * 1e6 / cells)


async def _cpu_of(work: Callable[[], Awaitable[object]], times: int) -> float:
    """Seconds of this process."""
    before = time.process_time()
    for _ in range(times):
        await work()
    return time.process_time() - before
