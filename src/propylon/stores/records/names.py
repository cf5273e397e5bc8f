"""Who an identity of usage is: looked up when it is shown, so a name given today stands on what was counted before.

Usage names callers by their record ("k17", "s…"), and is another database than this one on SQLite; so a page of
callers is looked up by its records, in pieces, and a search of people's words ends in records.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.model.document_reader import unwrap
from propylon.stores.records.tables import apis, identities, key_last_used, keys

PIECE: Final = 200  # records asked for at once
OWNERS: Final = ("owner", "tyk_developer_id")  # of a key's meta data, as people and as Tyk's portal write them
_LAST_CHARACTER: Final = "\U0010ffff"


class CallerName(NamedTuple):
    """What is known of a caller now."""

    record: str  # "" for those without a key
    kind: str  # "token" | "jwt_key" | "subject" | "none"
    exists: bool  # False: deleted, or forgotten
    alias: str = ""
    key_hash: str = ""
    key_id: str = ""  # only where it is no credential
    org_id: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    last_used: float = 0.0  # Unix time, to the minute; 0 = never, or not known


NO_KEY: Final = CallerName("", "none", exists=True)


async def names_of(connection: AsyncConnection, records: Iterable[str]) -> dict[str, CallerName]:
    """Each that was asked for has one."""
    asked = sorted(set(records))
    found = {"": NO_KEY}
    for start in range(0, len(asked), PIECE):
        piece = asked[start : start + PIECE]
        found |= await _keys(connection, [int(one[1:]) for one in piece if _is_key(one)])
        found |= await _subjects(connection, [one for one in piece if one.startswith("s")])
    return {one: found.get(one) or _gone(one) for one in asked}


async def callers_like(connection: AsyncConnection, words: str, org_id: str | None, limit: int) -> list[str]:
    """Records of keys and subjects whose alias or name begins so."""
    of_keys = and_(*_begins(keys.c.alias, words), *_of(keys.c.org_id, org_id))
    of_subjects = and_(*_begins(identities.c.subject, words), *_of(identities.c.org_id, org_id))
    rows = await connection.scalars(select(keys.c.record_id).where(of_keys).order_by(keys.c.alias).limit(limit))
    found = [f"k{record_id}" for record_id in rows]
    hashes = await connection.scalars(select(identities.c.key_hash).where(of_subjects).limit(limit))
    return [*found, *(f"s{one[:32]}" for one in hashes)][:limit]


async def records_of_hashes(connection: AsyncConnection, hashes: Collection[str], org_id: str | None) -> list[str]:
    """Of keys and subjects that are stored under these."""
    by_key = select(keys.c.record_id).where(keys.c.key_hash.in_(hashes), *_of(keys.c.org_id, org_id))
    by_subject = select(identities.c.key_hash).where(
        identities.c.key_hash.in_(hashes), *_of(identities.c.org_id, org_id)
    )
    found = [f"k{one}" for one in await connection.scalars(by_key)]
    return found + [f"s{one[:32]}" for one in await connection.scalars(by_subject)]


async def names_of_apis(connection: AsyncConnection, api_ids: Iterable[str]) -> dict[str, str]:
    """Of those that are there."""
    rows = await connection.execute(select(apis.c.id, apis.c.body).where(apis.c.id.in_(sorted(set(api_ids)))))
    return {row.id: str(unwrap(json.loads(row.body)).get("name") or row.id) for row in rows}


async def _keys(connection: AsyncConnection, record_ids: Sequence[int]) -> dict[str, CallerName]:
    if not record_ids:
        return {}
    last = select(func.max(key_last_used.c.at)).where(key_last_used.c.record_id == keys.c.record_id).scalar_subquery()
    columns: list[ColumnElement[Any]] = [
        keys.c[one] for one in ("record_id", "kind", "alias", "key_hash", "key_id", "org_id", "session")
    ]
    query: Select[Any] = select(*columns, last.label("last")).where(keys.c.record_id.in_(record_ids))
    rows = await connection.execute(query)
    return {f"k{row.record_id}": _key(row) for row in rows}


def _key(row: Row[Any]) -> CallerName:
    session = json.loads(row.session)
    meta_data = session.get("meta_data") or {}
    owner = next((str(meta_data[one]) for one in OWNERS if meta_data.get(one)), "")
    known = (row.alias or session.get("alias", ""), row.key_hash, row.key_id, row.org_id, owner)
    return CallerName(
        f"k{row.record_id}", row.kind or "token", True, *known, tuple(session.get("tags") or ()), row.last or 0.0
    )


async def _subjects(connection: AsyncConnection, records: Sequence[str]) -> dict[str, CallerName]:
    """A record is the beginning of its hash: one as good as never begins like another."""
    if not records:
        return {}
    starts = [one.removeprefix("s") for one in records]
    begins = or_(*(and_(identities.c.key_hash >= one, identities.c.key_hash < f"{one}g") for one in starts))
    columns = [identities.c[one] for one in ("key_hash", "name", "org_id", "last_seen_at")]
    return {
        f"s{row.key_hash[:32]}": CallerName(
            f"s{row.key_hash[:32]}", "subject", True, row.name, row.key_hash, "", row.org_id, last_used=row.last_seen_at
        )
        for row in await connection.execute(select(*columns).where(begins))
    }


def _gone(record: str) -> CallerName:
    return CallerName(record, "subject" if record.startswith("s") else "token", exists=False)


def _is_key(record: str) -> bool:
    return record[:1] == "k" and record[1:].isdecimal() and len(record) < 20


def _begins(column: ColumnElement[str], words: str) -> tuple[ColumnElement[bool], ...]:
    """As a range of the index, which LIKE is not on every engine."""
    return column >= words, column < words + _LAST_CHARACTER


def _of(column: ColumnElement[str], org_id: str | None) -> tuple[ColumnElement[bool], ...]:
    return () if org_id is None else (column == org_id,)
