"""The history of writes over a fleet: grants and revocations through both control nodes, judged at each gateway node.

Twice, as a fleet promises two things (`docs/fleet.md`):

- With `follow_interval_s = 0` nothing is late, whether a caller has a limit or not, whichever store comes and goes.
- As shipped, the same holds for callers who have a limit while Redis is there; others are not asked here. While it is
  away a change may be `follow_interval_s` late: what overlaps its restarts, and as much time after them, is not judged.

Meanwhile gateway nodes, control nodes and workers are killed, workers stopped, and Redis killed or told to end.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Mapping
from math import inf
from typing import Any, NamedTuple

from bench.soak.fleet_place import IN_WORDS, leader_and_other, ports, soaked_fleet, until_stores_are
from bench.soak.history import History, kill_a_worker, kind_row, more_apis, stop_a_worker, the_things
from bench.soak.history_key_sets import running_issuers
from bench.soak.history_run import Doors, Run
from bench.soak.processes import workers
from bench.soak.row import Row, Size
from tests.kit.fleet import Fleet
from tests.kit.load import Outcome

JUDGED = 20_000  # of each of the two
WITHIN_S = 100.0
SETTINGS = {"workers": 1, "allow_insecure_jwks": True}  # one: then `/ready` tells of all of a node
FOLLOW_S = 0.25  # follow_interval_s, as shipped
HARMED = "gateway nodes, control nodes and workers killed, workers stopped, Redis killed and told to end meanwhile"


class Promise(NamedTuple):
    """Under which settings, who is asked, and whether it holds while Redis is away."""

    words: str
    settings: Mapping[str, Any]
    limits: Mapping[str, Any]
    holds_without_redis: bool


AT_ONCE = Promise(
    "follow_interval_s = 0, callers without limits",
    {"follow_interval_s": 0},
    {},
    holds_without_redis=True,
)
AS_SHIPPED = Promise(
    f"follow_interval_s = {FOLLOW_S}, callers with a rate; requests that overlap an absence of Redis are not judged",
    {"follow_interval_s": FOLLOW_S},
    {"rate": 10**6, "per": 60},  # never reached
    holds_without_redis=False,
)


def fleet_history(size: Size) -> list[Row]:
    return [row for promise in (AT_ONCE, AS_SHIPPED) for row in _rows(promise, size)]


def _rows(promise: Promise, size: Size) -> list[Row]:
    """One of everything, and one of each kind of which something was stale."""
    settings = SETTINGS | dict(promise.settings)
    with running_issuers(size.seed) as key_sets, soaked_fleet(settings, more_apis(key_sets)) as fleet:
        absences = Absences()
        run = Run(
            Doors(ports(fleet), fleet.controls),
            size.seed,
            lambda outcome: promise.holds_without_redis or not absences.overlap(outcome),
        )
        harm = _Harm(fleet, run.chance, absences)
        found = History(run, harm.next, kinds=len(harm.kinds))
        things = the_things(fleet.control, key_sets, promise.limits)
        asyncio.run(found.run(things, size.of(JUDGED, least=2000), size.seconds(WITHIN_S, least=75.0)))
    stale = [kind_row(kind, tally) for kind, tally in found.tallies.items() if tally.stale]
    return [found.total(f"{IN_WORDS}, {promise.words}", HARMED), *stale]


class Absences:
    """When Redis was not there for every node, and FOLLOW_S after it."""

    def __init__(self) -> None:
        self._began: list[float] = []
        self.ended: list[float] = []

    def begin(self) -> None:
        self._began.append(time.monotonic())

    def end(self) -> None:
        self.ended.append(time.monotonic() + FOLLOW_S)

    def overlap(self, outcome: Outcome) -> bool:
        spans = itertools.zip_longest(self._began, self.ended, fillvalue=inf)
        return any(outcome.started <= ended and began <= outcome.ended for began, ended in spans)


class _Harm:
    """What is done to a fleet, each kind as often as the others."""

    def __init__(self, fleet: Fleet, chance: random.Random, absences: Absences) -> None:
        self._fleet = fleet
        self._chance = chance
        self._absences = absences
        self.kinds = (
            self._kill_a_gateway_node,
            self._kill_the_leader,
            self._kill_a_worker,
            self._stop_a_worker,
            self._kill_redis,
            self._end_redis,
        )
        self._turns = itertools.cycle(chance.sample(self.kinds, len(self.kinds)))

    async def next(self) -> str:
        return await next(self._turns)()

    async def _kill_a_gateway_node(self) -> str:
        node = self._chance.choice(self._fleet.nodes)
        await asyncio.to_thread(node.kill)
        await asyncio.to_thread(node.start)
        return "gateway node killed"

    async def _kill_the_leader(self) -> str:
        leader, _ = await leader_and_other(self._fleet)
        await asyncio.to_thread(leader.kill)
        await asyncio.to_thread(leader.start)
        return "leading control node killed"

    async def _kill_a_worker(self) -> str:
        return await kill_a_worker(self._victim())

    async def _stop_a_worker(self) -> str:
        return await stop_a_worker(self._victim())

    def _victim(self) -> int:
        return self._chance.choice([pid for node in self._fleet.nodes for pid in workers(node)])

    async def _kill_redis(self) -> str:
        await self._restart_redis(self._fleet.redis.kill)
        return "Redis killed"

    async def _end_redis(self) -> str:
        await self._restart_redis(self._fleet.redis.stop)
        return "Redis ended"

    async def _restart_redis(self, end: Callable[[], None]) -> None:
        self._absences.begin()
        await asyncio.to_thread(end)
        await asyncio.sleep(self._chance.uniform(0.0, 1.0))
        await asyncio.to_thread(self._fleet.redis.start)
        await until_stores_are("pass", self._fleet)
        self._absences.end()
