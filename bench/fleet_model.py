"""A fleet in time: workers, each one thread, that ask one Redis in batches. A simulation of events; measures nothing.

It has what decides how many charges share a call: a worker does one thing at a time in order of arrival, has LANES
calls under way, and takes whatever waits when a lane is free. Times are microseconds.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Iterator
from itertools import count
from statistics import quantiles
from typing import NamedTuple

from propylon.stores.redis_admit import BATCH_CLAIMS_MAX
from propylon.stores.redis_calls import LANES

CLAIMS = 2  # of a charge: a rate and a quota
BATCH_MAX = BATCH_CLAIMS_MAX // (CLAIMS + 1)
DECIDING, FORWARDING = 0.4, 0.3  # shares of a request's time before the charge, and before its upstream
WARM_UP = 0.2  # of the simulated time; not counted

Then = Callable[[], None]
Item = Callable[[], tuple[float, Then]]  # asked when its turn comes: how long it takes, and what follows


class Costs(NamedTuple):
    """CPU of the worker, CPU of Redis, and the way between them."""

    request_us: float  # of a request, without its share of a call
    call_us: float  # of a call, in the worker
    charge_us: float  # of each charge of it
    redis_call_us: float
    redis_charge_us: float
    one_way_us: float
    beside_us: float = 0  # of each request, on the core of Redis: load and origin of a bench on one machine
    background_per_s: float = 0  # calls of a worker that are there without a request


class Load(NamedTuple):
    """Of each worker: so many a second, at random; or, when that is 0, as fast as so many connections take answers."""

    rate_per_s: float
    connections: int = 0
    tick_us: float = 0  # requests begin on its multiples only: a load generator's clock


class Outcome(NamedTuple):
    requests_per_s: float  # of all workers
    calls_per_request: float
    redis_busy: float  # share of its time
    worker_busy: float
    wait_p50_us: float  # of a charge, for its verdict
    wait_p99_us: float


def simulate(costs: Costs, workers: int, load: Load, seconds: float, seed: int = 1) -> Outcome:
    fleet = _Fleet(costs, workers, load, random.Random(seed))
    fleet.run(seconds * WARM_UP * 1e6)
    before = fleet.counts()
    fleet.waits_us.clear()
    fleet.run(seconds * 1e6)
    after = fleet.counts()
    requests, calls, redis_us, worker_us = (now - then for now, then in zip(after, before, strict=True))
    span_us = seconds * (1 - WARM_UP) * 1e6
    cuts = (
        quantiles(fleet.waits_us, n=100) if len(fleet.waits_us) > 1 else [math.inf] * 99
    )  # nobody had an answer in time
    return Outcome(
        requests / span_us * 1e6,
        calls / max(1, requests),
        redis_us / span_us,
        worker_us / span_us / workers,
        cuts[49],
        cuts[98],
    )


class _Clock:
    """What is to happen, in order of time, then of being said."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Then]] = []
        self._numbers: Iterator[int] = count()

    def after(self, us: float, then: Then) -> None:
        heapq.heappush(self._events, (self.now + us, next(self._numbers), then))

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, then = heapq.heappop(self._events)
            then()


class _Thread:
    """Does one thing at a time, in order of arrival."""

    def __init__(self, clock: _Clock) -> None:
        self.busy_us = 0.0
        self._clock = clock
        self._items: deque[Item] = deque()
        self._is_busy = False

    def submit(self, item: Item) -> None:
        self._items.append(item)
        if not self._is_busy:
            self._start()

    def _start(self) -> None:
        self._is_busy = True
        us, then = self._items.popleft()()
        self.busy_us += us
        self._clock.after(us, lambda: self._end(then))

    def _end(self, then: Then) -> None:
        then()
        self._is_busy = False
        if self._items:
            self._start()


class _Fleet:
    def __init__(self, costs: Costs, workers: int, load: Load, chance: random.Random) -> None:
        self.costs = costs
        self.load = load
        self.chance = chance
        self.clock = _Clock()
        self.redis = _Thread(self.clock)
        self.requests = 0  # answered
        self.calls = 0
        self.waits_us: list[float] = []
        self.workers = [_Worker(self) for _ in range(workers)]

    def run(self, until: float) -> None:
        self.clock.run(until)

    def counts(self) -> tuple[float, ...]:
        return self.requests, self.calls, self.redis.busy_us, sum(worker.thread.busy_us for worker in self.workers)


class _Worker:
    def __init__(self, fleet: _Fleet) -> None:
        self.thread = _Thread(fleet.clock)
        self._fleet = fleet
        self._waiting: deque[float] = deque()  # charges, by when they began to wait
        self._idle_lanes = LANES
        self._due = 0.0  # when the newest request came, before its load generator's clock
        for _ in range(fleet.load.connections or 1):
            self._next_arrival()
        if fleet.costs.background_per_s:
            self._background()

    def _background(self) -> None:
        fleet = self._fleet
        fleet.clock.after(fleet.chance.expovariate(fleet.costs.background_per_s / 1e6), self._background)
        fleet.redis.submit(lambda: (fleet.costs.redis_call_us, lambda: None))

    def _next_arrival(self) -> None:
        load, fleet = self._fleet.load, self._fleet
        # Connections begin a little apart, or all would march in step.
        us = fleet.chance.expovariate(load.rate_per_s / 1e6 if load.rate_per_s else 1e-3)
        self._due += us
        at = math.ceil(self._due / load.tick_us) * load.tick_us if load.tick_us else self._due
        fleet.clock.after(at - fleet.clock.now, self._arrive)

    def _arrive(self) -> None:
        self.thread.submit(lambda: (self._fleet.costs.request_us * DECIDING, self._charge))
        if self._fleet.load.rate_per_s:
            self._next_arrival()

    def _charge(self) -> None:
        self._waiting.append(self._fleet.clock.now)
        if self._idle_lanes:
            self._idle_lanes -= 1
            self.thread.submit(self._call)

    def _call(self) -> tuple[float, Then]:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MAX))]
        if not batch:
            return 0.0, self._lane_is_idle
        costs = self._fleet.costs
        return costs.call_us + costs.charge_us * len(batch), lambda: self._send(batch)

    def _lane_is_idle(self) -> None:
        self._idle_lanes += 1

    def _send(self, batch: list[float]) -> None:
        fleet = self._fleet
        fleet.calls += 1
        work_us = fleet.costs.redis_call_us + fleet.costs.redis_charge_us * len(batch)

        def back() -> None:
            fleet.clock.after(fleet.costs.one_way_us, lambda: self._answered(batch))

        fleet.clock.after(fleet.costs.one_way_us, lambda: fleet.redis.submit(lambda: (work_us, back)))

    def _answered(self, batch: list[float]) -> None:
        """Those who waited go on in turn, and the lane takes what waits by then."""
        for began in batch:
            self._fleet.waits_us.append(self._fleet.clock.now - began)
            self.thread.submit(lambda: (self._fleet.costs.request_us * FORWARDING, self._forward))
        self.thread.submit(self._call)

    def _forward(self) -> None:
        beside_us = self._fleet.costs.beside_us
        if beside_us:
            self._fleet.redis.submit(lambda: (beside_us, self._upstream_answered))
        else:
            self._upstream_answered()

    def _upstream_answered(self) -> None:
        rest = 1 - DECIDING - FORWARDING
        self.thread.submit(lambda: (self._fleet.costs.request_us * rest, self._reply))

    def _reply(self) -> None:
        self._fleet.requests += 1
        if not self._fleet.load.rate_per_s:
            self._arrive()
