"""FakeClock: time that moves only when a test says so. Satisfies `propylon.clock.Clock`; belongs to one event loop."""

import asyncio
import heapq
import itertools


class FakeClock:
    """Both clocks move together by `advance`; `set_wall` sets only the wall, as an operator or NTP would."""

    def __init__(self, monotonic: float = 1_000.0, wall: float = 1_800_000_000.0) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def monotonic(self) -> float:
        return self._monotonic

    def wall(self) -> float:
        return self._wall

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, next(self._order), woken))
        await woken

    @property
    def sleeping(self) -> int:
        """How many sleep now."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    def set_wall(self, wall: float) -> None:
        self._wall = wall

    async def advance(self, seconds: float) -> None:
        """Wakes whoever is due, earliest first, at its own moment; one that sleeps again is woken again if due."""
        until = self._monotonic + seconds
        await _let_others_run()
        while self._sleepers and self._sleepers[0][0] <= until:
            due, _, woken = heapq.heappop(self._sleepers)
            self._move_to(max(due, self._monotonic))
            if not woken.done():
                woken.set_result(None)
            await _let_others_run()
        self._move_to(until)

    def jump(self, seconds: float) -> None:
        """For code without sleepers, and outside a loop."""
        assert not self.sleeping, "someone sleeps: use advance"
        self._move_to(self._monotonic + seconds)

    def _move_to(self, monotonic: float) -> None:
        self._wall += monotonic - self._monotonic
        self._monotonic = monotonic


async def _let_others_run() -> None:
    """A few turns, so that a woken coroutine gets through the awaits that do not wait and sleeps again."""
    for _ in range(5):
        await asyncio.sleep(0)
