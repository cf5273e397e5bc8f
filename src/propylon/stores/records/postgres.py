"""Connections to PostgreSQL, for whoever reads or writes records: made in time, and to the primary alone.

Workers load it: nothing here knows SQLAlchemy. `records_url` is read as libpq reads a URL (`?sslmode=verify-full`), and
what it leaves out is taken from PGPASSWORD, PGPASSFILE and the like.
"""

from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]  # has no stubs

from propylon.errors import StoreUnavailable
from propylon.stores.records.records_url import POSTGRES, place_of

TIMEOUT_S: Final = 2.0  # for a connection, and for the answer to a statement, where nothing else is said
ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)

READ_ONLY: Final = {"default_transaction_read_only": "on"}

Connection = Any  # asyncpg.Connection

# The server notices within 20 s that a client's machine is gone, and gives its locks to others.
_KEEPALIVE: Final = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}


async def connect(
    records_url: str, title: str, *, timeout_s: float, answer_s: float, **server_settings: str
) -> Connection:
    """Within `timeout_s`; `answer_s` holds for every statement. Of several hosts, the one that is no standby.

    `title` is what the server shows. Raises StoreUnavailable.
    """
    place = place_of(records_url)
    try:
        return await asyncpg.connect(
            f"postgresql://{records_url.removeprefix(POSTGRES)}",
            timeout=timeout_s,
            command_timeout=answer_s,
            target_session_attrs="primary",
            max_cached_statement_lifetime=0,  # a prepared statement is good for as long as its connection
            server_settings={"application_name": f"propylon {title}", **_KEEPALIVE, **server_settings},
        )
    except asyncpg.TargetServerAttributeNotMatched as error:
        raise StoreUnavailable(f"records: {place} is a standby (pg_is_in_recovery); name the primary") from error
    except ERRORS as error:
        raise StoreUnavailable(f"records: {place}: {_text(error)}") from error


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
