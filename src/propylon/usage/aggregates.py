"""Adds lines to the tables of usage, within the caller's transaction.

Cells that lines share are added up first: a line comes each second from each worker, and a minute has one row of each.
What is told of all callers together is added to in the same transaction, by minute, hour and day; what is told of each
by hour and longer follows once the minute is over (`rolling_up.py`, docs/decisions/0014).
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.records.array_insert import array_insert, columns_of
from propylon.stores.records.pieces import pieces
from propylon.stores.records.usage_tables import request_log, usage, usage_callers, usage_traffic
from propylon.usage.adding import Adding
from propylon.usage.histogram import bucket_end_us
from propylon.usage.line import Line, LogEntry
from propylon.usage.progress import FORGOTTEN, read_progress
from propylon.usage.rows import Grain, Orgs, Rows, Sums, org_of, rolled_up, rows_of

CALLERS_GRAINS: Final = (Grain.HOUR, Grain.QUARTER, Grain.DAY, Grain.WEEK)
TRAFFIC_GRAINS: Final = (Grain.MINUTE, Grain.HOUR, Grain.DAY)

_MINUTES: Final = Adding(usage)
_TRAFFIC: Final = Adding(usage_traffic)
_CALLERS: Final = Adding(usage_callers, latencies=False)
_CALLERS_HOURS: Final = Adding(usage_callers)
_LOGGED: Final = (*LogEntry._fields, "org_id", "details")
_LOG_ARRAYS: Final = array_insert(request_log, _LOGGED)


async def add_lines(connection: AsyncConnection, lines: Sequence[Line], orgs: Orgs, mark: int = 0) -> None:
    """Minutes below `mark` have been rolled up already, so what comes for them goes there, too."""
    rows = rows_of(lines, orgs)
    for piece in pieces({**key._asdict(), **_sums(sums, "latencies")} for key, sums in rows.items()):
        await _MINUTES.add(connection, piece)
    await add_traffic(connection, rows, TRAFFIC_GRAINS)
    late = {key: sums for key, sums in rows.items() if key.minute < mark}
    await add_callers(connection, late, CALLERS_GRAINS)
    for piece in pieces(_log_rows(lines, orgs)):
        await _log(connection, piece)


async def add_traffic(connection: AsyncConnection, rows: Rows, grains: Sequence[Grain]) -> None:
    of_all = rolled_up(rows, Grain.MINUTE, by_caller=False)
    for grain in grains:
        for piece in pieces(_traffic_rows(grain, rolled_up(of_all, grain, by_caller=False))):
            await _TRAFFIC.add(connection, piece)


async def add_callers(connection: AsyncConnection, rows: Rows, grains: Sequence[Grain]) -> None:
    for grain in grains:
        callers, has_latencies = rolled_up(rows, grain, by_caller=True), grain is Grain.HOUR
        for piece in pieces(_callers_rows(grain, callers, "latencies" if has_latencies else "")):
            await (_CALLERS_HOURS if has_latencies else _CALLERS).add(connection, piece)


def _traffic_rows(grain: Grain, rows: Rows) -> Iterator[dict[str, Any]]:
    for row in _callers_rows(grain, rows, "latencies"):
        del row["identity"]
        yield row


def _callers_rows(grain: Grain, rows: Rows, latencies: str) -> Iterator[dict[str, Any]]:
    for key, sums in rows.items():
        at = {"grain": int(grain), "at": key.minute, "last_minute": sums.last_minute}
        named = key._asdict()
        del named["minute"]
        yield {**at, **named, **_sums(sums, latencies)}


def _sums(sums: Sums, latencies: str) -> dict[str, Any]:
    """`latencies` names the column of the histogram, "" where there is none."""
    buckets = sums.latencies
    histogram = {latencies: json.dumps(buckets, separators=(",", ":"))} if latencies else {}
    return {
        "count": sums.count,
        "bytes_in": sums.bytes_in,
        "bytes_out": sums.bytes_out,
        "latency_us": sum(_middle_us(bucket) * count for bucket, count in buckets.items()),
        "min_us": bucket_end_us(min(buckets) - 1) if buckets else 0,
        "max_us": bucket_end_us(max(buckets)) - 1 if buckets else 0,
        **histogram,
    }


def _middle_us(bucket: int) -> int:
    """As `percentile_us` has it."""
    return (bucket_end_us(bucket - 1) + bucket_end_us(bucket) - 1) // 2


def _log_rows(lines: Sequence[Line], orgs: Orgs) -> Iterator[dict[str, Any]]:
    for line in lines:
        for place, entry in enumerate(line.log):
            details = json.dumps(line.recordings.get(place, {}), separators=(",", ":"))
            yield {**entry._asdict(), "org_id": org_of(line, entry.api_id, orgs), "details": details}


async def _log(connection: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """Ids are committed in the order in which they rise, so whoever follows the log by its newest id misses none.

    An id is drawn within the turn that a transaction of `usage_engine` has until its commit is visible (SQLite: BEGIN
    IMMEDIATE; PostgreSQL: an advisory lock of the transaction, `postgres_engines.py`), also while two processes believe
    that they lead. Nothing else writes here. A transaction that fails leaves a gap, and nothing comes into it.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(_LOG_ARRAYS, columns_of(rows))
        return
    first = await _next_id(connection)
    await connection.execute(insert(request_log), [{"id": first + place, **row} for place, row in enumerate(rows)])


async def _next_id(connection: AsyncConnection) -> int:
    """SQLite by itself would take the ids of the newest entries again, once these are forgotten."""
    newest = await connection.scalar(select(func.max(request_log.c.id))) or 0
    forgotten = await read_progress(connection, FORGOTTEN)
    return max(newest, 0 if forgotten is None else forgotten.upto) + 1
