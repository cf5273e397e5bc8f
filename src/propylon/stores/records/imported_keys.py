"""Keys that came from another gateway with a hash in the place of their ID: until their first good use names it.

Such a key stands in `keys` under a hash that nothing has. Pinned, it stands under ours for its organisation and ID, and
the other texts that the other gateway took for it are further ways to it (`key_tokens`, generation 0: no generation of
its own). Who may pin is decided elsewhere, within the transaction: of two IDs with one legacy hash the first gets it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.model.tyk_hashes import LegacyHash
from propylon.stores.ports import KeyRow
from propylon.stores.records.audit import Entry
from propylon.stores.records.key_search import key_of_record
from propylon.stores.records.keys import find_key
from propylon.stores.records.tables import key_tokens, keys, legacy_hashes

ASKED_MAX: Final = 300  # legacy hashes in one statement
SPELLING: Final = 0  # the generation of what is another text for the same ID


class ImportRow(NamedTuple):
    """A legacy hash and the key it stands for."""

    org_id: str
    legacy: LegacyHash
    record_id: int
    pinned_key_hash: str  # "" until pinned


class Pin(NamedTuple):
    """The ID of an imported key, as hashes of ours."""

    key_hash: str
    key_id: str  # in clear only if it is no credential
    spellings: Sequence[str]  # hashes of the other texts for it


class IdTaken(Exception):
    """Another key has that ID already."""


class ImportEdit:
    """The part of an `Edit` that imports and pins."""

    def __init__(
        self, connection: AsyncConnection, note: Callable[[str], None], audit: Callable[[Entry], None], at: float
    ) -> None:
        self._connection = connection
        self._note = note
        self._audit = audit
        self._at = at

    async def find(self, org_id: str, legacies: Sequence[LegacyHash]) -> list[ImportRow]:
        return await find_imports(self._connection, org_id, legacies)

    async def key(self, record_id: int) -> KeyRow | None:
        return await key_of_record(self._connection, record_id)

    async def add(self, org_id: str, legacy: LegacyHash, record_id: int) -> None:
        values = {"org_id": org_id, "algorithm": legacy.algorithm, "hash": legacy.digest, "record_id": record_id}
        await self._connection.execute(insert(legacy_hashes).values(**values, at=self._at))
        self._note(f"legacy:{org_id}")
        self._audit(Entry("import", f"legacy:{legacy.algorithm}:{legacy.digest}", org_id))

    async def pin(self, row: ImportRow, pin: Pin) -> None:
        """The key is found under its ID from now on. Raises IdTaken."""
        before = await key_of_record(self._connection, row.record_id)
        assert before is not None, "what was imported goes with its key"
        if await find_key(self._connection, pin.key_hash) is not None:
            raise IdTaken
        values = {"key_hash": pin.key_hash, "key_id": pin.key_id}
        await self._connection.execute(update(keys).where(keys.c.record_id == row.record_id).values(**values))
        for one in pin.spellings:
            if await find_key(self._connection, one) is None:  # a key of ours may have that very ID
                spelled = {"key_hash": one, "record_id": row.record_id, "generation": SPELLING}
                await self._connection.execute(insert(key_tokens).values(**spelled))
        where = [legacy_hashes.c.org_id == row.org_id, legacy_hashes.c.record_id == row.record_id]
        await self._connection.execute(update(legacy_hashes).where(*where).values(pinned_key_hash=pin.key_hash))
        for name in (before.key_hash, pin.key_hash, *pin.spellings):
            self._note(f"key:{name}")
        # What the key stood under before is named by the entry that made it; both have the same legacy hash.
        for name in (f"legacy:{row.legacy.algorithm}:{row.legacy.digest}", f"key:{pin.key_hash}"):
            self._audit(Entry("pin", name, row.org_id, fields=("key_hash",)))
        if not await _has_unpinned(self._connection, row.org_id):
            self._note(f"legacy:{row.org_id}")


async def find_imports(connection: AsyncConnection, org_id: str, legacies: Sequence[LegacyHash]) -> list[ImportRow]:
    """Those of an organisation under any of these hashes, pinned or not."""
    found: list[ImportRow] = []
    for first in range(0, len(legacies), ASKED_MAX):
        asked = or_(*(_is(legacy) for legacy in legacies[first : first + ASKED_MAX]))
        rows = await connection.execute(select(legacy_hashes).where(legacy_hashes.c.org_id == org_id, asked))
        found += [_import_row(row) for row in rows]
    return found


async def count_imports(connection: AsyncConnection, org_id: str | None) -> dict[str, tuple[int, int]]:
    """By algorithm: how many keys, and how many of them are not pinned."""
    is_unpinned = legacy_hashes.c.pinned_key_hash == ""
    query = select(legacy_hashes.c.algorithm, func.count(), func.count().filter(is_unpinned))
    if org_id is not None:
        query = query.where(legacy_hashes.c.org_id == org_id)
    rows = await connection.execute(query.group_by(legacy_hashes.c.algorithm))
    return {algorithm: (known, unpinned) for algorithm, known, unpinned in rows}


async def spellings_of(connection: AsyncConnection, record_id: int) -> Sequence[str]:
    """Hashes of other texts for the ID of an imported key."""
    where = [key_tokens.c.record_id == record_id, key_tokens.c.generation == SPELLING]
    return (await connection.scalars(select(key_tokens.c.key_hash).where(*where))).all()


async def forget_import(connection: AsyncConnection, record_id: int) -> None:
    await connection.execute(delete(legacy_hashes).where(legacy_hashes.c.record_id == record_id))


async def _has_unpinned(connection: AsyncConnection, org_id: str) -> bool:
    where = [legacy_hashes.c.org_id == org_id, legacy_hashes.c.pinned_key_hash == ""]
    return await connection.scalar(select(legacy_hashes.c.record_id).where(*where).limit(1)) is not None


def _is(legacy: LegacyHash) -> Any:
    return and_(legacy_hashes.c.algorithm == legacy.algorithm, legacy_hashes.c.hash == legacy.digest)


def _import_row(row: Any) -> ImportRow:
    return ImportRow(row.org_id, LegacyHash(row.algorithm, row.hash), row.record_id, row.pinned_key_hash)
