"""The one place that knows how each engine says "insert, or change what is there"."""

from collections.abc import Callable
from typing import Final

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Upsert = postgresql.Insert | sqlite.Insert  # the same methods

_INSERTS: Final[dict[str, Callable[[Table], Upsert]]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}


def upsert(connection: AsyncConnection, table: Table) -> Upsert:
    """An insert with `on_conflict_do_update`, in the words of the engine behind the connection."""
    return _INSERTS[connection.dialect.name](table)
