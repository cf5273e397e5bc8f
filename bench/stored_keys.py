"""Many keys in the records of a gateway that is stopped: copies of one that its Gateway API wrote."""

import asyncio
import itertools
from collections.abc import Callable, Iterable

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import create_async_engine

from propylon.stores.records.tables import key_uses, keys

PATTERN = "pattern"  # alias of the key that is copied
AT_ONCE = 20_000


def stored_name(number: int) -> str:
    return f"stored-{number}"


def store_keys(records_url: str, number: int, key_hash: Callable[[str, str], str]) -> None:
    """`stored_name(0)` and on, of the pattern's organisation. `key_hash` as the gateway's own."""
    asyncio.run(_store(records_url, number, key_hash))


async def _store(records_url: str, number: int, key_hash: Callable[[str, str], str]) -> None:
    engine = create_async_engine(records_url)
    async with engine.begin() as connection:
        pattern = (await connection.execute(select(keys).where(keys.c.alias == PATTERN))).one()
        query = select(key_uses.c.name).where(key_uses.c.record_id == pattern.record_id)
        uses = [row.name for row in await connection.execute(query)]
        for some in _slices(range(number)):
            rows = [
                pattern._asdict()
                | {
                    "alias": "",
                    "key_hash": key_hash(pattern.org_id, stored_name(at)),
                    "record_id": pattern.record_id + 1 + at,
                }
                for at in some
            ]
            await connection.execute(insert(keys), rows)
            used = [{"name": name, "record_id": row["record_id"]} for row in rows for name in uses]
            await connection.execute(insert(key_uses), used)
    await engine.dispose()


def _slices(numbers: Iterable[int]) -> Iterable[list[int]]:
    rest = iter(numbers)
    while some := list(itertools.islice(rest, AT_ONCE)):
        yield some
