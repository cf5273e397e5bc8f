"""Brings a database to the newest schema. Knows which it has; how an older one is altered is `migrations/`.

A fresh database is made from `tables.py` and stamped, and one that is current is left alone: neither loads Alembic,
which takes 0.4 s. A test holds that tables and migrations lead to the same place.
"""

import importlib
from typing import Final, NamedTuple

from sqlalchemy import Column, Connection, MetaData, Table, Text, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.records.tables import NEWEST_SCHEMA, RECORDS, USAGE, VERSION_TABLE


class CannotOpen(Exception):
    """Why the records may not be used as they are, with the remedy; the process ends with exit code 2."""


class Schema(NamedTuple):
    name: str  # of the folder of its migrations
    metadata: MetaData


RECORDS_SCHEMA: Final = Schema("records", RECORDS)
USAGE_SCHEMA: Final = Schema("usage", USAGE)
_version: Final = Table(VERSION_TABLE, MetaData(), Column("version_num", Text, primary_key=True))


async def bring_up_to_date(connection: AsyncConnection, schema: Schema) -> None:
    """Within the caller's transaction: all of it happens, or none. CannotOpen when the database is not one of ours."""
    await connection.run_sync(_bring_up_to_date, schema)


async def schema_is_current(connection: AsyncConnection) -> bool:
    return await connection.run_sync(_version_of) == NEWEST_SCHEMA


def _bring_up_to_date(connection: Connection, schema: Schema) -> None:
    version = _version_of(connection)
    if version == NEWEST_SCHEMA:
        return
    if version > NEWEST_SCHEMA:
        text = "was made by a newer version; install that one, or restore a backup made with this one"
        raise CannotOpen(f"{connection.engine.url.database} {text}")
    if version:
        importlib.import_module("propylon.stores.records.migrations.upgrade").upgrade(connection, schema)
    elif inspect(connection).get_table_names():
        raise CannotOpen(f"{connection.engine.url.database} holds tables that are not ours; choose another file")
    else:
        _make(connection, schema)


def _version_of(connection: Connection) -> str:
    """ "" when it was never stamped."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return ""
    return connection.scalar(select(_version.c.version_num)) or ""


def _make(connection: Connection, schema: Schema) -> None:
    schema.metadata.create_all(connection, checkfirst=False)
    _version.create(connection)
    connection.execute(_version.insert().values(version_num=NEWEST_SCHEMA))
