"""Brings a database to the newest schema. Knows which it has; how an older one is altered is `migrations/`.

A fresh database is made from `tables.py` and stamped, and one that is current is left alone: neither loads Alembic,
which takes 0.4 s. A test holds that tables and migrations lead to the same place.

Processes of the version before work on while a database is migrated and afterwards, so a migration only adds: tables,
indexes, and columns that have a default. Another test holds that.
"""

import importlib
from typing import Final, NamedTuple

from sqlalchemy import Column, Connection, MetaData, Table, Text, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.records.people_tables import RECORDS
from propylon.stores.records.tables import NEWEST_RECORDS, VERSION_TABLE
from propylon.stores.records.usage_tables import NEWEST_USAGE, USAGE


class CannotOpen(Exception):
    """Why the records may not be used as they are, with the remedy; the process ends with exit code 2."""


class Schema(NamedTuple):
    name: str  # of the folder of its migrations
    metadata: MetaData
    version_table: str  # says which migrations it has had
    newest: str  # of them


RECORDS_SCHEMA: Final = Schema("records", RECORDS, VERSION_TABLE, NEWEST_RECORDS)
USAGE_SCHEMA: Final = Schema("usage", USAGE, VERSION_TABLE, NEWEST_USAGE)  # in a file of its own
USAGE_BESIDE_RECORDS: Final = Schema("usage", USAGE, f"usage_{VERSION_TABLE}", NEWEST_USAGE)  # in the same database
_OURS: Final = frozenset({*RECORDS.tables, *USAGE.tables, VERSION_TABLE, USAGE_BESIDE_RECORDS.version_table})


async def bring_up_to_date(connection: AsyncConnection, schema: Schema, place: str) -> list[str]:
    """Within the caller's transaction: all of it happens, or none. Answers what was applied, for people.

    `place` is how people know the database. CannotOpen when it is not one of ours.
    """
    return await connection.run_sync(_bring_up_to_date, schema, place)


async def demand_current(connection: AsyncConnection, schema: Schema, place: str) -> None:
    """Changes nothing; CannotOpen, with the remedy, when the schema is another one."""
    version = await connection.run_sync(_version_of, schema)
    if version != schema.newest:
        _demand_known(version, schema, place)
        found = f"has the schema {version} of {schema.name}" if version else f"has no tables for {schema.name} yet"
        raise CannotOpen(f"{place} {found}, and this version needs {schema.newest}; run: propylon migrate")


def _bring_up_to_date(connection: Connection, schema: Schema, place: str) -> list[str]:
    version = _version_of(connection, schema)
    if version == schema.newest:
        return []
    _demand_known(version, schema, place)
    if version:
        applied: list[str] = importlib.import_module("propylon.stores.records.migrations.upgrade").upgrade(
            connection, schema
        )
        return applied
    if strangers := _strangers(connection, schema):
        text = f"holds tables that are not ours ({', '.join(strangers[:3])})"
        raise CannotOpen(f"{place} {text}; choose another file or database")
    _make(connection, schema)
    return [f"{schema.name}: made with the schema {schema.newest}"]


def _demand_known(version: str, schema: Schema, place: str) -> None:
    if version > schema.newest:
        text = "was made by a newer version; install that one, or restore a backup made with this one"
        raise CannotOpen(f"{place} {text}")


def _strangers(connection: Connection, schema: Schema) -> list[str]:
    """Records and usage may stand beside each other; a table of this schema without its version is not ours either."""
    own = {*schema.metadata.tables, schema.version_table}
    return sorted(set(inspect(connection).get_table_names()) - (_OURS - own))


def _version_of(connection: Connection, schema: Schema) -> str:
    """ "" when it was never stamped."""
    if not inspect(connection).has_table(schema.version_table):
        return ""
    return connection.scalar(select(_version(schema).c.version_num)) or ""


def _make(connection: Connection, schema: Schema) -> None:
    schema.metadata.create_all(connection, checkfirst=False)
    version = _version(schema)
    version.create(connection)
    connection.execute(version.insert().values(version_num=schema.newest))


def _version(schema: Schema) -> Table:
    return Table(schema.version_table, MetaData(), Column("version_num", Text, primary_key=True))
