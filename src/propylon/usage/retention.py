"""Forgets usage and log entries past their age or number, in steps that hold up nobody.

The finer a stretch, the sooner it goes: minutes first, then hours, then days and weeks.
"""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Table, bindparam, delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.records.engines import SQL_ERRORS
from propylon.stores.records.records import Records
from propylon.stores.records.usage_tables import request_log, usage, usage_callers, usage_traffic
from propylon.usage.progress import FORGOTTEN, REBUILD, Progress, put_progress, read_mark, read_progress
from propylon.usage.rows import Grain


class Kept(NamedTuple):
    """From when on each is kept, Unix time; and how many entries the log may have."""

    minutes_since: float
    hours_since: float
    days_since: float
    log_since: float
    log_entries_max: int


async def expire(records: Records, kept: Kept, limit: int) -> int:
    """Removes at most `limit` rows of each kind that are older, oldest first; 0 when none are left.

    A stretch goes when all of it is older. Minutes stay until they are rolled up, and while something is made
    anew from them.
    """
    with SQL_ERRORS:
        async with records.usage_engine.begin() as connection:
            removed = await _expire_log(connection, kept, limit)
            minutes, hours, days = (int(since // 60) for since in kept[:3])
            minutes = min(minutes, await read_mark(connection))
            if await read_progress(connection, REBUILD) is None:
                removed += await _expire_rows(connection, usage, (usage.c.minute < minutes,), usage.c.minute, limit)
                removed += await _expire_grain(connection, usage_traffic, Grain.MINUTE, minutes, limit)
            removed += await _expire_grain(connection, usage_callers, Grain.QUARTER, hours, limit)
            for table in (usage_traffic, usage_callers):
                removed += await _expire_grain(connection, table, Grain.HOUR, hours, limit)
                removed += await _expire_grain(connection, table, Grain.DAY, days, limit)
            return removed + await _expire_grain(connection, usage_callers, Grain.WEEK, days, limit)


async def _expire_grain(connection: AsyncConnection, table: Table, grain: Grain, since: int, limit: int) -> int:
    where = (table.c.grain == int(grain), table.c.at < since - grain + 1)
    return await _expire_rows(connection, table, where, table.c.at, limit)


async def _expire_rows(
    connection: AsyncConnection, table: Table, where: tuple[ColumnElement[bool], ...], order: Any, limit: int
) -> int:
    """Row by row: SQLite reads the whole table for a set of keys with several columns. PostgreSQL does not."""
    key = tuple(table.primary_key.columns)
    oldest = select(*key).where(*where).order_by(order).limit(limit)
    if connection.dialect.name == "postgresql":
        return (await connection.execute(delete(table).where(tuple_(*key).in_(oldest)))).rowcount
    keys = (await connection.execute(oldest)).mappings().all()
    if keys:
        its = delete(table).where(*(column == bindparam(f"its_{column.name}") for column in key))
        await connection.execute(its, [{f"its_{name}": value for name, value in one.items()} for one in keys])
    return len(keys)


async def _expire_log(connection: AsyncConnection, kept: Kept, limit: int) -> int:
    """By age, and beyond the number that may stay: ids rise by one, so their distance is that number."""
    newest = await connection.scalar(select(func.max(request_log.c.id))) or 0
    removed = 0
    for where, order in (
        (request_log.c.at < kept.log_since, request_log.c.at),
        (request_log.c.id <= newest - kept.log_entries_max, request_log.c.id),
    ):
        oldest = select(request_log.c.id).where(where).order_by(order).limit(limit)
        removed += (await connection.execute(delete(request_log).where(request_log.c.id.in_(oldest)))).rowcount
    if removed:
        await put_progress(connection, FORGOTTEN, Progress("", newest))
    return removed
