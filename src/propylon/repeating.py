"""Work that a process does again and again, and how it ends: what is under way is finished before stores close.

So nothing that was taken out of memory to be stored is lost, and nobody asks a store that is closed.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from propylon.clock import Clock
from propylon.errors import StoreUnavailable
from propylon.tasks import spawn

UNDER_WAY_S: Final = 2.0  # that work may take to its end; what takes longer is cancelled

Work = Callable[[], Awaitable[None] | None]


class Repeating:
    """All of one process. `on_bug`: some of the work has ended and will not go on."""

    def __init__(self, clock: Clock, log: logging.Logger, on_bug: Callable[[], None]) -> None:
        self._clock = clock
        self._log = log
        self._on_bug = on_bug
        self._tasks: list[asyncio.Task[None]] = []
        self._sleeping: set[asyncio.Task[None]] = set()
        self.is_ending = False

    def begin(self, work: Work, name: str, *, every_s: float, first_after_s: float = 0.0) -> None:
        """`every_s` passes between its end and its next beginning. A store that is away ends nothing."""
        task = spawn(self._repeat(work, every_s, first_after_s), name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    async def end(self) -> None:
        """Returns when nothing is under way any more."""
        self.is_ending = True
        for task in self._sleeping:
            task.cancel()
        finished = asyncio.gather(*self._tasks, return_exceptions=True)
        patience = spawn(self._clock.sleep(UNDER_WAY_S), "patience")
        await asyncio.wait((finished, patience), return_when=asyncio.FIRST_COMPLETED)
        patience.cancel()
        for task in self._tasks:
            if not task.done():
                self._log.warning("%s was not finished", task.get_name())
                task.cancel()
        await finished

    async def _repeat(self, work: Work, every_s: float, first_after_s: float) -> None:
        """Looks whether it is to end, too: a store that fails while work is cancelled would hide that it was."""
        if first_after_s and not self.is_ending:
            await self._pause(first_after_s)
        while not self.is_ending:
            await tried(work, self._log)
            if not self.is_ending:
                await self._pause(every_s)

    async def _pause(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sleeping.add(task)
        await self._clock.sleep(seconds)
        self._sleeping.discard(task)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not self.is_ending:
            self._on_bug()


async def tried(work: Work, log: logging.Logger) -> None:
    """A store that is away shows elsewhere: in /ready, and in every refusal."""
    try:
        outcome = work()
        if inspect.isawaitable(outcome):
            await outcome
    except StoreUnavailable as failure:
        log.warning("%s: %s", failure.code, failure.detail)
