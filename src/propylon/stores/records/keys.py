"""Keys as rows: found, listed, written, removed. Each function is one part of its caller's transaction."""

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.model.key_ring import Ring, read_ring, retiring, ring_to_stored, tokens_of
from propylon.stores.ports import KeyRow
from propylon.stores.records.key_lists import add_tags, listed_columns, remove_tags, write_tags
from propylon.stores.records.key_rings import remove_ring, write_tokens
from propylon.stores.records.key_rows import SELECT_KEY, key_row
from propylon.stores.records.sealed import etag_of, key_place, seal_all, unseal_all
from propylon.stores.records.tables import key_tokens, key_uses, keys
from propylon.stores.records.writes import KeyWrite
from propylon.stores.sealing import Sealing

_SKIP_IDS: Final = {
    "sqlite": (
        "INSERT INTO sqlite_sequence (name, seq) SELECT 'keys', 0 "
        "WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'keys')",
        "UPDATE sqlite_sequence SET seq = max(seq, :upto) WHERE name = 'keys'",
    ),
    "postgresql": (
        "SELECT setval(ids::regclass, greatest(CAST(:upto AS bigint), nextval(ids::regclass))) "
        "FROM pg_get_serial_sequence('keys', 'record_id') AS ids",
    ),
}


async def find_key(connection: AsyncConnection, key_hash: str) -> KeyRow | None:
    """By its own hash, or by that of any of its tokens."""
    of_token = select(key_tokens.c.record_id).where(key_tokens.c.key_hash == key_hash).scalar_subquery()
    query = SELECT_KEY.where((keys.c.key_hash == key_hash) | (keys.c.record_id == of_token))
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else key_row(row)


async def page_of_retiring(connection: AsyncConnection, after: int, limit: int) -> list[KeyRow]:
    """Keys with generations on their way out; an index holds these alone."""
    query = SELECT_KEY.where(keys.c.retiring > 0, keys.c.record_id > after).order_by(keys.c.record_id).limit(limit)
    return [key_row(row) for row in await connection.execute(query)]


async def page_of_keys(
    connection: AsyncConnection, org_id: str | None, used: str | None, after: int, limit: int, offset: int = 0
) -> list[KeyRow]:
    """By record id, which an index of each way of asking ends in: beyond `after` each page costs the same.

    `used`: what they refer to, as the change log names it. What `offset` passes over is read in that index alone.
    """
    chosen, record_id = _chosen(org_id, used)
    some = chosen.where(record_id > after).order_by(record_id).limit(limit).offset(offset).subquery()
    query = SELECT_KEY.join(some, some.c.record_id == keys.c.record_id).order_by(keys.c.record_id)
    return [key_row(row) for row in await connection.execute(query)]


async def count_keys(connection: AsyncConnection, org_id: str | None, used: str | None) -> int:
    chosen, _ = _chosen(org_id, used)
    return await connection.scalar(select(func.count()).select_from(chosen.subquery())) or 0


def _chosen(org_id: str | None, used: str | None) -> tuple[Any, Any]:
    """The record ids of those keys, and the column that they are ordered by."""
    if used is None:
        query = select(keys.c.record_id)
        return (query if org_id is None else query.where(keys.c.org_id == org_id)), keys.c.record_id
    query = select(key_uses.c.record_id).where(key_uses.c.name == used)
    if org_id is not None:
        query = query.join(keys, keys.c.record_id == key_uses.c.record_id).where(keys.c.org_id == org_id)
    return query, key_uses.c.record_id


async def keys_with_alias(
    connection: AsyncConnection, alias: str, org_id: str | None, after: int, limit: int
) -> list[KeyRow]:
    """SQLite would walk all keys of the organisation, as their index has the order that is asked for, too."""
    query = SELECT_KEY.where(keys.c.alias == alias, keys.c.record_id > after)
    query = query.with_hint(keys, "INDEXED BY keys_by_alias", "sqlite")
    if org_id is not None:
        query = query.where(keys.c.org_id == org_id)
    return [key_row(row) for row in await connection.execute(query.order_by(keys.c.record_id).limit(limit))]


def secrets_of_key(sealing: Sealing, row: KeyRow) -> dict[str, str]:
    return unseal_all(sealing, key_place(row.record_id), row.secrets)


def etag_of_key(sealing: Sealing, row: KeyRow) -> str:
    ring = "" if row.ring == "[]" else row.ring
    return etag_of(sealing, row.session + ring, secrets_of_key(sealing, row))


