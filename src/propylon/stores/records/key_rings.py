"""What a key has beside its row: its further tokens, and when each of its generations was last used.

Each function is one part of its caller's transaction. Last use is no change of a key: it has no revision.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import BigInteger, Double, bindparam, delete, exists, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.records.pieces import pieces
from propylon.stores.records.tables import key_last_used, key_tokens, keys
from propylon.stores.records.upsert import upsert


class LastUse(NamedTuple):
    """A generation of a key that proved its holder, and the Unix time of one such use within the minute."""

    record_id: int
    generation: int
    at: float


_USES: Final = (bindparam("key", type_=key_last_used.c.record_id.type), bindparam("of", type_=BigInteger))
# Of keys that are gone nothing is kept: a line of usage may come after its key was removed.
_OF_A_KEY: Final = select(*_USES, bindparam("when", type_=Double)).where(
    exists(literal(1)).where(keys.c.record_id == bindparam("key"))
)


async def write_tokens(connection: AsyncConnection, record_id: int, tokens: Mapping[str, int]) -> None:
    """Afterwards these are the key's further tokens; other texts for its ID (generation 0) stay."""
    is_token = key_tokens.c.generation > 0
    await connection.execute(delete(key_tokens).where(key_tokens.c.record_id == record_id, is_token))
    if tokens:
        rows = [{"key_hash": one, "record_id": record_id, "generation": tokens[one]} for one in sorted(tokens)]
        await connection.execute(insert(key_tokens), rows)


async def remove_ring(connection: AsyncConnection, record_id: int) -> None:
    for table in (key_tokens, key_last_used):
        await connection.execute(delete(table).where(table.c.record_id == record_id))


async def save_last_used(connection: AsyncConnection, uses: Sequence[LastUse]) -> None:
    """The latest counts, whatever comes when and however often."""
    use = upsert(connection, key_last_used).from_select(LastUse._fields, _OF_A_KEY)
    save = use.on_conflict_do_update(
        index_elements=key_last_used.primary_key.columns,
        set_={"at": use.excluded.at},
        where=use.excluded.at > key_last_used.c.at,
    )
    for piece in pieces(uses):
        await connection.execute(save, [{"key": use.record_id, "of": use.generation, "when": use.at} for use in piece])


async def last_used(connection: AsyncConnection, record_ids: Sequence[int]) -> dict[tuple[int, int], float]:
    """By record id and generation; none of what was never used."""
    rows = await connection.execute(select(key_last_used).where(key_last_used.c.record_id.in_(record_ids)))
    return {(row.record_id, row.generation): row.at for row in rows}
