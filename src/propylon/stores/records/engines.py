"""The two ways into one SQL database, and what its errors mean. Knows no table. PostgreSQL's are `postgres_engines.py`.

Writing has a single connection, so that writers of this process wait in line, and takes SQLite's write lock when its
transaction begins (BEGIN IMMEDIATE): no transaction finds out at its first write that it has read what is no longer so.
Reading is in autocommit: each statement sees what is committed when it starts, and holds no lock afterwards.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from tempfile import mkstemp
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import URL, Connection, FromClause, event, make_url
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError, TimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from propylon.errors import StoreUnavailable
from propylon.stores.records.writes import Unstorable

BUSY_S: Final = 10.0  # for the write lock: longer than any transaction of ours, shorter than a caller's patience
READERS_MAX: Final = 4  # connections; each has a thread of its own
# Of pages, and as much for sorting: with SQLite's 2,000 what a page of callers adds up goes through temporary files,
# and waits for a disk that is busy.
READING_KIB: Final = 16_384
WAL_KEPT_BYTES: Final = 64 * 1024**2  # of the WAL file after a bulk import

_BUGS: Final = (IntegrityError, ProgrammingError, DataError, NotSupportedError)
# SQLSTATEs of PostgreSQL: data, integrity, a statement after one that failed, SQL that is wrong. What is not there (a
# table, a right, room on the disk) is its operator's to mend.
_BUG_STATES: Final = ("22", "23", "25P02", "42601", "42804", "42883")
_UNSTORABLE: Final = {
    "22021": "a text holds a NUL character, which PostgreSQL cannot store; leave it out",
    "54000": "a name or an alias is longer than PostgreSQL can index (2,600 bytes); shorten it",
}

Connect = Callable[[], AbstractAsyncContextManager[AsyncConnection]]  # for one piece of work
Synchronous = Literal["FULL", "NORMAL"]  # FULL: a commit survives a power cut; NORMAL: only the death of the process


class Engines(NamedTuple):
    """Of one database and one process, opened after the fork."""

    reading: AsyncEngine
    writing: AsyncEngine

    async def dispose(self) -> None:
        await self.reading.dispose()
        await self.writing.dispose()


class _SqlErrors:
    """The one mapping from SQLAlchemy's errors to ours, as a context. What only a bug can raise stays what it is."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, DBAPIError):
            _translate(error)
        if isinstance(error, TimeoutError):
            raise StoreUnavailable(f"records: no connection was free within {BUSY_S:.0f} s") from error


SQL_ERRORS: Final = _SqlErrors()


def _translate(error: DBAPIError) -> None:
    """Returns when it is a bug. PostgreSQL's driver tells by SQLSTATE, SQLite's by the class."""
    driver_error = error.orig.__cause__ if error.orig is not None else None
    state = getattr(driver_error, "sqlstate", None) or ""
    if why := _UNSTORABLE.get(state):
        raise Unstorable(why) from error
    by_class = isinstance(error, _BUGS) or isinstance(driver_error, ValueError)
    if not (state.startswith(_BUG_STATES) if state else by_class):
        raise StoreUnavailable(f"records: {error.orig}") from error


def sqlite_url(path: Path) -> str:
    return URL.create("sqlite+aiosqlite", database=str(path)).render_as_string()


def open_engines(url: str, synchronous: Synchronous) -> Engines:
    """A missing file is made; one that cannot be used is StoreUnavailable here, before any connection has a thread."""
    parsed = make_url(url)
    _prepare_file(Path(parsed.database or ""))
    writing = _engine(parsed, pool_size=1, pool_timeout=BUSY_S)
    _on_connect(writing, lambda connection: _prepare_writing(connection, synchronous))
    event.listen(writing.sync_engine, "begin", _begin_immediate)
    reading = _engine(
        parsed, pool_size=READERS_MAX, pool_timeout=BUSY_S, isolation_level="AUTOCOMMIT", skip_autocommit_rollback=True
    )
    _on_connect(reading, _prepare_reading)
    return Engines(reading, writing)


class _Compiler(SQLiteCompiler):
    """Puts hints (`Select.with_hint`) where SQLite has them, behind the table: INDEXED BY."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:
        return text


def _prepare_file(path: Path) -> None:
    try:
        if not path.exists():
            _make_file(path)
        _switch_to_wal(path)
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror}; {room_beside(path)}") from error
    except sqlite3.Error as error:
        raise StoreUnavailable(f"{path}: {error}; {room_beside(path)}") from error


def room_beside(path: Path) -> str:
    """For an error: a full disk shows itself under many names."""
    try:
        disk = os.statvfs(path.parent)
    except OSError as error:
        return f"{path.parent}: {error.strerror}"
    return f"the disk of {path.parent} has {disk.f_bavail * disk.f_frsize} bytes free"


def _make_file(path: Path) -> None:
    """For its owner alone (-wal and -shm get its mode), and in WAL mode from the moment that others can see it.

    Of two connections that switch a file to WAL at once, one fails without waiting.
    """
    descriptor, draft = mkstemp(dir=path.parent, prefix=".")
    os.close(descriptor)
    try:
        _switch_to_wal(Path(draft))
        os.link(draft, path)
    except FileExistsError:
        pass  # made by another process meanwhile
    finally:
        os.unlink(draft)


def _switch_to_wal(path: Path) -> None:
    """The file remembers it. A backup restored in another mode is switched too."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def _engine(url: URL, **options: Any) -> AsyncEngine:
    engine = create_async_engine(url, max_overflow=0, hide_parameters=True, connect_args={"timeout": BUSY_S}, **options)
    engine.sync_engine.dialect.statement_compiler = _Compiler
    return engine


def _on_connect(engine: AsyncEngine, prepare: Callable[[Any], None]) -> None:
    event.listen(engine.sync_engine, "connect", lambda connection, _: prepare(connection))


def _prepare_reading(connection: Any) -> None:
    _execute(connection, "PRAGMA query_only=ON")
    _execute(connection, f"PRAGMA cache_size=-{READING_KIB}")


def _prepare_writing(connection: Any, synchronous: Synchronous) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own
    _execute(connection, f"PRAGMA synchronous={synchronous}")
    _execute(connection, f"PRAGMA journal_size_limit={WAL_KEPT_BYTES}")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _execute(connection: Any, statement: str) -> None:
    cursor = connection.cursor()
    cursor.execute(statement)
    cursor.close()