def is_as_written(sealing: Sealing, row: KeyRow, write: KeyWrite) -> bool:
    """Whether a write would change nothing; alias, kind and uses follow from session and secrets."""
    stored = (row.session, secrets_of_key(sealing, row), row.key_id)
    is_same_ring = write.ring is None or write.ring == read_ring(row.ring)
    return stored == (write.session, dict(write.secrets), write.key_id) and is_same_ring and not write.reset_meters


async def skip_record_ids(connection: AsyncConnection, at: float) -> None:
    """The next record id is one that no key had: the microseconds of the clock, which no count of keys reaches.

    Records from a backup do not know which ids were given after it, and meters and usage go by these.
    """
    for statement in _SKIP_IDS[connection.dialect.name]:
        await connection.execute(text(statement), {"upto": int(at * 1e6)})


async def add_key(connection: AsyncConnection, sealing: Sealing, write: KeyWrite, at: float) -> KeyRow:
    identity = {"org_id": write.org_id, "key_hash": write.key_hash, "created_at": at}
    inserted = await connection.execute(insert(keys).values(**identity, **_columns(write, at)))
    assert inserted.inserted_primary_key is not None
    record_id: int = inserted.inserted_primary_key[0]
    sealed = seal_all(sealing, key_place(record_id), write.secrets)
    if sealed:
        await _update(connection, record_id, {"secrets": json.dumps(sealed)})
    await _add_uses(connection, record_id, write.uses)
    await add_tags(connection, [(record_id, write.org_id, write.session)])
    return _as_row(write, record_id, 0, sealed, "[]")


async def change_key(
    connection: AsyncConnection, sealing: Sealing, before: KeyRow, write: KeyWrite, at: float
) -> KeyRow:
    """Record id and generation outlive the change; only a reset moves the generation."""
    record_id = before.record_id
    generation = _fresh_generation(before, at) if write.reset_meters else before.generation
    sealed = seal_all(sealing, key_place(record_id), write.secrets)
    await _update(
        connection, record_id, _columns(write, at) | {"secrets": json.dumps(sealed), "generation": generation}
    )
    await _remove_uses(connection, record_id)
    await _add_uses(connection, record_id, write.uses)
    await write_tags(connection, record_id, write.org_id, write.session)
    row = _as_row(write, record_id, generation, sealed, before.ring)
    return row if write.ring is None else await _write_ring(connection, row, write.ring)


def _fresh_generation(before: KeyRow, at: float) -> int:
    """Rises with time, and not by one: records restored from a backup forget the resets since, the meters do not."""
    return max(before.generation + 1, int(at))


async def change_ring(
    connection: AsyncConnection, sealing: Sealing, row: KeyRow, secrets: Mapping[str, str], ring: Ring, at: float
) -> KeyRow:
    """`row` with its session as it shall be; all else of it stays."""
    sealed = seal_all(sealing, key_place(row.record_id), secrets)
    columns = {"session": row.session, "secrets": json.dumps(sealed), **listed_columns(row.session, at)}
    await _update(connection, row.record_id, columns)
    await write_tags(connection, row.record_id, row.org_id, row.session)
    return await _write_ring(connection, row._replace(secrets=sealed), ring)


async def _write_ring(connection: AsyncConnection, row: KeyRow, ring: Ring) -> KeyRow:
    stored = ring_to_stored(ring)
    await _update(connection, row.record_id, {"ring": stored, "retiring": retiring(ring)})
    await write_tokens(connection, row.record_id, tokens_of(ring, row.key_hash))
    return row._replace(ring=stored)


async def remove_key(connection: AsyncConnection, record_id: int) -> None:
    await _remove_uses(connection, record_id)
    await remove_ring(connection, record_id)
    await remove_tags(connection, record_id)
    await connection.execute(delete(keys).where(keys.c.record_id == record_id))


def _columns(write: KeyWrite, at: float) -> dict[str, Any]:
    written = {name: getattr(write, name) for name in ("session", "key_id", "alias", "kind")}
    return written | listed_columns(write.session, at)


async def _update(connection: AsyncConnection, record_id: int, columns: dict[str, Any]) -> None:
    await connection.execute(update(keys).where(keys.c.record_id == record_id).values(**columns))


async def _add_uses(connection: AsyncConnection, record_id: int, names: set[str]) -> None:
    if names:
        rows = [{"name": name, "record_id": record_id} for name in sorted(names)]
        await connection.execute(insert(key_uses), rows)


async def _remove_uses(connection: AsyncConnection, record_id: int) -> None:
    await connection.execute(delete(key_uses).where(key_uses.c.record_id == record_id))


def _as_row(write: KeyWrite, record_id: int, generation: int, sealed: dict[str, str], ring: str) -> KeyRow:
    return KeyRow(record_id, write.org_id, write.key_hash, write.key_id, generation, write.session, sealed, ring)
