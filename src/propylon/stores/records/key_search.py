"""Keys found by what people know of them beside their ID."""

from collections.abc import Collection

from sqlalchemy import func, select, union
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
    """Keys that refer to any of these, each once; counted no further than `limit`."""
    found = select(keys.c.record_id).join(key_uses, key_uses.c.record_id == keys.c.record_id).distinct()
    found = found.where(key_uses.c.name.in_(names), keys.c.org_id == org_id)
    if kind is not None:
        found = found.where(keys.c.kind == kind)
    return await connection.scalar(select(func.count()).select_from(found.limit(limit).subquery())) or 0
