"""Adds each minute of callers, once it is over, to hours, quarters of days, days and weeks.

Once a minute and not with each line, which would cost four times as much. How far this went is the *mark*, moved in the
same transaction: minutes below it are in all that stands for longer, and a line that comes later than it is added there
at once (`drain.py`). Who asks reads minutes from the mark on, so that nothing is missing in between.
"""

from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.records.engines import SQL_ERRORS
from propylon.stores.records.records import Records
from propylon.stores.records.usage_tables import usage
from propylon.usage.aggregates import CALLERS_GRAINS, add_callers
from propylon.usage.minutes import read_minutes
from propylon.usage.progress import put_mark, read_mark

LATE: Final = 2  # minutes after which few lines of one are still to come


async def roll_up_minute(records: Records, now: float) -> bool:
    """The oldest one that is over; False when there is none."""
    before = int(now // 60) - LATE
    with SQL_ERRORS:
        async with records.usage_engine.begin() as connection:
            mark = await read_mark(connection)
            minute = await _next_minute(connection, mark, before)
            if minute is None:
                return False
            async for rows in read_minutes(connection, minute, {}):
                await add_callers(connection, rows, CALLERS_GRAINS)
            await put_mark(connection, minute + 1)
            return True


async def _next_minute(connection: AsyncConnection, mark: int, before: int) -> int | None:
    query = select(func.min(usage.c.minute)).where(usage.c.minute >= mark, usage.c.minute < before)
    found: int | None = await connection.scalar(query)
    return found
