"""One rate over three nodes: exact while Redis is there; over its restarts what `docs/fleet.md` says, and no more."""

import asyncio
import random
import time
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from bench.soak.balancer import Balancer
from bench.soak.fleet_place import IN_WORDS, NODES, between, ports, soaked_fleet, until_stores_are
from bench.soak.row import Row, Size, counts
from tests.kit.fleet import Fleet
from tests.kit.load import Outcome, by_status, count, get_request, most_in_a_window
from tests.kit.scenarios import SHARE, put_key

PAIRS = ((100, 1.0), (20, 0.5), (2.5, 1.0), (250, 2.0))
SECONDS = 12.0
OVERLOAD = 10
CONNECTIONS = 48
RATE, PER_S = 30 * NODES, 1.0  # over the restarts: each node's share is a whole number
RESTARTS = 5
ALONE_S = 2.5  # that nodes count by themselves, in every second restart; in the others Redis is back at once
TOGETHER_S = 2.5  # between two restarts
FLAPS = 2
LONG_S = 6.0  # longer than a node is taken to live without a beat
BACK_S = (0.3, 0.8)  # shorter than the second in which every node beats again
SETTINGS = {
    "workers": 1,  # then `/ready` of a node tells of the only process that counts
    "store_timeout_s": 10,  # a machine that is busy is no outage
}


class Span(NamedTuple):
    began: float
    ended: float


class Absence(NamedTuple):
    """Of Redis, killed and started again."""

    alone_s: float  # that it is away once every node has seen it; 0: it is started at once
    together_s: float  # until the next one


class Restarts(NamedTuple):
    """What was seen of one rate over restarts of Redis."""

    outcomes: list[Outcome]
    steady: list[Span]  # all nodes count in Redis, or all by themselves
    lengths_s: list[float]  # of the change-overs

    def most_when_steady(self) -> int:
        return max(most_in_a_window(between(self.outcomes, *span), PER_S) for span in self.steady)

    def most(self) -> int:
        return most_in_a_window(self.outcomes, PER_S)


def fleet_limits(size: Size) -> list[Row]:
    with soaked_fleet(SETTINGS) as fleet:
        seconds = size.seconds(SECONDS, least=4.0)
        steady = [_steady_row(fleet, rate, per_s, seconds) for rate, per_s in PAIRS]
        restarts = size.of(RESTARTS, least=2)
        found = _over(fleet, "restarted", [Absence((ALONE_S, 0.0)[at % 2], TOGETHER_S) for at in range(restarts)])
        chance = random.Random(size.seed)
        flaps = [(Absence(LONG_S, chance.uniform(*BACK_S)), Absence(ALONE_S, TOGETHER_S)) for _ in range(FLAPS)]
        flapped = _over(fleet, "flapped", [absence for flap in flaps for absence in flap])
    return [*steady, *_restart_rows(found, restarts), _flap_row(flapped)]


def _steady_row(fleet: Fleet, rate: float, per_s: float, seconds: float) -> Row:
    """2.5 in 1 s is judged as 5 in 2 s."""
    key = f"rate-{rate:g}-{per_s:g}"
    put_key(fleet.control, key, rate=rate, per=per_s)
    outcomes = asyncio.run(_overload(fleet, key, seconds))
    exact = Fraction(str(rate))
    limit, window_s = exact.numerator, per_s * exact.denominator
    allowed = limit * seconds / window_s
    most, share = most_in_a_window(outcomes, window_s), count(outcomes, 200) / allowed
    overload = len(outcomes) / allowed
    return Row(
        f"{limit} requests in {window_s:g} s over {NODES} nodes, {CONNECTIONS} connections, {seconds:.0f} s",
        f"≤ {limit} in any window; ≥ {SHARE:.0%} of what is allowed; ≥ {OVERLOAD} × offered; no answer but 200 and 429",
        f"most in a window {most}, {share:.1%} of {allowed:.0f} admitted, {len(outcomes):,} sent ({overload:.0f} ×), "
        f"{counts(by_status(outcomes))}",
        most <= limit and share >= SHARE and overload >= OVERLOAD and {one.status for one in outcomes} <= {200, 429},
    )


