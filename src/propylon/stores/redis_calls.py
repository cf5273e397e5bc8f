"""Who calls Redis when: a process has two lanes, and what cannot start at once waits in a line, in order of arrival.

Two, so that one call is on its way while the answer of the other is read. What waits behind them is what makes batches
of charges (`redis_admit.py`) large just when there is much to do.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from propylon.errors import Failure, StoreUnavailable
from propylon.stores.redis_connect import Lane, Link
from propylon.stores.redis_scripts import Script
from propylon.tasks import spawn

LANES: Final = 2  # calls under way at a time
CALLS_WAITING_MAX: Final = 1_000  # beyond it 503: the server is too slow for what is asked of it

Job = Callable[[Lane], Awaitable[None]]  # raises nothing but bugs
_Result = TypeVar("_Result")


class Calls:
    """The only user of a process's lanes."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._lanes = [Lane(link) for _ in range(LANES)]
        self._idle = list(self._lanes)
        self._jobs: deque[Job] = deque()

    def submit(self, job: Job) -> None:
        """Runs it as soon as a lane is free, and never before the running turn of the loop is over."""
        self._jobs.append(job)
        if self._idle:
            self._start()

    def _start(self) -> None:
        spawn(self._work(self._idle.pop()), "redis lane").add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """After a bug in a job, those behind it go on."""
        if self._jobs and self._idle and not task.cancelled():
            self._start()

    async def _work(self, lane: Lane) -> None:
        try:
            while self._jobs:
                await self._jobs.popleft()(lane)
        finally:
            self._idle.append(lane)

    async def call(self, *command: bytes | str | int) -> Any:
        """One command's answer. Raises as `Lane.call`."""
        return await self._in_turn(lambda lane: lane.call(*command))

    async def run(self, script: Script, keys: tuple[bytes, ...], *arguments: bytes | str | int) -> Any:
        """One script's answer. Raises as `Lane.run`."""
        return await self._in_turn(lambda lane: lane.run(script, keys, *arguments))

    async def connect(self) -> None:
        """Raises StoreUnavailable if the server cannot be reached or is not fit."""
        await self._in_turn(lambda lane: lane.connect())

    async def _in_turn(self, ask: Callable[[Lane], Awaitable[_Result]]) -> _Result:
        self.link.demand()
        if len(self._jobs) >= CALLS_WAITING_MAX:
            raise StoreUnavailable(f"{CALLS_WAITING_MAX} calls wait for Redis already")
        answer: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()

        async def job(lane: Lane) -> None:
            if answer.done():  # whoever asked has gone
                return
            try:
                result = await ask(lane)
            except Failure as failure:
                if not answer.done():
                    answer.set_exception(failure)
            except BaseException:
                answer.cancel()
                raise
            else:
                if not answer.done():
                    answer.set_result(result)

        self.submit(job)
        return await answer

    async def close(self) -> None:
        """What is under way ends with OutcomeUnknown, what waits with StoreUnavailable."""
        self.link.close()
        for lane in self._lanes:
            await lane.close()
