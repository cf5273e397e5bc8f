"""Usage adds up to the requests answered, to the unit, over kills of the control process and ends of everything."""

import asyncio
import itertools
import random
import time
from collections import Counter
from pathlib import Path

from bench.soak.row import Row, Size, counts, soaked
from propylon.stores.records.engines import sqlite_url
from propylon.stores.records.opening import open_records
from propylon.stores.sealing import load_or_make
from propylon.usage.queries import Dimension, Step, totals
from tests.kit.gateway import Gateway
from tests.kit.load import UNANSWERED, Outcome, by_status, get_request, load
from tests.kit.scenarios import kill_one_after_another, put_key

DRAIN_S = 15
CREDENTIALS = ("unlimited", "limited", "unknown")


def usage(size: Size) -> list[Row]:
    ends, kills = size.of(5, least=2), size.of(4, least=2)
    outcomes: list[Outcome] = []
    ends_s: list[float] = []
    with soaked({"drain_timeout_s": DRAIN_S}) as gateway:
        put_key(gateway, "unlimited")
        put_key(gateway, "limited", rate=50, per=1)
        for number in range(ends):
            ends_s.append(asyncio.run(_load_to_the_end(gateway, kills, random.Random(size.seed + number), outcomes)))
            gateway.start()
        stored = _wait_for_totals(gateway, sum(outcome.status > 0 for outcome in outcomes))
    answered = {status: number for status, number in by_status(outcomes).items() if status > 0}
    unanswered = by_status(outcomes).get(UNANSWERED, 0)
    more = {status: stored[status] - answered.get(status, 0) for status in {*stored, *answered}}
    wrong = {status: number for status, number in more.items() if number}
    return [
        Row(
            f"usage over {ends} × ({kills} kills of control, then SIGTERM of everything under load)",
            "each status as often as answered; one more only for a request that was cut off",
            f"answered {counts(answered)}; stored {counts(dict(sorted(stored.items())))}; "
            f"{unanswered} unanswered; differing {wrong or 'none'}",
            all(number >= 0 for number in more.values()) and sum(more.values()) <= unanswered and bool(answered),
        ),
        Row(
            "the ends of these: SIGTERM while clients go on asking and connecting",
            f"each by itself, before drain_timeout_s = {DRAIN_S} s, as no exchange lasts long",
            f"longest {max(ends_s):.2f} s",
            max(ends_s) < DRAIN_S,
        ),
    ]


async def _load_to_the_end(gateway: Gateway, kills: int, chance: random.Random, outcomes: list[Outcome]) -> float:
    """Seconds from SIGTERM to the end of everything."""
    make = itertools.cycle(get_request("/token/x", {"Authorization": one}) for one in CREDENTIALS).__next__

    async def kill_and_end() -> float:
        await kill_one_after_another(gateway, "control", kills, chance)
        await asyncio.sleep(0.5)
        asked = time.monotonic()
        await asyncio.to_thread(gateway.stop)
        return time.monotonic() - asked

    ending = asyncio.ensure_future(kill_and_end())
    await load(gateway.port, make, connections=16, until=ending.done, into=outcomes)
    return await ending


def _wait_for_totals(gateway: Gateway, expected: int) -> Counter[int]:
    """What an ended gateway left in its queue is stored by the next one."""
    give_up = time.monotonic() + 20.0
    while (stored := asyncio.run(_totals(gateway.folder / "data"))).total() < expected and time.monotonic() < give_up:
        time.sleep(0.5)
    return stored


async def _totals(data_dir: Path) -> Counter[int]:
    records = await open_records(sqlite_url(data_dir / "records.db"), load_or_make(data_dir / "root_secret"))
    try:
        found = await totals(records, Step.DAY, (Dimension.API, Dimension.STATUS))
    finally:
        await records.close()
    stored: Counter[int] = Counter()
    for total in found:
        api_id, status = total.values
        if api_id == "token":
            stored[int(status)] += total.exchanges
    return stored
