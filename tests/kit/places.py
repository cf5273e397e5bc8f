"""Where records may be: a folder with SQLite, or a database of PostgreSQL. Tests of the records run in both."""

import asyncio
import functools
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from propylon.stores.ports import Lookups
from propylon.stores.records.engines import sqlite_url
from propylon.stores.records.lookups import SqliteLookups
from propylon.stores.records.opening import migrate, open_records
from propylon.stores.records.postgres_lookups import PostgresLookups
from propylon.stores.records.records import Records
from propylon.stores.sealing import RootSecret
from tests.kit.clock import FakeClock
from tests.kit.postgres import PostgresServer, shared_server
from tests.kit.records import ROOT_SECRET
from tests.kit.waiting import SAFETY_S

Result = TypeVar("Result")


class Place(Protocol):
    """One set of records, that may be opened any number of times."""

    url: str

    def lookups(self) -> Lookups: ...

    def sql(self, statement: str) -> str:
        """Past the records: a line a row, `|` between values."""
        ...


class SqlitePlace:
    def __init__(self, folder: Path, name: str = "records.db") -> None:
        self.path = folder / name
        self.url = sqlite_url(self.path)

    def beside(self, name: str) -> "SqlitePlace":
        return SqlitePlace(self.path.parent, name)

    def lookups(self) -> Lookups:
        return SqliteLookups(self.path)

    def sql(self, statement: str) -> str:
        return "\n".join("|".join(map(str, row)) for row in self.query(statement))

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(statement).fetchall()


class PostgresPlace:
    def __init__(self, server: PostgresServer, database: str) -> None:
        self.server = server
        self.database = database
        self.url = server.url(database)

    def lookups(self) -> Lookups:
        return PostgresLookups(self.url, timeout_s=SAFETY_S)

    def sql(self, statement: str) -> str:
        return self.server.sql(self.database, statement)


def postgres_place(server: PostgresServer) -> PostgresPlace:
    """With the newest schema, and nothing in it."""
    return PostgresPlace(server, server.new_database(_template(server)))


@functools.cache
def _template(server: PostgresServer) -> str:
    name = server.new_database()
    asyncio.run(migrate(server.url(name)))
    return name


ENGINES = ("sqlite", "postgres")


@contextmanager
def fresh_place(engine: str, folder: Path, *, is_bare: bool = False) -> Iterator[Place]:
    """On one of ENGINES; `folder` is for SQLite. `is_bare`: without tables, which SQLite is in any case."""
    if engine == "sqlite":
        yield SqlitePlace(folder)
        return
    server = shared_server()
    there = PostgresPlace(server, server.new_database()) if is_bare else postgres_place(server)
    yield there
    server.drop_database(there.database)


@pytest.fixture(params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Fresh, on each engine."""
    with fresh_place(request.param, tmp_path) as there:
        yield there


@pytest.fixture(params=ENGINES)
def bare_place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """The same, without tables."""
    with fresh_place(request.param, tmp_path, is_bare=True) as there:
        yield there


@asynccontextmanager
async def records_at(place: Place, root_secret: RootSecret = ROOT_SECRET, **options: Any) -> AsyncIterator[Records]:
    """`options`: of `open_records`. A slow hour of the machine is no outage, unless the test says a time itself."""
    records = await open_records(place.url, root_secret, clock=FakeClock(), **{"timeout_s": SAFETY_S, **options})
    try:
        yield records
    finally:
        await records.close()


def with_records(place: Place, work: Callable[[Records], Awaitable[Result]]) -> Result:
    """Runs a test's coroutine function on records that are opened before and closed after it."""

    async def run() -> Result:
        async with records_at(place) as records:
            return await work(records)

    return asyncio.run(run())


def with_lookups(place: Place, work: Callable[[Records, Lookups], Awaitable[None]]) -> None:
    """The same, with a worker's view of them beside."""

    async def run() -> None:
        async with records_at(place) as records:
            lookups = place.lookups()
            await work(records, lookups)
            await lookups.close()

    asyncio.run(run())
