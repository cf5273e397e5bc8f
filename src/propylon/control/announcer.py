"""Tells the meters the newest revision, so that every worker decides by it (design §3.2).

`head` may be above the newest revision: the records were restored from a backup, and workers may have applied changes
that are no longer there. A change of everything, numbered above it, makes them read it all again.
"""

import logging
from typing import Protocol

from propylon.stores.ports import Meters

log = logging.getLogger("propylon.control")


class ChangeLog(Protocol):
    """What is asked of the records."""

    async def revision(self) -> int: ...

    async def note_everything_changed(self, above: int) -> int: ...


class Announcer:
    """One per control process."""

    def __init__(self, change_log: ChangeLog, meters: Meters) -> None:
        self._change_log = change_log
        self._meters = meters

    async def announce(self) -> None:
        """Returns when head is the newest revision; raises StoreUnavailable when that cannot be brought about."""
        revision = await self._change_log.revision()
        head = await self._meters.announce(revision)
        if head == revision or head <= await self._change_log.revision():  # another write was announced meanwhile
            return
        log.warning("head %d is above the newest revision %d: everything is announced as changed", head, revision)
        await self._meters.announce(await self._change_log.note_everything_changed(above=head))
