"""How far the queue is in the aggregates. Moved in the transaction that adds the lines, so that none counts twice.

A version before this one fills minutes alone. So how far *all* tables are is written beside how far the minutes are:
where the two differ, such a one has drained in between, and what stands for longer is made anew (`rebuilding.py`).
"""

from typing import Final, NamedTuple

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.errors import StoreUnavailable
from propylon.stores.records.usage_tables import drained, usage

QUEUE: Final = "usage"
ROLLED_UP: Final = "rolled_up"
MARK: Final = "callers"  # its `upto`: minutes below are in what stands for longer (`rolling_up.py`)
FORGOTTEN: Final = "log"  # its `upto`: the newest id of the log when entries were last forgotten
REBUILD: Final = "rebuild"  # its `upto`: the first minute that is still to be looked at


class Progress(NamedTuple):
    """Lines of `epoch` with numbers below `upto` are in the aggregates; of another epoch, none is."""

    epoch: str
    upto: int


async def read_progress(connection: AsyncConnection, queue: str = QUEUE) -> Progress | None:
    """None before the first line ever."""
    query = select(drained.c.epoch, drained.c.upto).where(drained.c.queue == queue)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else Progress(*row)


async def move_progress(connection: AsyncConnection, before: Progress | None, after: Progress) -> None:
    """By compare-and-set; afterwards this transaction is the only one that adds until it ends."""
    if before is None:
        await connection.execute(insert(drained).values(queue=QUEUE, **after._asdict()))
    else:
        stands = (drained.c.queue == QUEUE, drained.c.epoch == before.epoch, drained.c.upto == before.upto)
        moved = await connection.execute(update(drained).where(*stands).values(**after._asdict()))
        if moved.rowcount != 1:
            raise StoreUnavailable("usage is drained by another process at the same time")
    if await read_progress(connection, ROLLED_UP) != before:
        if await read_progress(connection, MARK) is None:  # all there is is made anew, and none of it rolled up besides
            await put_mark(connection, (await connection.scalar(select(func.max(usage.c.minute))) or 0) + 1)
        await put_progress(connection, REBUILD, Progress("", 0))
    await put_progress(connection, ROLLED_UP, after)


async def put_progress(connection: AsyncConnection, queue: str, progress: Progress | None) -> None:
    """None: forgets it."""
    await connection.execute(delete(drained).where(drained.c.queue == queue))
    if progress is not None:
        await connection.execute(insert(drained).values(queue=queue, **progress._asdict()))


async def read_mark(connection: AsyncConnection) -> int:
    found: int = (await connection.execute(mark_query())).scalar_one()
    return found


def mark_query() -> Select[int]:
    """Always one row; 0 before any minute was rolled up."""
    return select(func.coalesce(func.max(drained.c.upto), 0)).where(drained.c.queue == MARK)


async def put_mark(connection: AsyncConnection, minute: int) -> None:
    await put_progress(connection, MARK, Progress("", minute))
