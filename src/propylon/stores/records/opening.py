"""Opens the records: files made, schema brought up to date or demanded, root secret checked. Only control does.

SQLite in a file is brought up to date by whoever opens it. A PostgreSQL database belongs to a fleet whose nodes are of
two versions while one replaces the other, so it is altered when its operator says so: by `migrate`.

Every database is looked at and altered in one transaction, so two processes that start at once do not disturb each
other, and one that dies on the way leaves what it found.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.clock import Clock, SystemClock
from propylon.errors import StoreUnavailable
from propylon.stores.records.engines import SQL_ERRORS, Engines, open_engines, room_beside, sqlite_url
from propylon.stores.records.postgres import TIMEOUT_S, away
from propylon.stores.records.postgres_engines import RECORDS_TURN, REPORT_S, USAGE_TURN, Patience, open_postgres
from propylon.stores.records.records import Records
from propylon.stores.records.records_url import is_postgres, place_of
from propylon.stores.records.roots_in_use import settle
from propylon.stores.records.schema import (
    RECORDS_SCHEMA,
    USAGE_BESIDE_RECORDS,
    USAGE_SCHEMA,
    CannotOpen,
    Schema,
    bring_up_to_date,
    demand_current,
)
from propylon.stores.root_secrets import RootSecretMismatch, RootSecrets
from propylon.stores.sealing import RootSecret

USAGE_FILE: Final = "usage.db"
OLDEST_POSTGRES: Final = 15
MIGRATE_S: Final = 3_600.0  # for a step of a migration, which may index a large table


class _Database(NamedTuple):
    """The records or the usage of them, before they are looked at."""

    engines: Engines
    schema: Schema
    place: str  # as people know it


async def open_records(
    url: str,
    root_secret: RootSecret,
    *,
    other: RootSecret | None = None,
    usage_url: str | None = None,
    clock: Clock | None = None,
    migrate: bool = False,
    timeout_s: float = TIMEOUT_S,
) -> Records:
    """`other` is the root secret that only opens; `usage_url` is of SQLite.

    SQLite's usage stands in a file of its own, beside the records when nothing else is said. `migrate` and `timeout_s`,
    for every answer, are of PostgreSQL. Raises CannotOpen, RootSecretMismatch, StoreUnavailable.
    """
    records, usage = both = _databases(url, usage_url, timeout_s)
    look = bring_up_to_date if migrate or not is_postgres(url) else demand_current
    async with _closed_on_failure(url, both):
        async with records.engines.writing.begin() as connection:
            await _demand_fit(connection, records.place)
            await look(connection, records.schema, records.place)
            sealing = await settle(connection, RootSecrets(root_secret, other), has_others=is_postgres(url))
        async with usage.engines.writing.begin() as connection:
            await look(connection, usage.schema, usage.place)
        for one in both:
            async with one.engines.reading.connect():
                pass  # SQLAlchemy asks the server about itself the first time, and does so here
    return Records(records.engines, usage.engines, sealing, clock or SystemClock())


async def migrate(url: str, *, usage_url: str | None = None, timeout_s: float = TIMEOUT_S) -> list[str]:
    """Brings the records to the newest schema; answers what was applied, a line each, none when they are current.

    Safe while nodes of the version before are running. `timeout_s` is for a connection to PostgreSQL; its tables may
    take longer. Raises CannotOpen, StoreUnavailable.
    """
    databases = _databases(url, usage_url, timeout_s, write_s=MIGRATE_S)
    applied: list[str] = []
    async with _closed_on_failure(url, databases):
        for one in databases:
            async with one.engines.writing.begin() as connection:
                await _demand_fit(connection, one.place)
                applied += await bring_up_to_date(connection, one.schema, one.place)
    for one in databases:
        await one.engines.dispose()
    return applied


def _databases(
    url: str, usage_url: str | None, timeout_s: float, *, write_s: float | None = None
) -> tuple[_Database, _Database]:
    if is_postgres(url):
        place = place_of(url)
        patience = Patience(timeout_s, write_s or timeout_s, timeout_s)
        records = open_postgres(url, RECORDS_TURN, patience)
        usage = open_postgres(url, USAGE_TURN, patience._replace(read_s=REPORT_S))
        return _Database(records, RECORDS_SCHEMA, place), _Database(usage, USAGE_BESIDE_RECORDS, place)
    beside = usage_url or sqlite_url(_file(url).with_name(USAGE_FILE))
    records, usage = open_engines(url, "FULL"), open_engines(beside, "NORMAL")
    return _Database(records, RECORDS_SCHEMA, str(_file(url))), _Database(usage, USAGE_SCHEMA, str(_file(beside)))


@asynccontextmanager
async def _closed_on_failure(url: str, databases: tuple[_Database, ...]) -> AsyncIterator[None]:
    try:
        with SQL_ERRORS:
            yield
    except (CannotOpen, RootSecretMismatch, StoreUnavailable, OSError) as why:
        for one in databases:
            await one.engines.dispose()
        if isinstance(why, OSError) and is_postgres(url):
            raise away(why) from why  # while SQLAlchemy asked the server about itself
        if isinstance(why, StoreUnavailable) and not is_postgres(url):
            raise StoreUnavailable(f"{why.detail}; {room_beside(_file(url))}") from why
        raise


async def _demand_fit(connection: AsyncConnection, place: str) -> None:
    """That a PostgreSQL database can hold what we write, in a way that was tried."""
    if connection.dialect.name != "postgresql":
        return
    asked = "SELECT current_setting('server_version_num'), current_setting('server_encoding')"
    version, encoding = (await connection.execute(text(asked))).one()
    if int(version) < OLDEST_POSTGRES * 10_000:
        raise CannotOpen(f"{place} is PostgreSQL {int(version) // 10_000}; use {OLDEST_POSTGRES} or newer")
    if encoding != "UTF8":
        raise CannotOpen(f"{place} has the encoding {encoding}; make a database with ENCODING 'UTF8'")


def _file(url: str) -> Path:
    return Path(make_url(url).database or "")
