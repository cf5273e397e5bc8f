"""What the control process repeats: head announced, usage drained, meters swept, quotas kept safe, old usage forgotten.

Each piece of work is bounded, so that requests are answered in between. A store that is away is waited for.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from propylon.control.desk import Desk
from propylon.control.key_retirement import retire_due
from propylon.errors import StoreUnavailable
from propylon.stores.lmdb import LmdbMeters
from propylon.stores.records.identities import Seen
from propylon.stores.records.key_rings import LastUse
from propylon.tasks import spawn
from propylon.usage.drain import Drain
from propylon.usage.line import Line
from propylon.usage.retention import expire

log = logging.getLogger("propylon.control")
ANNOUNCE_S: Final = 1.0
DRAIN_S: Final = 1.0
SWEEP_S: Final = 5.0
RETIRE_S: Final = 5.0
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
        self._drain = Drain(desk.records, meters, desk.metrics.observe, self._remember)
        self._tasks: list[asyncio.Task[None]] = []
        self._sleeping: set[asyncio.Task[None]] = set()
        self._is_ending = False
        self._drained_at = 0.0  # Unix time the queue was last found empty

    def start(self) -> None:
        self._repeat(ANNOUNCE_S, self._desk.announcer.announce)
        self._repeat(DRAIN_S, self.drain)
        self._repeat(SWEEP_S, self._sweep)
        self._repeat(RETIRE_S, self.retire_generations)
        self._repeat(CHECKPOINT_S, self.checkpoint)
        self._repeat(EXPIRE_S, self._expire)
        self._repeat(EXPIRE_S, self.forget_revocations)
        self._repeat(EXPIRE_S, self.forget_identities)

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
        began = self._desk.clock.wall()
        while await self._drain.run_once():
            began = self._desk.clock.wall()
        self._drained_at = began
        self._desk.metrics.lines_lost(dropped=self._drain.dropped, malformed=self._drain.malformed)

    async def _remember(self, lines: Sequence[Line]) -> None:
        sightings = [(one, line.minute * 60.0) for line in lines for one in line.sightings]
        if sightings:
            await self._desk.records.save_sightings([Seen(*one, at) for one, at in sightings])
        uses = [LastUse(*use, line.minute * 60.0) for line in lines for use in line.uses]
        if uses:
            await self._desk.records.save_last_used(uses)

    async def retire_generations(self) -> None:
        await retire_due(self._desk, self._drained_at)

    async def checkpoint(self) -> None:
        await self._desk.records.save_quotas(await self._meters.quotas())

    async def _sweep(self) -> None:
        self._meters.sweep(SWEPT_MAX)

    async def _expire(self) -> None:
        before = self._desk.clock.wall() - self._desk.settings.usage_retention_days * DAY_S
        while await expire(self._desk.records, before, EXPIRED_MAX) and not self._is_ending:
            await self._desk.clock.sleep(EXPIRE_PAUSE_S)

    async def forget_revocations(self) -> None:
        """Those that are over; workers compare the times themselves, and are told so that they forget them too."""
        found = 1
        while found and not self._is_ending:
            async with self._desk.records.change() as edit:
                found = await edit.revocations.sweep()
            await self._desk.announcer.announce()

    async def forget_identities(self) -> None:
        """Who was not seen for as long as usage is kept; one that is suspended stays so."""
        before = self._desk.clock.wall() - self._desk.settings.usage_retention_days * DAY_S
        while await self._desk.records.forget_identities(before, EXPIRED_MAX) and not self._is_ending:
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
