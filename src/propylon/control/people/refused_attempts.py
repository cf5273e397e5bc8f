"""Refused sign-ins and wrong secrets in the audit log, so that no flood of them can fill it.

Within a minute the first of each kind and address has an entry of its own; those behind it, and whatever is more than
SINGLES_MAX, are counted and told by one entry a minute (`times`). A killed control process loses that minute's counts.
"""

import logging
from typing import Final

from propylon.clock import Clock
from propylon.errors import StoreUnavailable
from propylon.http.client_address import counted_as
from propylon.stores.records.audit import Entry
from propylon.stores.records.records import Records
from propylon.stores.records.writes import Actor

log = logging.getLogger("propylon.audit")
WINDOW_S: Final = 60.0
SINGLES_MAX: Final = 60
_OTHERS: Final = Actor("unknown", "several addresses")


class RefusedAttempts:
    """One per control process."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self._records = records
        self._clock = clock
        self._began = clock.monotonic()
        self._seen: set[tuple[str, str]] = set()
        self._counted: dict[tuple[str, str], tuple[Actor, Entry]] = {}

    async def note(self, by: Actor, entry: Entry) -> None:
        """Never fails: whoever is refused is refused, also while the records are away."""
        if self._clock.monotonic() >= self._began + WINDOW_S:
            await self.flush()
        name = (entry.action, counted_as(by.address))
        if name not in self._seen and len(self._seen) < SINGLES_MAX:
            self._seen.add(name)
            await self._write(by, entry)
            return
        if name not in self._seen:
            name, by, entry = (entry.action, ""), _OTHERS, Entry(entry.action, "*")
        known = self._counted.get(name)
        self._counted[name] = (by, entry if known is None else entry._replace(times=known[1].times + 1))

    async def flush(self) -> None:
        """What was counted is written, and another minute begins."""
        counted, self._counted, self._seen = self._counted, {}, set()
        self._began = self._clock.monotonic()
        for by, entry in counted.values():
            await self._write(by, entry)

    async def _write(self, by: Actor, entry: Entry) -> None:
        try:
            await self._records.note(by, entry)
        except StoreUnavailable as failure:
            log.warning("not audited: %d times %s from %s: %s", entry.times, entry.action, by.address, failure.detail)
