"""The request log as people read it: narrowed, in pages that do not shift, and followed as it grows."""

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, and_, literal, or_, select

from propylon.stores.records.engines import SQL_ERRORS
from propylon.stores.records.records import Records
from propylon.stores.records.usage_tables import request_log
from propylon.usage.line import LogEntry

PAGE_MAX: Final = 1_000
_FIELDS: Final = ("id", "org_id", *LogEntry._fields)
_LAST_CHARACTER: Final = "\U0010ffff"


class Entry(NamedTuple):
    """One exchange of the log; `log.one_in` says for how many it stands, itself included."""

    id: int  # rises as entries are added
    org_id: str  # "" of those that a version before has written
    log: LogEntry


class EntryFilter(NamedTuple):
    """None: whatever it is."""

    org_id: str | None = None
    api_id: str | None = None
    identities: tuple[str, ...] | None = None
    key_hash: str | None = None
    status: int | None = None
    reason: str | None = None
    trace: str | None = None
    method: str | None = None
    path_begins: str | None = None
    errors_only: bool = False
    since: float | None = None  # Unix time
    until: float | None = None


class Place(NamedTuple):
    """Where a page ended: the next begins with what is older, whatever has been added meanwhile."""

    at: float
    id: int


async def page_of_entries(
    records: Records, only: EntryFilter, *, before: Place | None = None, limit: int = 100
) -> list[Entry]:
    """Newest first, by time and then by id."""
    query = _select(only)
    if before is not None:
        same = and_(request_log.c.at == before.at, request_log.c.id < before.id)
        query = query.where(request_log.c.at <= before.at, or_(request_log.c.at < before.at, same))
    query = query.order_by(request_log.c.at.desc(), request_log.c.id.desc())
    return await _read(records, query.limit(min(limit, PAGE_MAX)))


async def entries_after(records: Records, only: EntryFilter, after: int, *, limit: int = 100) -> list[Entry]:
    """Those added since the entry with that id, oldest first: for whoever follows the log."""
    query = _select(only).where(request_log.c.id > after).order_by(request_log.c.id)
    return await _read(records, query.limit(min(limit, PAGE_MAX)))


async def entry_by_id(records: Records, org_id: str | None, number: int) -> tuple[Entry, dict[str, Any]] | None:
    """One, with its recording, {} when it has none; None where it is not there or another organisation's."""
    where = _narrowed(EntryFilter(org_id))
    query = select(*(request_log.c[name] for name in (*_FIELDS, "details"))).where(request_log.c.id == number, *where)
    with SQL_ERRORS:
        async with records.usage_reading_engine.connect() as connection:
            row = (await connection.execute(query)).first()
    if row is None:
        return None
    found, its_org_id, *rest, details = row
    return Entry(found, its_org_id, LogEntry._make(rest)), json.loads(details)


async def newest_id(records: Records) -> int:
    """Where following begins; 0 while the log is empty."""
    query = select(request_log.c.id).order_by(request_log.c.id.desc()).limit(1)
    with SQL_ERRORS:
        async with records.usage_reading_engine.connect() as connection:
            return await connection.scalar(query) or 0


def _select(only: EntryFilter) -> Select[Any]:
    return select(*(request_log.c[name] for name in _FIELDS)).where(*_narrowed(only))


def _narrowed(only: EntryFilter) -> Sequence[ColumnElement[bool]]:
    columns = request_log.c
    names = ("org_id", "api_id", "key_hash", "reason", "trace", "method")
    found = [columns[name] == value for name in names if (value := getattr(only, name)) is not None]
    if only.identities is not None:
        found.append(columns.identity.in_(only.identities))
    if only.status is not None:  # a number that the column could not hold is simply not there
        found.append(columns.status == literal(only.status, BigInteger))
    if only.path_begins is not None:
        found += [columns.path >= only.path_begins, columns.path < only.path_begins + _LAST_CHARACTER]
    if only.errors_only:
        found.append(or_(columns.status >= 400, columns.status == 0))
    if only.since is not None:
        found.append(columns.at >= only.since)
    if only.until is not None:
        found.append(columns.at <= only.until)
    return found


async def _read(records: Records, query: Select[Any]) -> list[Entry]:
    with SQL_ERRORS:
        async with records.usage_reading_engine.connect() as connection:
            rows = (await connection.execute(query)).all()
    return [Entry(number, org_id, LogEntry._make(rest)) for number, org_id, *rest in rows]
