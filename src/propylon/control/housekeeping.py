"""What the control process repeats: head announced, usage drained, meters swept, quotas kept safe, old usage forgotten.

Each piece of work is bounded, so that requests are answered in between. A store that is away is waited for.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from propylon.control.desk import Desk
from propylon.errors import StoreUnavailable
from propylon.stores.lmdb import LmdbMeters
from propylon.tasks import spawn
from propylon.usage.drain import Drain
from propylon.usage.retention import expire

log = logging.getLogger("propylon.control")
ANNOUNCE_S: Final = 1.0
DRAIN_S: Final = 1.0
SWEEP_S: Final = 5.0
CHECKPOINT_S: Final = 60.0
EXPIRE_S: Final = 60.0
SWEPT_MAX: Final = 2000  # meters looked at in one go
EXPIRED_MAX: Final = 5000  # rows removed in one go
EXPIRE_PAUSE_S: Final = 0.5  # in which other writers have their turn
DAY_S: Final = 86_400


class Housekeeping:
    """One per control process, from `start` to `end`. `on_bug`: some of the work has ended and will not go on."""

    def __init__(self, desk: Desk, meters: LmdbMeters, on_bug: Callable[[], None]) -> None:
        self._desk = desk
        self._meters = meters
        self._on_bug = on_bug
        self._drain = Drain(desk.records, meters, desk.metrics.observe)
        self._tasks: list[asyncio.Task[None]] = []
        self._sleeping: set[asyncio.Task[None]] = set()
        self._is_ending = False

    def start(self) -> None:
        self._repeat(ANNOUNCE_S, self._desk.announcer.announce)
        self._repeat(DRAIN_S, self.drain)
        self._repeat(SWEEP_S, self._sweep)
        self._repeat(CHECKPOINT_S, self.checkpoint)
        self._repeat(EXPIRE_S, self._expire)

    async def end(self) -> None:
        """What is under way comes to its end; then the last usage and quotas are stored."""
        self._is_ending = True
        for task in self._sleeping:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for work in (self.drain, self.checkpoint):
            await _tried(work)

    async def restore_quotas(self) -> None:
        """What the meters lost, for instance to damage, as it stood at the last checkpoint."""
        missing = await self._meters.restore_quotas(await self._desk.records.load_quotas())
        if missing:
            log.warning("%d quotas were missing from the meters and are restored from their checkpoint", missing)

    async def drain(self) -> None:
        """Until the queue is empty."""
        while await self._drain.run_once():
            pass
        self._desk.metrics.lines_lost(dropped=self._drain.dropped, malformed=self._drain.malformed)

    async def checkpoint(self) -> None:
        await self._desk.records.save_quotas(await self._meters.quotas())

    async def _sweep(self) -> None:
        self._meters.sweep(SWEPT_MAX)

    async def _expire(self) -> None:
        before = self._desk.clock.wall() - self._desk.settings.usage_retention_days * DAY_S
        while await expire(self._desk.records, before, EXPIRED_MAX) and not self._is_ending:
            await self._desk.clock.sleep(EXPIRE_PAUSE_S)

    def _repeat(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        task = spawn(self._every(seconds, work), f"every {seconds:g} s")
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not self._is_ending:
            self._on_bug()

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.current_task()
        assert task is not None
        while not self._is_ending:
            self._sleeping.add(task)
            await self._desk.clock.sleep(seconds)
            self._sleeping.discard(task)
            await _tried(work)


async def _tried(work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except StoreUnavailable as failure:
        log.warning("%s: %s", failure.code, failure.detail)
