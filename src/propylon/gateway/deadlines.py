"""Deadlines as stamps: a connection writes when it will have waited too long, one timer per worker looks.

Arming a timer per request costs 2.0 µs, writing a stamp 0.05 µs. The price is that a deadline is met up to one
sweep late, which `docs/limits.md` says.
"""

import asyncio
from typing import Final, Protocol

SWEEP_S: Final = 0.25
NEVER: Final = float("inf")


class Waiting(Protocol):
    """Something with a deadline (monotonic seconds of the loop, NEVER for none)."""

    deadline: float

    def expire(self) -> None:
        """Called once the deadline has passed; sets another one or ends."""
        ...


class Deadlines:
    """Everything of one worker that may wait too long."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: set[Waiting] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.add = self._waiting.add
        self.discard = self._waiting.discard

    def start(self) -> None:
        self._timer = self._loop.call_later(SWEEP_S, self._sweep)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _sweep(self) -> None:
        self.start()  # first: a bug in one `expire` must not end the sweeping
        now = self._loop.time()
        for late in [waiting for waiting in self._waiting if waiting.deadline < now]:
            late.deadline = NEVER
            late.expire()
