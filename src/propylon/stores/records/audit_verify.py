"""Whether the audit log is what was written: each entry in its place, none changed, none missing, none cut off.

What cannot be found here: an end that was cut off together with a database that was set back whole to an older state,
as a restore from a backup does. Only a number and chain value noted elsewhere tells that; `expected` is such a one.
"""

from typing import NamedTuple

from propylon.stores.records.audit import AuditRow, End, chain_of
from propylon.stores.records.audit_reads import AuditFilter, AuditReads
from propylon.stores.sealing import Sealing


class Break(NamedTuple):
    """The first entry that is not as it was written."""

    number: int
    why: str


class Verified(NamedTuple):
    entries: int
    newest: End  # up to which the chain holds; number 0 without any
    broken: Break | None


async def verify(reads: AuditReads, sealing: Sealing, expected: End | None = None) -> Verified:
    """Holds a bounded number of entries at once; entries may be added while it reads."""
    end = await reads.end()
    newest, entries = End(0, ""), 0
    wanted = {one.number: one.chain for one in (end, expected) if one is not None}
    async for rows in reads.walk(AuditFilter()):
        for row in rows:
            broken = _break(sealing, newest, row, wanted)
            if broken is not None:
                return Verified(entries, newest, broken)
            newest, entries = End(row.number, row.chain), entries + 1
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
