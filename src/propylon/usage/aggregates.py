"""Adds lines to the tables of usage, within the caller's transaction. The SQL is SQLite's.

A row is added to where it stands, so that the cost does not grow with the table: 10 to 30 µs a cell, 9 µs an entry.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import insert, text
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.records.tables import request_log, usage
from propylon.usage.line import Cell, Line

ROWS: Final = 1_000  # in one call, each of which keeps the event loop for some milliseconds

_Item = TypeVar("_Item")

_ADDED: Final = ("count", "bytes_in", "bytes_out")
_BOTH_LATENCIES: Final = text("""(
    SELECT json_group_object(key, both) FROM (
        SELECT key, sum(value) AS both FROM (
            SELECT key, value FROM json_each(usage.latencies)
            UNION ALL SELECT key, value FROM json_each(excluded.latencies)
        ) GROUP BY key))""")
_NEW: Final = upsert(usage)
_ADD: Final = _NEW.on_conflict_do_update(
    index_elements=usage.primary_key.columns,
    set_={name: usage.c[name] + _NEW.excluded[name] for name in _ADDED} | {"latencies": _BOTH_LATENCIES},
)


async def add_lines(connection: AsyncConnection, lines: Sequence[Line]) -> None:
    for rows in _pieces(_row(line.minute, cell) for line in lines for cell in line.cells):
        await connection.execute(_ADD, rows)
    for entries in _pieces(entry._asdict() for line in lines for entry in line.log):
        await connection.execute(insert(request_log), entries)


def _row(minute: int, cell: Cell) -> dict[str, Any]:
    row = {"minute": minute, "org_id": "", "version": "", "tags": "", **cell._asdict()}
    row["count"] = row.pop("exchanges")
    row["latencies"] = json.dumps(cell.latencies, separators=(",", ":"))
    return row


def _pieces(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    rest = iter(items)
    while piece := list(islice(rest, ROWS)):
        yield piece
