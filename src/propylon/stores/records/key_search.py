"""Keys found by what people know of them beside their ID."""

from sqlalchemy import select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.ports import KeyRow
from propylon.stores.records.keys import find_key
from propylon.stores.records.tables import apis, keys, policies


async def key_of_record(connection: AsyncConnection, record_id: int) -> KeyRow | None:
    key_hash = await connection.scalar(select(keys.c.key_hash).where(keys.c.record_id == record_id))
    return None if key_hash is None else await find_key(connection, key_hash)


async def organisations(connection: AsyncConnection) -> list[str]:
    """Those that an API or a policy names: an ID has a hash of its own in each."""
    named = union(select(apis.c.org_id), select(policies.c.org_id))
    return sorted((await connection.scalars(named)).all())
