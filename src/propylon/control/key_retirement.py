"""Generations that are due are retired: at their date, or when they were unused for as long as was said.

The data path compares dates itself, so nothing lives longer for this being late; what is done here is that the ring
says so and the materials go.
"""

import logging
from collections.abc import Sequence
from typing import Final

from propylon.control.desk import Desk
from propylon.model.key_ring import read_ring, retired, without_orphans
from propylon.stores.ports import KeyRow
from propylon.stores.records.writes import Actor

log = logging.getLogger("propylon.control")
PAGE: Final = 200  # keys looked at in one go
RETIREMENT: Final = Actor("propylon", "retirement of generations")
LastUsed = dict[tuple[int, int], float]  # by record id and generation


async def retire_due(desk: Desk, known_until: float) -> None:
    """`known_until`: the Unix time up to which every use has been drained into the records."""
    after = 0
    while rows := await desk.records.retiring_keys(after, PAGE):
        after = rows[-1].record_id
        used = await desk.records.last_used([row.record_id for row in rows])
        due = [row for row in rows if _due(desk, row, used, known_until)]
        if due:
            await _retire(desk, due, used, known_until)


async def _retire(desk: Desk, rows: Sequence[KeyRow], used: LastUsed, known_until: float) -> None:
    """In one revision. Each key is looked at again, as another change may have come in between."""
    async with desk.records.change(RETIREMENT) as edit:
        for before in rows:
            row = await edit.key(before.key_hash)
            generations = [] if row is None else _due(desk, row, used, known_until)
            if row is not None and generations:
                ring = retired(read_ring(row.ring), generations)
                await edit.put_ring(row, without_orphans(ring, desk.records.unseal_key(row)), ring)
                log.info("key %s: generations %s are retired", row.key_hash, generations)
    await desk.announcer.announce()


def _due(desk: Desk, row: KeyRow, used: LastUsed, known_until: float) -> list[int]:
    now, ring = desk.clock.wall(), read_ring(row.ring)
    last_used = {one.generation: used.get((row.record_id, one.generation), 0.0) for one in ring}
    return [one.generation for one in ring if one.is_due(now, last_used[one.generation], known_until)]
