"""One transaction on the records: all of it is one revision of the change log, or nothing happened.

Made by `Records.change`, which commits it. What is read through an edit stands until it ends, since edits take turns;
so a write that depends on what was there reads it here.
"""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.ports import DefinitionRow, KeyRow
from propylon.stores.records.definitions import (
    APIS,
    POLICIES,
    Kind,
    all_definitions,
    are_same,
    as_row,
    find_definition,
    remove_definition,
    write_definition,
)
from propylon.stores.records.file_owned import choose
from propylon.stores.records.keys import add_key, change_key, etag_of_key, find_key, is_as_written, remove_key
from propylon.stores.records.writes import (
    API,
    FILE_PREFIX,
    DefinitionWrite,
    EtagMismatch,
    FileLoad,
    KeyWrite,
    OwnedByFile,
)
from propylon.stores.sealing import RootSecret

ANY_ETAG: Final = ""  # a write that does not ask what it replaces


class Edit:
    """Lives as long as its transaction. A write that changes nothing adds no name; without names, no revision."""

    def __init__(self, connection: AsyncConnection, root_secret: RootSecret, at: float) -> None:
        self.revision: int | None = None  # set at the commit; None for ever when nothing was changed
        self._connection = connection
        self._root_secret = root_secret
        self._at = at
        self._names: dict[str, None] = {}  # in order, each once

    @property
    def names(self) -> list[str]:
        return list(self._names)

    # -- keys -----------------------------------------------------------------------------------------------------

    async def key(self, key_hash: str) -> KeyRow | None:
        return await find_key(self._connection, key_hash)

    async def put_key(self, write: KeyWrite, *, if_match: str = ANY_ETAG) -> KeyRow:
        """Raises EtagMismatch."""
        before = await self._key_to_change(write.key_hash, if_match)
        if before is not None and is_as_written(self._root_secret, before, write):
            return before
        self._note(f"key:{write.key_hash}")
        if before is None:
            return await add_key(self._connection, self._root_secret, write, self._at)
        return await change_key(self._connection, self._root_secret, before, write, self._at)

    async def delete_key(self, key_hash: str, *, if_match: str = ANY_ETAG) -> KeyRow | None:
        """What was there, None when nothing was. Raises EtagMismatch."""
        before = await self._key_to_change(key_hash, if_match)
        if before is not None:
            self._note(f"key:{key_hash}")
            await remove_key(self._connection, before.record_id)
        return before

    async def _key_to_change(self, key_hash: str, if_match: str) -> KeyRow | None:
        before = await self.key(key_hash)
        if if_match != ANY_ETAG:
            _demand_etag(if_match, "" if before is None else etag_of_key(self._root_secret, before))
        return before

    # -- definitions ----------------------------------------------------------------------------------------------

    async def api(self, api_id: str) -> DefinitionRow | None:
        return await find_definition(self._connection, APIS, api_id)

    async def policy(self, policy_id: str, *, org_id: str | None = None) -> DefinitionRow | None:
        return await find_definition(self._connection, POLICIES, policy_id, org_id)

    async def put_api(self, write: DefinitionWrite, *, if_match: str = ANY_ETAG) -> DefinitionRow:
        """Raises OwnedByFile, EtagMismatch."""
        return await self._put(APIS, write, if_match)

    async def put_policy(self, write: DefinitionWrite, *, if_match: str = ANY_ETAG) -> DefinitionRow:
        """Raises OwnedByFile, EtagMismatch."""
        return await self._put(POLICIES, write, if_match)

    async def delete_api(self, api_id: str, *, if_match: str = ANY_ETAG) -> DefinitionRow | None:
        """What was there, None when nothing was. Raises OwnedByFile, EtagMismatch."""
        return await self._delete(APIS, await self.api(api_id), if_match)

    async def delete_policy(
        self, policy_id: str, *, org_id: str | None = None, if_match: str = ANY_ETAG
    ) -> DefinitionRow | None:
        """What was there, None when nothing was. Raises OwnedByFile, EtagMismatch."""
        return await self._delete(POLICIES, await self.policy(policy_id, org_id=org_id), if_match)

    async def replace_file_owned(
        self,
        apis: Sequence[DefinitionWrite],
        policies: Sequence[DefinitionWrite],
        *,
        kept_origins: Collection[str] = (),
    ) -> FileLoad:
        """Makes the file-owned records what the files say. `kept_origins`: files that are there and invalid."""
        load = FileLoad([], [], [])
        for kind, writes in ((APIS, apis), (POLICIES, policies)):
            assert all(write.origin.startswith(FILE_PREFIX) for write in writes)
            await self._replace(kind, writes, kept_origins, load)
        return load

    async def _replace(
        self, kind: Kind, found: Sequence[DefinitionWrite], kept_origins: Collection[str], load: FileLoad
    ) -> None:
        stored = await all_definitions(self._connection, kind)
        choice = choose(kind, stored, found, kept_origins)
        load.problems.extend(choice.problems)
        before = {kind.name(row): row for row in stored}
        for write in choice.written:
            name = kind.name(write)
            if await self._write(kind, before.get(name), as_row(self._root_secret, kind, write)):
                load.written.append(name)
        for row in choice.vanished:
            await self._remove(kind, row)
            load.removed.append(kind.name(row))

    async def _put(self, kind: Kind, write: DefinitionWrite, if_match: str) -> DefinitionRow:
        before = await find_definition(self._connection, kind, write.id, write.org_id)
        _demand_api_owned(before)
        if if_match != ANY_ETAG:
            _demand_etag(if_match, "" if before is None else before.etag)
        row = as_row(self._root_secret, kind, write)
        await self._write(kind, before, row)
        return row

    async def _delete(self, kind: Kind, before: DefinitionRow | None, if_match: str) -> DefinitionRow | None:
        _demand_api_owned(before)
        if if_match != ANY_ETAG:
            _demand_etag(if_match, "" if before is None else before.etag)
        if before is not None:
            await self._remove(kind, before)
        return before

    async def _write(self, kind: Kind, before: DefinitionRow | None, row: DefinitionRow) -> bool:
        if before is not None and are_same(before, row):
            return False
        self._note(kind.name(row))
        await write_definition(self._connection, kind, before, row, self._at)
        return True

    async def _remove(self, kind: Kind, row: DefinitionRow) -> None:
        self._note(kind.name(row))
        await remove_definition(self._connection, kind, row)

    def _note(self, name: str) -> None:
        self._names[name] = None


def _demand_api_owned(row: DefinitionRow | None) -> None:
    if row is not None and row.origin != API:
        raise OwnedByFile(row.origin.removeprefix(FILE_PREFIX))


def _demand_etag(wanted: str, current: str) -> None:
    if wanted != current:
        raise EtagMismatch(current)
