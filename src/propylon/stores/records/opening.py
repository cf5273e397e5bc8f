"""Opens the records: files made, schema brought up to date, root secret checked. Only the control process does.

Every database is looked at and altered in one transaction, so two processes that start at once do not disturb each
other, and one that dies on the way leaves what it found.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import insert, make_url, select
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.clock import Clock, SystemClock
from propylon.errors import StoreUnavailable
from propylon.stores.records.engines import SQL_ERRORS, Engines, open_engines, room_beside, sqlite_url
from propylon.stores.records.records import Records
from propylon.stores.records.schema import RECORDS_SCHEMA, USAGE_SCHEMA, CannotOpen, bring_up_to_date
from propylon.stores.records.tables import settings_check
from propylon.stores.sealing import RootSecret

USAGE_FILE: Final = "usage.db"
_PLACE: Final = "settings_check"
_PLAIN: Final = "made with this root secret"


class RootSecretMismatch(CannotOpen):
    """The records were made with another root secret: no key would be found and no secret would open."""

    def __init__(self, given: str, stored: str) -> None:
        text = f"the root secret {given} is not {stored}, which the records were made with"
        super().__init__(f"{text}; set root_secret, or restore its file, as it was")


async def open_records(
    url: str, root_secret: RootSecret, *, usage_url: str | None = None, clock: Clock | None = None
) -> Records:
    """Usage stands beside the records in a file of its own. Raises CannotOpen, RootSecretMismatch, StoreUnavailable."""
    records = open_engines(url, "FULL")
    usage = open_engines(usage_url or _beside(url), "NORMAL")
    try:
        with SQL_ERRORS:
            await _prepare(records, usage, root_secret)
    except (CannotOpen, StoreUnavailable) as why:
        await records.dispose()
        await usage.dispose()
        if isinstance(why, StoreUnavailable):
            raise StoreUnavailable(f"{why.detail}; {room_beside(_file(url))}") from why
        raise
    return Records(records, usage, root_secret, clock or SystemClock())


async def _prepare(records: Engines, usage: Engines, root_secret: RootSecret) -> None:
    async with records.writing.begin() as connection:
        await bring_up_to_date(connection, RECORDS_SCHEMA)
        await _check_root_secret(connection, root_secret)
    async with usage.writing.begin() as connection:
        await bring_up_to_date(connection, USAGE_SCHEMA)


async def _check_root_secret(connection: AsyncConnection, root_secret: RootSecret) -> None:
    row = (await connection.execute(select(settings_check))).one_or_none()
    if row is None:
        values = {"fingerprint": root_secret.fingerprint, "sealed": root_secret.seal(_PLAIN, _PLACE)}
        await connection.execute(insert(settings_check).values(**values))
    elif row.fingerprint != root_secret.fingerprint:
        raise RootSecretMismatch(root_secret.fingerprint, row.fingerprint)
    else:
        root_secret.unseal(row.sealed, _PLACE)


def _beside(url: str) -> str:
    return sqlite_url(_file(url).with_name(USAGE_FILE))


def _file(url: str) -> Path:
    return Path(make_url(url).database or "")
