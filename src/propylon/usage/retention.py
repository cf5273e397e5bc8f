"""Forgets usage and log entries past their age, in steps that hold up nobody."""

from typing import Final

from sqlalchemy import bindparam, delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.records.engines import SQL_ERRORS
from propylon.stores.records.records import Records
from propylon.stores.records.tables import request_log, usage

_KEY: Final = tuple(usage.primary_key.columns)
_DELETE: Final = delete(usage).where(*(column == bindparam(f"its_{column.name}") for column in _KEY))


async def expire(records: Records, before: float, limit: int) -> int:
    """Removes at most `limit` rows of each table that are older than `before`, oldest first; 0 when none are left.

    A minute goes when it is over: one that `before` falls into stays.
    """
    with SQL_ERRORS:
        async with records.usage_engine.begin() as connection:
            minutes = await _expire_usage(connection, int(before // 60), limit)
            return minutes + await _expire_log(connection, before, limit)


async def _expire_usage(connection: AsyncConnection, minute: int, limit: int) -> int:
    """Row by row: SQLite reads the whole table for a set of keys with several columns. PostgreSQL does not."""
    oldest = select(*_KEY).where(usage.c.minute < minute).order_by(usage.c.minute).limit(limit)
    if connection.dialect.name == "postgresql":
        return (await connection.execute(delete(usage).where(tuple_(*_KEY).in_(oldest)))).rowcount
    keys = (await connection.execute(oldest)).mappings().all()
    if keys:
        await connection.execute(_DELETE, [{f"its_{name}": value for name, value in key.items()} for key in keys])
    return len(keys)


async def _expire_log(connection: AsyncConnection, before: float, limit: int) -> int:
    oldest = select(request_log.c.id).where(request_log.c.at < before).order_by(request_log.c.at).limit(limit)
    return (await connection.execute(delete(request_log).where(request_log.c.id.in_(oldest)))).rowcount
