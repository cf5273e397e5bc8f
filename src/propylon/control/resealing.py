"""What `root_secret_other` sealed, sealed anew with `root_secret` by the control process that leads, in the background.

Each piece is a transaction of its own, so other writers have their turn in between and a process may be killed at any
point: its successor looks again, and finds what is left.
"""

import logging
from collections.abc import Callable
from typing import Final

from propylon.clock import Clock
from propylon.control.standing import Standing
from propylon.stores.records.records import Records
from propylon.stores.records.resealing import Cursor

log = logging.getLogger("propylon.control")
PAUSE_S: Final = 0.05  # in which other writers have their turn
AGAIN_S: Final = 60.0  # between two looks that found nothing to do: a process not restarted yet may still seal with it


class Resealing:
    """One per control process; `run` is repeated while it leads. Without `root_secret_other` there is nothing to do."""

    def __init__(self, records: Records, standing: Standing, clock: Clock) -> None:
        self._records = records
        self._standing = standing
        self._clock = clock
        self._look_again_at = 0.0

    async def run(self, is_ending: Callable[[], bool]) -> None:
        """Raises StoreUnavailable."""
        if self._records.sealing.other is None or self._clock.monotonic() < self._look_again_at:
            return
        before = left = await self._look()
        if before:
            await self._pass(is_ending)
            left = await self._look()
        if left < before:
            log.info("sealed anew: %d keys, APIs and policies; %d are left", before - left, left)
        else:
            self._look_again_at = self._clock.monotonic() + AGAIN_S

    async def _pass(self, is_ending: Callable[[], bool]) -> None:
        cursor: Cursor | None = Cursor()
        while cursor is not None and not is_ending():
            cursor = await self._records.resealing.reseal(cursor)
            await self._clock.sleep(PAUSE_S)

    async def _look(self) -> int:
        """How many there are; said in the log once there are none."""
        other, standing = self._records.sealing.other, self._standing
        assert other is not None
        known, left = standing.sealed_with_other, await self._records.resealing.count_left()
        standing.sealed_with_other = left
        if left == 0 and known != 0:
            log.info("nothing is sealed with root_secret_other, %s", other.fingerprint)
        return left
