"""The change log: what each revision changed, by name, written in the transaction of the change (design §3.2).

Control transactions are serialised, so a number is taken and committed before the next one is taken: commit order is
number order.
"""

import json
from collections.abc import Collection
from typing import Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.records.tables import changes
from propylon.stores.records.writes import EVERYTHING

KEPT: Final = 10_000  # revisions; a worker further behind reads everything again
NAMES_MAX: Final = 10_000  # in one revision; past it, reading everything again is cheaper than naming it


async def newest(connection: AsyncConnection) -> int:
    """0 when nothing was ever changed."""
    return await connection.scalar(select(func.coalesce(func.max(changes.c.revision), 0))) or 0


async def append(connection: AsyncConnection, names: Collection[str], at: float, *, above: int = 0) -> int:
    """The new revision, greater than every other one and than `above`."""
    revision = max(await newest(connection), above) + 1
    listed = list(names) if len(names) <= NAMES_MAX else [EVERYTHING]
    await connection.execute(insert(changes).values(revision=revision, names=json.dumps(listed), at=at))
    await connection.execute(delete(changes).where(changes.c.revision <= revision - KEPT))
    return revision
