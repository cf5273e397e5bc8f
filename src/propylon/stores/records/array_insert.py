"""Inserts of many rows for PostgreSQL: one statement with an array for each column, whatever their number.

The text is the same for any number of rows, so it is prepared once; a statement for each row costs twice as much.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Double, SmallInteger, Table, Text, TextClause, text

_TYPES: Final = {SmallInteger: "smallint", BigInteger: "bigint", Double: "double precision", Text: "text"}


def array_insert(table: Table, names: Sequence[str], conflict: str = "") -> TextClause:
    """To be executed with `columns_of` the rows. `conflict`: an ON CONFLICT; no two rows may then be the same one."""
    values = ", ".join(f"CAST(:{name} AS {_TYPES[type(table.c[name].type)]}[])" for name in names)
    return text(f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM unnest({values}) {conflict}")


def columns_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}
