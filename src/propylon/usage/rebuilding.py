"""Makes hours, days and weeks anew from the minutes: after an update, and after a version before has drained.

An hour at a time, each in a transaction of its own: what stands of it goes, and its minutes are added again; so it may
be done at any time and any number of times. Minutes that are forgotten by then stand in hours that are left alone.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, Table, delete, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.records.engines import SQL_ERRORS
from propylon.stores.records.records import Records
from propylon.stores.records.usage_tables import usage, usage_callers, usage_traffic
from propylon.usage.adding import ADDED, GREATEST, LEAST
from propylon.usage.aggregates import add_callers, add_traffic
from propylon.usage.minutes import read_minutes, read_pieces
from propylon.usage.progress import REBUILD, Progress, put_progress, read_mark, read_progress
from propylon.usage.rows import Dimensions, Grain, Orgs

SUMMED_UP: Final = ((Grain.HOUR, Grain.QUARTER), (Grain.HOUR, Grain.DAY), (Grain.DAY, Grain.WEEK))
_SUMS: Final = (*ADDED, *GREATEST, *LEAST)


async def rebuild_hour(records: Records, default_org_id: str) -> bool:
    """The next one, and its day and week when it is their last; False when there is nothing to do."""
    with SQL_ERRORS:
        async with records.usage_reading_engine.connect() as connection:
            if await read_progress(connection, REBUILD) is None:
                return False
    orgs = {"": default_org_id, **await records.orgs_of_apis()}
    with SQL_ERRORS:
        async with records.usage_engine.begin() as connection:
            cursor = await read_progress(connection, REBUILD)
            return cursor is not None and await _rebuild(connection, cursor.upto, orgs)


async def _rebuild(connection: AsyncConnection, since: int, orgs: Orgs) -> bool:
    first = await _next_minute(connection, since)
    if first is None:
        await put_progress(connection, REBUILD, None)
        return False
    hour = Grain.HOUR.start(first)
    following = await _next_minute(connection, hour + Grain.HOUR)
    await _hour_from_minutes(connection, hour, orgs)
    for finer, coarser in SUMMED_UP:
        start = coarser.start(hour)
        if following is None or following >= start + coarser:
            await _sum_up(connection, finer, coarser, start)
    await put_progress(connection, REBUILD, Progress("", hour + Grain.HOUR))
    return True


async def _next_minute(connection: AsyncConnection, since: int) -> int | None:
    found: int | None = await connection.scalar(select(func.min(usage.c.minute)).where(usage.c.minute >= since))
    return found


async def _hour_from_minutes(connection: AsyncConnection, hour: int, orgs: Orgs) -> None:
    await _forget(connection, usage_traffic, Grain.MINUTE, hour, hour + Grain.HOUR)
    for table in (usage_traffic, usage_callers):
        await _forget(connection, table, Grain.HOUR, hour, hour + 1)
    mark = await read_mark(connection)
    for minute in range(hour, hour + Grain.HOUR):
        async for rows in read_minutes(connection, minute, orgs):
            await add_traffic(connection, rows, (Grain.MINUTE, Grain.HOUR))
            if minute < mark:
                await add_callers(connection, rows, (Grain.HOUR,))


async def _sum_up(connection: AsyncConnection, finer: Grain, coarser: Grain, start: int) -> None:
    """Callers' by the database alone: of them there are many, and these have no latencies."""
    table = usage_callers
    await _forget(connection, table, coarser, start, start + 1)
    within = _within(table, finer, start, start + coarser)
    keys = [table.c[name] for name in (*Dimensions._fields[1:],)]
    sums = [*(func.sum(table.c[one]) for one in ADDED), *(func.max(table.c[one]) for one in GREATEST)]
    sums += [func.min(table.c[one]) for one in LEAST]
    found: Select[Any] = select(literal(int(coarser)), literal(start), *keys, *sums).where(*within).group_by(*keys)
    await connection.execute(insert(table).from_select(["grain", "at", *(key.name for key in keys), *_SUMS], found))
    if coarser is Grain.DAY:
        await _forget(connection, usage_traffic, coarser, start, start + 1)
        hours = select(usage_traffic, literal("").label("identity"), usage_traffic.c.at.label("minute"))
        hours = hours.where(*_within(usage_traffic, finer, start, start + coarser))
        async for rows in read_pieces(connection, hours, {}):
            await add_traffic(connection, rows, (coarser,))


async def _forget(connection: AsyncConnection, table: Table, grain: Grain, first: int, end: int) -> None:
    await connection.execute(delete(table).where(*_within(table, grain, first, end)))


def _within(table: Table, grain: Grain, first: int, end: int) -> tuple[ColumnElement[bool], ...]:
    return table.c.grain == int(grain), table.c.at >= first, table.c.at < end
