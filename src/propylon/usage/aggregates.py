"""Adds lines to the tables of usage, within the caller's transaction. The SQL is told apart by engine here.

Cells that lines share are added up first: a line comes each second from each worker, and a minute has one row of each.
A row is added to where it stands, so that the cost does not grow with the table: SQLite takes 10 to 30 µs a row and
9 µs an entry of the log, PostgreSQL 16 µs a row that is not there yet and 40 µs one that is.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.records.array_insert import array_insert, columns_of
from propylon.stores.records.pieces import pieces
from propylon.stores.records.tables import request_log, usage
from propylon.stores.records.upsert import upsert
from propylon.usage.line import Line, LogEntry

_Rows = list[dict[str, Any]]

_ADDED: Final = ("count", "bytes_in", "bytes_out")
_BOTH_LATENCIES: Final = text("""(
    SELECT json_group_object(key, total) FROM (
        SELECT key, sum(value) AS total FROM (
            SELECT key, value FROM json_each(usage.latencies)
            UNION ALL SELECT key, value FROM json_each(excluded.latencies)
        ) GROUP BY key))""")
_CONFLICT: Final = f"""
    ON CONFLICT ({", ".join(usage.primary_key.columns.keys())}) DO UPDATE SET
    {", ".join(f"{name} = usage.{name} + excluded.{name}" for name in _ADDED)}, latencies = (
    SELECT coalesce(json_object_agg(key, total), '{{}}') FROM (
        SELECT key, sum(CAST(value AS bigint)) AS total FROM (
            SELECT key, value FROM json_each_text(CAST(usage.latencies AS json))
            UNION ALL SELECT key, value FROM json_each_text(CAST(excluded.latencies AS json))
        ) AS parts GROUP BY key) AS totals)"""
_ADD_ARRAYS: Final = array_insert(usage, usage.columns.keys(), _CONFLICT)
_LOG_ARRAYS: Final = array_insert(request_log, LogEntry._fields)


async def add_lines(connection: AsyncConnection, lines: Sequence[Line]) -> None:
    entries = (entry._asdict() for line in lines for entry in line.log)
    is_postgres = connection.dialect.name == "postgresql"
    for rows in pieces(_rows(lines)):
        await (_add_as_arrays if is_postgres else _add)(connection, rows)
    for rows in pieces(entries):
        await (_log_as_arrays if is_postgres else _log)(connection, rows)


async def _add(connection: AsyncConnection, rows: _Rows) -> None:
    fresh = upsert(connection, usage)
    sums: dict[str, Any] = {name: usage.c[name] + fresh.excluded[name] for name in _ADDED}
    keys = usage.primary_key.columns
    await connection.execute(
        fresh.on_conflict_do_update(index_elements=keys, set_=sums | {"latencies": _BOTH_LATENCIES}), rows
    )


async def _log(connection: AsyncConnection, rows: _Rows) -> None:
    await connection.execute(insert(request_log), rows)


async def _add_as_arrays(connection: AsyncConnection, rows: _Rows) -> None:
    await connection.execute(_ADD_ARRAYS, columns_of(rows))


async def _log_as_arrays(connection: AsyncConnection, rows: _Rows) -> None:
    await connection.execute(_LOG_ARRAYS, columns_of(rows))


def _rows(lines: Sequence[Line]) -> Iterator[dict[str, Any]]:
    """One for each set of dimensions in these lines."""
    sums: dict[tuple[Any, ...], tuple[list[int], dict[int, int]]] = {}
    for line in lines:
        for api_id, identity, status, reason, endpoint, *counts, latencies in line.cells:
            key = (line.minute, api_id, identity, status, reason, endpoint)
            so_far = sums.get(key)
            if so_far is None:
                sums[key] = (counts, dict(latencies))
                continue
            so_far[0][:] = map(int.__add__, so_far[0], counts)
            for bucket, number in latencies.items():
                so_far[1][bucket] = so_far[1].get(bucket, 0) + number
    names = ("minute", "api_id", "identity", "status", "reason", "endpoint")
    for key, (counts, latencies) in sums.items():
        row = {"org_id": "", "version": "", "tags": "", **dict(zip(names, key, strict=True))}
        row |= dict(zip(_ADDED, counts, strict=True))
        yield row | {"latencies": json.dumps(latencies, separators=(",", ":"))}
