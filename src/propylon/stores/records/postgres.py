"""Connections to PostgreSQL, for whoever reads or writes records: made in time, and to the primary alone.

Workers load it: nothing here knows SQLAlchemy. `records_url` is read as libpq reads a URL (`?sslmode=verify-full`), and
what it leaves out is taken from PGPASSWORD, PGPASSFILE and the like.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]  # has no stubs

from propylon.errors import StoreUnavailable
from propylon.stores.records.records_url import POSTGRES, each_host, place_of
from propylon.tasks import spawn

TIMEOUT_S: Final = 2.0  # for a connection, and for the answer to a statement, where nothing else is said
ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)

READ_ONLY: Final = {"default_transaction_read_only": "on"}

Connection = Any  # asyncpg.Connection

_SETTINGS: Final = {
    # The server notices within 20 s that a client's machine is gone, and gives its locks to others.
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    # Compiling what adds up a page of callers took 93 ms of 406, each time.
    "jit": "off",
}


async def connect(
    records_url: str, title: str, *, timeout_s: float, answer_s: float, **server_settings: str
) -> Connection:
    """Within `timeout_s`; `answer_s` holds for every statement. `title` is what the server shows.

    All hosts of the URL are tried at once: one that is silent does not keep us from the one that is the primary now.
    Raises StoreUnavailable.
    """
    options = {
        "timeout": timeout_s,
        "command_timeout": answer_s,
        "target_session_attrs": "primary",
        "max_cached_statement_lifetime": 0,  # a prepared statement is good for as long as its connection
        "server_settings": {"application_name": f"propylon {title}", **_SETTINGS, **server_settings},
    }
    urls = each_host(records_url)
    outcome = await (_attempt(urls[0], options) if len(urls) == 1 else _first(urls, options))
    if isinstance(outcome, StoreUnavailable):
        raise outcome
    return outcome


async def _attempt(url: str, options: Mapping[str, Any]) -> Connection | StoreUnavailable:
    place = place_of(url)
    try:
        return await asyncpg.connect(f"postgresql://{url.removeprefix(POSTGRES)}", **options)
    except asyncpg.TargetServerAttributeNotMatched:
        return StoreUnavailable(f"records: {place} is a standby (pg_is_in_recovery); name the primary")
    except ERRORS as error:
        return StoreUnavailable(f"records: {place}: {_text(error)}")


async def _first(urls: Sequence[str], options: Mapping[str, Any]) -> Connection | StoreUnavailable:
    """The first of several attempts that leads to a primary, or why none does."""
    waiting = {spawn(_attempt(url, options), "connect") for url in urls}
    failures: list[str] = []
    try:
        while waiting:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            one = done.pop()
            waiting.remove(one)
            outcome = one.result()
            if not isinstance(outcome, StoreUnavailable):
                return outcome
            failures.append(outcome.detail)
        return StoreUnavailable("; ".join(failures))
    finally:
        for late in waiting:
            late.cancel()
            late.add_done_callback(_end_late)


def _end_late(attempt: "asyncio.Task[Connection | StoreUnavailable]") -> None:
    if attempt.cancelled():
        return
    outcome = attempt.result()
    if not isinstance(outcome, StoreUnavailable):
        outcome.terminate()


def away(error: BaseException) -> StoreUnavailable:
    """What one of ERRORS means, on a connection that there was."""
    return StoreUnavailable(f"records: {_text(error)}")


def _text(error: BaseException) -> str:
    """Without the lines of detail, which may hold values of a row."""
    if isinstance(error, TimeoutError):
        return "PostgreSQL did not answer in time"
    if isinstance(error, FileNotFoundError):
        return "the socket, or a file that sslrootcert, sslcert or sslkey names, is not there"
    if isinstance(error, asyncpg.LockNotAvailableError):
        return f"{error.args[0]}: somebody else has been writing all the time"
    return str(error.args[0]) if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError) else str(error)


def milliseconds(seconds: float) -> str:
    """As the server's settings have it."""
    return str(max(1, round(seconds * 1000)))  # 0 would be no limit
