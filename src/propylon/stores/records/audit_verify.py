"""Whether the audit log is what was written: each entry in its place, none changed, none missing, none cut off.

What cannot be found here: an end that was cut off together with a database that was set back whole to an older state,
as a restore from a backup does. Only a number and chain value noted elsewhere tells that; `expected` is such a one.
"""

import asyncio
from typing import Final, NamedTuple

from propylon.clock import Clock
from propylon.stores.records.audit import AuditRow, End, chain_of
from propylon.stores.records.audit_reads import AuditFilter, AuditReads
from propylon.stores.sealing import Sealing

TURN: Final = 50  # entries, 1 ms, after which others have their turn
STEP_MAX: Final = 10_000  # entries that one step of an AuditChain looks at, and what one page waits for


class Break(NamedTuple):
    """The first entry that is not as it was written."""

    number: int
    why: str


class Verified(NamedTuple):
    entries: int
    newest: End  # up to which the chain holds; number 0 without any
    broken: Break | None
    is_whole: bool = True  # the end of the log was reached, or a break


NOTHING: Final = Verified(0, End(0, ""), None, is_whole=False)


class AuditChain:
    """How far this process has found the log to be as it was written; each step goes on where the last one ended.

    What is done later to an entry that was looked at shows only when one begins anew.
    """

    def __init__(self, reads: AuditReads, sealing: Sealing, clock: Clock) -> None:
        self._reads = reads
        self._sealing = sealing
        self._clock = clock
        self.found = NOTHING
        self.at = 0.0  # Unix time of the last step; 0 before the first

    async def step(self, most: int = STEP_MAX) -> Verified:
        """So many entries more at most. A break is found once and stays, until one begins anew."""
        before = self.found
        if before.broken is None:
            found = await verify(self._reads, self._sealing, after=before, most=most)
            if self.found is before:  # nobody was faster, and nobody began anew meanwhile
                self.found, self.at = found, self._clock.wall()
        return self.found

    def begin_anew(self) -> None:
        self.found, self.at = NOTHING, 0.0


async def verify(
    reads: AuditReads, sealing: Sealing, expected: End | None = None, *, after: Verified = NOTHING, most: int = 0
) -> Verified:
    """Holds a bounded number of entries at once; entries may be added while it reads.

    It goes on behind what was found before, and stops after `most` entries; 0: at the end.
    """
    end = await reads.end()
    newest, entries = after.newest, after.entries
    wanted = {one.number: one.chain for one in (end, expected) if one is not None}
    async for rows in reads.walk(AuditFilter(), after=newest.number):
        for place, row in enumerate(rows):
            broken = _break(sealing, newest, row, wanted)
            if broken is not None:
                return Verified(entries, newest, broken)
            newest, entries = End(row.number, row.chain), entries + 1
            if most and entries == after.entries + most:
                return Verified(entries, newest, None, is_whole=False)
            if place % TURN == TURN - 1:
                await asyncio.sleep(0)
    return Verified(entries, newest, _cut_off(newest, end, expected))


def _break(sealing: Sealing, before: End, row: AuditRow, wanted: dict[int, str]) -> Break | None:
    if row.number != before.number + 1:
        return Break(before.number + 1, "this entry is missing")
    if row.chain != chain_of(sealing, before.chain, row):
        return Break(row.number, "this entry, or the one before it, is not as it was written")
    if wanted.get(row.number, row.chain) != row.chain:
        return Break(row.number, "this entry is another one than was noted")
    return None


def _cut_off(newest: End, end: End | None, expected: End | None) -> Break | None:
    if end is None and newest.number:
        return Break(newest.number, "how far the log goes is not written down, or not by us: the end may be missing")
    last = max((one.number for one in (end, expected) if one is not None), default=0)
    if newest.number < last:
        return Break(newest.number + 1, f"the entries up to {last} are missing")
    return None
