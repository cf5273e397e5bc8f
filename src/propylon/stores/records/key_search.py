"""Keys found by what people know of them beside their ID."""

from collections.abc import Collection

from sqlalchemy import exists, func, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.ports import KeyRow
from propylon.stores.records.keys import find_key
from propylon.stores.records.tables import apis, key_uses, keys, policies


async def key_of_record(connection: AsyncConnection, record_id: int) -> KeyRow | None:
    key_hash = await connection.scalar(select(keys.c.key_hash).where(keys.c.record_id == record_id))
    return None if key_hash is None else await find_key(connection, key_hash)


async def organisations(connection: AsyncConnection) -> list[str]:
    """Those that an API or a policy names: an ID has a hash of its own in each."""
    named = union(select(apis.c.org_id), select(policies.c.org_id))
    return sorted((await connection.scalars(named)).all())


async def count_uses(
    connection: AsyncConnection, names: Collection[str], org_id: str, kind: str | None, limit: int
) -> int:
    """Keys that refer to any of these, each once; counted no further than `limit`.

    With a join SQLite would look at all keys of the organisation.
    """
    key = exists().where(keys.c.record_id == key_uses.c.record_id, keys.c.org_id == org_id)
    if kind is not None:
        key = key.where(keys.c.kind == kind)
    found = select(key_uses.c.record_id).where(key_uses.c.name.in_(names), key).distinct()
    return await connection.scalar(select(func.count()).select_from(found.limit(limit).subquery())) or 0
