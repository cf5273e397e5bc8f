"""What explain decides with in the place of the real clock and counters: nothing it asks of them changes anything.

`admit` becomes `judge`, which counts nothing; a wait passes at once and is only added up; `at` moves the time that keys
and tokens are compared with, never that of the counters.
"""

from collections.abc import Sequence
from typing import NoReturn

from propylon.clock import Clock
from propylon.stores.ports import Charge, FollowedMeters, KeySetRow, Now, QuotaState, UsageBatch, Verdict


class ViewClock:
    """The clock of the parts that decide; belongs to one explainer, which answers one question at a time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.shift_s = 0.0
        self.is_shifted = True  # false while a step reckons with counters
        self.waited_s = 0.0

    def ask_at(self, at: float | None) -> None:
        """For the question that comes: at that Unix time, None = now."""
        self.shift_s = 0.0 if at is None else at - self._clock.wall()
        self.waited_s = 0.0

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def wall(self) -> float:
        return self.now() + (self.shift_s if self.is_shifted else self.waited_s)

    def now(self) -> float:
        """The wall as it is, for whatever `at` does not move."""
        return self._clock.wall()

    async def sleep(self, seconds: float) -> None:
        self.waited_s += seconds

    def later(self) -> Now | None:
        """The moment of the counters once every wait so far has passed, None while there was none."""
        if not self.waited_s:
            return None
        monotonic, wall = self._clock.monotonic() + self.waited_s, self._clock.wall() + self.waited_s
        return Now(int(monotonic * 1e9), int(wall * 1e9))


class MetersView:
    """The shared counters as they stand. Remembers what was asked, for the answer."""

    def __init__(self, meters: FollowedMeters, clock: ViewClock) -> None:
        self._meters = meters
        self._clock = clock
        self.foretold: list[tuple[Charge, Verdict]] = []

    async def admit(self, charge: Charge, now: Now | None = None) -> Verdict:
        verdict = await self.judge(charge, now)
        self.foretold.append((charge, verdict))
        return verdict

    async def judge(self, charge: Charge, now: Now | None = None) -> Verdict:
        return await self._meters.judge(charge, now or self._clock.later())

    async def first_use(self, name: bytes, until: float) -> bool:
        """A token whose time `at` has moved is asked for as if it ended later: it is its use that is in question."""
        later = until if not self._clock.shift_s else max(until, self._clock.now() + 1)
        return await self._meters.is_unused(name, later)

    async def is_unused(self, name: bytes, until: float) -> bool:
        return await self._meters.is_unused(name, until)

    async def key_set(self, source: str) -> KeySetRow | None:
        return await self._meters.key_set(source)

    async def key_set_sources(self) -> list[str]:
        return await self._meters.key_set_sources()

    async def key_sets_epoch(self, *, fresh: bool = False) -> int:
        return await self._meters.key_sets_epoch(fresh=fresh)

    @property
    def doubts(self) -> int:
        return self._meters.doubts

    async def head(self) -> int:
        return await self._meters.head()

    async def recent_head(self) -> int:
        return await self._meters.recent_head()

    async def quota(self, meter: bytes, now: Now | None = None) -> QuotaState | None:
        return await self._meters.quota(meter, now)

    async def quotas(self) -> list[QuotaState]:
        return await self._meters.quotas()

    async def peek(self, limit: int) -> UsageBatch:
        return await self._meters.peek(limit)

    async def announce(self, revision: int) -> int:
        _refuse_to_write()

    async def restore_quotas(self, states: Sequence[QuotaState]) -> int:
        _refuse_to_write()

    async def enqueue(self, lines: Sequence[bytes]) -> None:
        _refuse_to_write()

    async def discard(self, epoch: str, upto: int) -> None:
        _refuse_to_write()

    async def put_key_set(self, source: str, body: bytes, *, fetched_at: float, fresh_until: float) -> int:
        _refuse_to_write()

    async def drop_key_set(self, source: str) -> None:
        _refuse_to_write()

    async def take_lease(self, name: str, for_s: float) -> bool:
        _refuse_to_write()

    async def end_lease(self, name: str) -> None:
        _refuse_to_write()

    async def close(self) -> None:
        return  # they are the control process's


def _refuse_to_write() -> NoReturn:
    raise AssertionError("who explains writes nothing")