async def _overload(fleet: Fleet, key: str, seconds: float) -> list[Outcome]:
    balancer = Balancer(ports(fleet))
    ends = time.monotonic() + seconds
    request = get_request("/token/x", {"Authorization": key})
    await balancer.load(request, connections=CONNECTIONS, until=lambda: time.monotonic() >= ends)
    return balancer.seen


def _over(fleet: Fleet, key: str, absences: Sequence[Absence]) -> Restarts:
    put_key(fleet.control, key, rate=RATE, per=PER_S)
    return asyncio.run(_load_over(fleet, get_request("/token/x", {"Authorization": key}), absences))


async def _load_over(fleet: Fleet, request: bytes, absences: Sequence[Absence]) -> Restarts:
    balancer = Balancer(ports(fleet))
    changing = asyncio.ensure_future(_restart_redis(fleet, absences))
    await balancer.load(request, connections=CONNECTIONS, until=changing.done)
    changes = await changing
    spells = [Span(before.ended, after.began) for before, after in pairwise(changes)]
    lengths_s = [change.ended - change.began for change in changes[1:-1]]
    return Restarts(balancer.seen, [spell for spell in spells if spell.ended - spell.began > PER_S], lengths_s)


async def _restart_redis(fleet: Fleet, absences: Sequence[Absence]) -> list[Span]:
    """The change-overs, from before Redis goes or comes to when every node says that it is away, or back.

    The first and the last one are none: where the load begins, and ends.
    """
    changes = [_none()]
    await asyncio.sleep(TOGETHER_S)
    for absence in absences:
        began = time.monotonic()
        await asyncio.to_thread(fleet.redis.kill)
        if absence.alone_s:
            await until_stores_are("away", fleet)
            changes.append(Span(began, time.monotonic()))
            await asyncio.sleep(absence.alone_s)
            began = time.monotonic()
        await asyncio.to_thread(fleet.redis.start)
        await until_stores_are("pass", fleet)
        changes.append(Span(began, time.monotonic()))
        await asyncio.sleep(absence.together_s)
    return [*changes, _none()]


def _none() -> Span:
    now = time.monotonic()
    return Span(now, now)


def _restart_rows(found: Restarts, restarts: int) -> list[Row]:
    statuses = by_status(found.outcomes)
    when_steady, most = found.most_when_steady(), found.most()
    loaded = f"{len(found.outcomes):,} sent, {counts(statuses)}"
    return [
        Row(
            f"{RATE} in {PER_S:g} s over {restarts} × SIGKILL and start of Redis (appendfsync everysec), {IN_WORDS}: "
            "windows without a change-over",
            f"≤ {RATE} in any window, counted in Redis or by each node alone; no answer but 200 and 429",
            f"most in a window {when_steady}, in {len(found.steady)} spells between change-overs; {loaded}",
            when_steady <= RATE and len(found.steady) > restarts and statuses.keys() <= {200, 429},
        ),
        Row(
            "the same: all windows, those with a change-over too",
            f"≤ 2 × {RATE} in any window",
            f"most in a window {most}; {len(found.lengths_s)} change-overs, the longest {max(found.lengths_s):.2f} s",
            most <= 2 * RATE,
        ),
        Row(
            "the same judgement, as if there had been no change-over",
            f"must be caught: more than {RATE} in a window",
            f"{most} in a window",
            most > RATE,
        ),
    ]


def _flap_row(found: Restarts) -> Row:
    when_steady, most = found.most_when_steady(), found.most()
    return Row(
        f"the same while Redis flaps, {FLAPS} ×: away for {LONG_S:g} s, back for less than one, away again",
        f"≤ {RATE} in any window without a change-over; ≤ 2 × {RATE} in any window",
        f"{when_steady} without, {most} in any; {len(found.steady)} spells without a change-over",
        when_steady <= RATE and most <= 2 * RATE and len(found.steady) > 2 * FLAPS,
    )
