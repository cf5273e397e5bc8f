"""The two ways into one PostgreSQL database through SQLAlchemy. Knows no table.

Writing has a single connection in each process, and all processes take turns by an advisory lock that a transaction has
from its beginning to its end: what is committed becomes visible before the lock is free, so the order of commits is
the order of turns (design §3.2). Each statement reads what is committed when it starts (READ COMMITTED), so nothing
read behind the lock is stale. Reading is in autocommit.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from propylon.stores.records.engines import BUSY_S, READERS_MAX, Engines
from propylon.stores.records.postgres import ERRORS, READ_ONLY, away, connect, milliseconds
from propylon.stores.records.records_url import POSTGRES

RECORDS_TURN: Final = 0x50524F50594C4F01  # numbers of advisory locks, of one database: "PROPYLO" and a count
USAGE_TURN: Final = 0x50524F50594C4F02  # counting never waits for a control write
PAUSE_S: Final = 5.0  # between two statements of a transaction: who stands still for longer loses the turn
REPORT_S: Final = 10.0  # for a statement that adds up usage; nothing waits for it but the person who asked

# An acknowledged write is on the disk, whatever the server's default is; a stricter one stays.
_DURABLE: Final = (
    "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'"
)
_TURN: Final = "SELECT pg_advisory_xact_lock($1)"


class Patience(NamedTuple):
    """Seconds: for a connection, and for a statement."""

    connect_s: float
    write_s: float
    read_s: float


def open_postgres(url: str, turn: int, patience: Patience) -> Engines:
    """Connects to nothing yet. `turn` names what writers wait for, up to BUSY_S."""
    connect_s, write_s, read_s = patience
    wait_s = BUSY_S + write_s

    async def to_write() -> Any:
        return await connect(
            url,
            "writes",
            timeout_s=connect_s,
            answer_s=write_s,
            default_transaction_isolation="read committed",
            statement_timeout=milliseconds(wait_s),
            lock_timeout=milliseconds(BUSY_S),
            idle_in_transaction_session_timeout=milliseconds(PAUSE_S),
        )

    async def to_read() -> Any:
        bound = milliseconds(read_s)
        return await connect(url, "reads", timeout_s=connect_s, answer_s=read_s, statement_timeout=bound, **READ_ONLY)

    writing = _engine(to_write, pool_size=1)
    event.listen(writing.sync_engine, "begin", lambda connection: _take_turn(connection, turn, wait_s))
    reading = _engine(to_read, pool_size=READERS_MAX, isolation_level="AUTOCOMMIT", skip_autocommit_rollback=True)
    return Engines(reading, writing)


def _engine(creator: Callable[[], Awaitable[Any]], **options: Any) -> AsyncEngine:
    engine = create_async_engine(
        POSTGRES, async_creator=creator, max_overflow=0, pool_timeout=BUSY_S, hide_parameters=True, **options
    )
    event.listen(engine.sync_engine, "checkout", _demand_open)
    event.listen(engine.sync_engine, "close", _end)
    event.listen(engine.sync_engine, "handle_error", _end_unanswered)
    return engine


def _demand_open(connection: Any, *_: object) -> None:
    """A connection that was lost in the pool is replaced; the driver knows it without asking the server."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _end(connection: Any, _: object) -> None:
    """Without a farewell, for which a server that stands still would be waited for."""
    connection.driver_connection.terminate()


def _end_unanswered(context: ExceptionContext) -> None:
    """SQLAlchemy takes a time-out for none of its errors, and would give back a connection that still waits."""
    error = context.original_exception
    if isinstance(error, OSError) and context.connection is not None:
        _driver(context.connection).terminate()
        context.is_disconnect = True
        raise away(error) from error


def _take_turn(connection: Connection, turn: int, wait_s: float) -> None:
    connection.exec_driver_sql(_DURABLE)  # the transaction has begun with it, and the next statement is part of it
    driver = _driver(connection)
    try:
        _adapted(connection).run_async(lambda _: driver.fetchval(_TURN, turn, timeout=wait_s))
    except ERRORS as error:
        driver.terminate()
        connection.invalidate(error)
        raise away(error) from error
    except asyncio.CancelledError as cancelled:
        driver.terminate()  # it waits no longer
        connection.invalidate(cancelled)
        raise


def _adapted(connection: Connection) -> Any:
    return connection.connection.dbapi_connection


def _driver(connection: Connection) -> Any:
    """The connection as asyncpg made it."""
    return connection.connection.driver_connection
