"""Time, passed in everywhere: monotonic for intervals, wall for what people and tokens say.

`SystemClock` is the only reader of the operating system's clocks; tests pass their own.
"""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds as float. `monotonic` never goes back; `wall` is Unix time."""

    def monotonic(self) -> float: ...

    def wall(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's clocks."""

    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)  # noqa: TID251 - the one place

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
