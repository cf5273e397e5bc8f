"""Rows read back from the tables, in pieces, so that none keeps the event loop for long."""

import json
from collections.abc import AsyncIterator
from typing import Any, Final

from sqlalchemy import Select, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.records.usage_tables import usage
from propylon.usage.rows import Dimensions, Orgs, Rows, Sums

PIECE: Final = 1_000  # rows read at once


def read_minutes(connection: AsyncConnection, minute: int, orgs: Orgs) -> AsyncIterator[Rows]:
    """Those of one minute; `orgs` says the organisation where a version before has not."""
    return read_pieces(connection, select(usage).where(usage.c.minute == minute), orgs)


async def read_pieces(connection: AsyncConnection, query: Select[Any], orgs: Orgs) -> AsyncIterator[Rows]:
    """`query` has the columns of Dimensions and of sums."""
    query = query.order_by(*(text(name) for name in Dimensions._fields)).limit(PIECE)
    found, offset = PIECE, 0
    while found == PIECE:
        stored = (await connection.execute(query.offset(offset))).mappings().all()
        rows: Rows = {}
        for row in stored:
            key = Dimensions(*(row[name] for name in Dimensions._fields))
            key = key if key.org_id else key._replace(org_id=orgs.get(key.api_id, ""))
            latencies = {int(bucket): count for bucket, count in json.loads(row["latencies"]).items()}
            rows.setdefault(key, Sums()).add(
                row.get("last_minute", key.minute), row["count"], row["bytes_in"], row["bytes_out"], latencies
            )
        yield rows
        found, offset = len(stored), offset + PIECE
