"""Answers to requests that may be repeated, each kept with what it did: both are there, or neither.

Each function is one part of its caller's transaction. No secret is in an answer that is kept.
"""

import json
from typing import Any, Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.records.tables import idempotency

KEPT_S: Final = 86_400.0


async def find_answer(connection: AsyncConnection, name: str) -> dict[str, Any] | None:
    found = await connection.scalar(select(idempotency.c.answer).where(idempotency.c.name == name))
    return None if found is None else json.loads(found)


async def keep_answer(connection: AsyncConnection, name: str, answer: dict[str, Any], at: float) -> None:
    """Those that are too old go: each that is added makes room."""
    await connection.execute(delete(idempotency).where(idempotency.c.at < at - KEPT_S))
    await connection.execute(insert(idempotency).values(name=name, answer=json.dumps(answer), at=at))
