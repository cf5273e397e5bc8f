"""One transaction on the records: all of it is one revision of the change log, or nothing happened.

Made by `Records.change`, which commits it. What is read through an edit stands until it ends, since edits take turns;
so a write that depends on what was there reads it here.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.model.key_ring import Ring, read_ring, ring_to_stored, tokens_of
from propylon.stores.ports import DefinitionRow, KeyRow
from propylon.stores.records.audit import Entry
from propylon.stores.records.audit_notes import Notes
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
from propylon.stores.records.idempotency import find_answer, keep_answer
from propylon.stores.records.identities import IdentityEdit
from propylon.stores.records.imported_keys import ImportEdit, forget_import, spellings_of
from propylon.stores.records.keys import (
    add_key,
    change_key,
    change_ring,
    etag_of_key,
    find_key,
    is_as_written,
    remove_key,
)
from propylon.stores.records.people_edit import PeopleEdit
from propylon.stores.records.revocations import RevocationEdit
from propylon.stores.records.roots_in_use import demand_in_use
from propylon.stores.records.writes import (
    API,
    FILE_PREFIX,
    Actor,
    DefinitionWrite,
    EtagMismatch,
    FileLoad,
    KeyWrite,
    OwnedByFile,
)
from propylon.stores.sealing import Sealing

ANY_ETAG: Final = ""  # a write that does not ask what it replaces


class Edit:
    """Lives as long as its transaction. A write that changes nothing adds no name; without names, no revision.

    Each write that changes something notes an entry of the audit log, so that no caller can forget it.
    """

    def __init__(self, connection: AsyncConnection, sealing: Sealing, at: float, by: Actor) -> None:
        self.revision: int | None = None  # set at the commit; None for ever when nothing was changed
        self._connection = connection
        self._sealing = sealing
        self._may_seal = False
        self._at = at
        self.by = by
        self._names: dict[str, None] = {}  # in order, each once
        self._audit = Notes(sealing)
        self.revocations = RevocationEdit(connection, self._note, self._audit.add, at)
        self.identities = IdentityEdit(connection, self._note, self._audit.add)
        self.imports = ImportEdit(connection, self._note, self._audit.add, at)
        self.people = PeopleEdit(connection, sealing, self._audit.add, at)

    @property
    def names(self) -> list[str]:
        return list(self._names)

    @property
    def entries(self) -> list[Entry]:
        """For the audit log."""
        return self._audit.entries

    # -- keys -----------------------------------------------------------------------------------------------------

    async def key(self, key_hash: str) -> KeyRow | None:
        return await find_key(self._connection, key_hash)

    async def put_key(self, write: KeyWrite, *, if_match: str = ANY_ETAG) -> KeyRow:
        """Raises EtagMismatch."""
        before = await self._key_to_change(write.key_hash, if_match)
        assert before is None or before.key_hash == write.key_hash, "a key is written under the hash that names it"
        if before is not None and is_as_written(self._sealing, before, write):
            return before
        await self._demand_may_seal(write.secrets)
        self._note_key(write.key_hash, () if before is None else read_ring(before.ring), write.ring or ())
        self._audit.key(before, write)
        if before is None:
            return await add_key(self._connection, self._sealing, write, self._at)
        await self._note_spellings(before)
        return await change_key(self._connection, self._sealing, before, write, self._at)

    async def delete_key(self, key_hash: str, *, if_match: str = ANY_ETAG) -> KeyRow | None:
        """What was there, None when nothing was. Raises EtagMismatch."""
        before = await self._key_to_change(key_hash, if_match)
        if before is not None:
            self._note_key(before.key_hash, read_ring(before.ring))
            self._audit.key_gone(before)
            await self._note_spellings(before)
            await remove_key(self._connection, before.record_id)
            await forget_import(self._connection, before.record_id)
        return before

    async def put_ring(self, row: KeyRow, secrets: Mapping[str, str], ring: Ring) -> KeyRow:
        """Another ring of a key that is there, with all its secrets; `row` as it shall be but for these two."""
        await self._demand_may_seal(secrets)
        self._note_key(row.key_hash, read_ring(row.ring), ring)
        self._audit.ring(await self.key(row.key_hash), row, secrets, ring_to_stored(ring))
        await self._note_spellings(row)
        return await change_ring(self._connection, self._sealing, row, secrets, ring, self._at)

    async def answer_to(self, name: str) -> dict[str, Any] | None:
        """What a request of that name was answered, None when there was none."""
        return await find_answer(self._connection, name)

    async def keep_answer(self, name: str, answer: dict[str, Any]) -> None:
        await keep_answer(self._connection, name, answer, self._at)

    def _note_key(self, key_hash: str, *rings: Ring) -> None:
        """By every hash it is found by, before and after: workers hold it under those in use."""
        self._note(f"key:{key_hash}")
        for ring in rings:
            for token_hash in tokens_of(ring, key_hash):
                self._note(f"key:{token_hash}")

    async def _note_spellings(self, row: KeyRow) -> None:
        """An imported key is found by other texts for its ID too."""
        for key_hash in await spellings_of(self._connection, row.record_id):
            self._note(f"key:{key_hash}")

    async def _key_to_change(self, key_hash: str, if_match: str) -> KeyRow | None:
        before = await self.key(key_hash)
        if if_match != ANY_ETAG:
            _demand_etag(if_match, "" if before is None else etag_of_key(self._sealing, before))
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
            if await self._write(kind, before.get(name), write):
                load.written.append(name)
        for row in choice.vanished:
            await self._remove(kind, row)
            load.removed.append(kind.name(row))

    async def _put(self, kind: Kind, write: DefinitionWrite, if_match: str) -> DefinitionRow:
        before = await find_definition(self._connection, kind, write.id, write.org_id)
        _demand_api_owned(before)
        if if_match != ANY_ETAG:
            _demand_etag(if_match, "" if before is None else before.etag)
        return await self._write(kind, before, write) or before or as_row(self._sealing, kind, write)

    async def _delete(self, kind: Kind, before: DefinitionRow | None, if_match: str) -> DefinitionRow | None:
        _demand_api_owned(before)
        if if_match != ANY_ETAG:
            _demand_etag(if_match, "" if before is None else before.etag)
        if before is not None:
            await self._remove(kind, before)
        return before

    async def _write(self, kind: Kind, before: DefinitionRow | None, write: DefinitionWrite) -> DefinitionRow | None:
        """None when it is so already."""
        row = as_row(self._sealing, kind, write)
        if before is not None and are_same(before, row):
            return None
        await self._demand_may_seal(row.secrets)
        self._note(kind.name(row))
        self._audit.definition(kind, before, row, write)
        await write_definition(self._connection, kind, before, row, self._at)
        return row

    async def _remove(self, kind: Kind, row: DefinitionRow) -> None:
        self._note(kind.name(row))
        self._audit.definition_gone(kind, row)
        await remove_definition(self._connection, kind, row)

    async def _demand_may_seal(self, secrets: Mapping[str, str]) -> None:
        """Asked once: what is so within a transaction stays so until it ends."""
        if secrets and not self._may_seal:
            await demand_in_use(self._connection, self._sealing)
            self._may_seal = True

    def _note(self, name: str) -> None:
        self._names[name] = None


def _demand_api_owned(row: DefinitionRow | None) -> None:
    if row is not None and row.origin != API:
        raise OwnedByFile(row.origin.removeprefix(FILE_PREFIX))


def _demand_etag(wanted: str, current: str) -> None:
    if wanted != current:
        raise EtagMismatch(current)
