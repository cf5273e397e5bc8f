"""The records as the control process sees them: reads, and edits that become revisions. Opened by `opening.py`.

Every method may raise StoreUnavailable. Workers never come here: theirs is `lookups.py`.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from propylon.clock import Clock
from propylon.model.tyk_hashes import LegacyHash
from propylon.stores.ports import KEY_SETS, DefinitionRow, KeyRow
from propylon.stores.records import audit, change_log, key_rings
from propylon.stores.records.audit_reads import AuditReads
from propylon.stores.records.audit_verify import AuditChain
from propylon.stores.records.definitions import (
    APIS,
    POLICIES,
    all_definitions,
    find_definition,
    orgs_of_apis,
    secrets_of_definition,
)
from propylon.stores.records.edit import Edit
from propylon.stores.records.engines import SQL_ERRORS, Engines
from propylon.stores.records.identities import (
    IdentityFilter,
    IdentityRow,
    Seen,
    find_identity,
    forget_identities,
    page_of_identities,
    save_sightings,
)
from propylon.stores.records.imported_keys import ImportRow, count_imports, find_imports
from propylon.stores.records.key_lists import ListedKeys
from propylon.stores.records.key_rings import LastUse
from propylon.stores.records.key_search import count_uses, key_of_record, organisations
from propylon.stores.records.keys import (
    count_keys,
    etag_of_key,
    find_key,
    keys_with_alias,
    page_of_keys,
    page_of_retiring,
    secrets_of_key,
    skip_record_ids,
)
from propylon.stores.records.people import PeopleReads, touch_sign_in
from propylon.stores.records.quotas import QuotaCheckpoints
from propylon.stores.records.resealed_records import ResealedRecords
from propylon.stores.records.revocations import StoredRevocation, page_of_revocations
from propylon.stores.records.writes import EVERYTHING, Actor
from propylon.stores.sealing import Sealing

PAGE: Final = 100
BEHIND_METERS: Final = Actor("propylon", "records found older than the meters")
USES_COUNTED_MAX: Final = 10_000  # keys of an API or policy; beyond it people are told "or more"


class Records:
    """One per control process."""

    def __init__(self, records: Engines, usage: Engines, sealing: Sealing, clock: Clock) -> None:
        self._records = records
        self._usage = usage
        self.sealing = sealing
        self._clock = clock
        self.audit = AuditReads(self._reading, sealing)
        self.audit_chain = AuditChain(self.audit, sealing, clock)
        self.people = PeopleReads(self._reading)
        self.key_lists = ListedKeys(self._reading, self._writing)
        self.quotas = QuotaCheckpoints(self._reading, self._writing)
        self.resealing = ResealedRecords(self._reading, self._writing, sealing)

    @property
    def usage_engine(self) -> AsyncEngine:
        """For writing: its transactions take the lock of the usage database when they begin."""
        return self._usage.writing

    @property
    def usage_reading_engine(self) -> AsyncEngine:
        """In autocommit; holds up no writer."""
        return self._usage.reading

    @property
    def reading_engine(self) -> AsyncEngine:
        """Of the records, for the questions of `names.py`; in autocommit."""
        return self._records.reading

    async def close(self) -> None:
        await self._records.dispose()
        await self._usage.dispose()

    # -- changes --------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def change(self, by: Actor) -> AsyncIterator[Edit]:
        """One transaction, committed at the end and undone by any exception; waits for its turn."""
        async with self._writing() as connection:
            at = self._clock.wall()
            edit = Edit(connection, self.sealing, at, by)
            yield edit
            assert edit.entries or not edit.names, "what changes is noted for the audit log"
            await audit.append(connection, self.sealing, by, at, edit.entries)
            revision = await change_log.append(connection, edit.names, at) if edit.names else None
        edit.revision = revision

    async def revision(self) -> int:
        """The newest; 0 when nothing was ever changed."""
        async with self._reading() as connection:
            return await change_log.newest(connection)

    async def note(self, by: Actor, *entries: audit.Entry) -> None:
        """For the audit log alone, what changed nothing: sign-ins, wrong secrets, exports. No revision."""
        async with self._writing() as connection:
            await audit.append(connection, self.sealing, by, self._clock.wall(), entries)

    async def touch_sign_in(self, token_hash: str) -> None:
        """It was seen now; no change of anything."""
        async with self._writing() as connection:
            await touch_sign_in(connection, token_hash, self._clock.wall())

    async def note_everything_changed(self, above: int) -> int:
        """A change without an edit, numbered above what the meters know; answers its revision.

        What they know of was given record ids, too: new keys get others.
        """
        async with self._writing() as connection:
            at = self._clock.wall()
            await skip_record_ids(connection, at)
            await audit.append(connection, self.sealing, BEHIND_METERS, at, [audit.Entry("restore", EVERYTHING)])
            return await change_log.append(connection, [EVERYTHING], at, above=above)

    async def note_key_sets_dropped(self, by: Actor) -> int:
        """A change without an edit: the sets are in the meters. Answers its revision."""
        async with self._writing() as connection:
            at = self._clock.wall()
            await audit.append(connection, self.sealing, by, at, [audit.Entry("drop", KEY_SETS)])
            return await change_log.append(connection, [KEY_SETS], at)

    # -- reads ----------------------------------------------------------------------------------------------------

    async def key(self, key_hash: str) -> KeyRow | None:
        async with self._reading() as connection:
            return await find_key(connection, key_hash)

    async def keys(
        self,
        *,
        org_id: str | None = None,
        api_id: str | None = None,
        after: int = 0,
        offset: int = 0,
        limit: int = PAGE,
    ) -> list[KeyRow]:
        """In the order of their record ids, behind `after` and `offset` more; `api_id`: their own rights name it."""
        used = None if api_id is None else f"api:{api_id}"
        async with self._reading() as connection:
            return await page_of_keys(connection, org_id, used, after, limit, offset)

    async def count_keys(self, *, org_id: str | None = None, api_id: str | None = None) -> int:
        async with self._reading() as connection:
            return await count_keys(connection, org_id, None if api_id is None else f"api:{api_id}")

    async def count_keys_using(
        self, names: Collection[str], org_id: str, *, kind: str | None = None, limit: int = USES_COUNTED_MAX
    ) -> int:
        """Those that refer to any of these APIs and policies, as the change log names them; no further than `limit`."""
        async with self._reading() as connection:
            return await count_uses(connection, names, org_id, kind, limit)

    async def keys_by_alias(
        self, alias: str, *, org_id: str | None = None, after: int = 0, limit: int = PAGE
    ) -> list[KeyRow]:
        """As `keys`. Several keys may have the same alias: the caller says so instead of choosing one."""
        async with self._reading() as connection:
            return await keys_with_alias(connection, alias, org_id, after, limit)

    async def api(self, api_id: str) -> DefinitionRow | None:
        async with self._reading() as connection:
            return await find_definition(connection, APIS, api_id)

    async def apis(self) -> list[DefinitionRow]:
        async with self._reading() as connection:
            return await all_definitions(connection, APIS)

    async def policy(self, policy_id: str, *, org_id: str | None = None) -> DefinitionRow | None:
        """Without an organisation, the policy of that id that was added last."""
        async with self._reading() as connection:
            return await find_definition(connection, POLICIES, policy_id, org_id)

    async def policies(self) -> list[DefinitionRow]:
        async with self._reading() as connection:
            return await all_definitions(connection, POLICIES)

    async def revocations(
        self, *, kind: str | None = None, org_id: str | None = None, after: tuple[str, ...] = (), limit: int = PAGE
    ) -> list[StoredRevocation]:
        """In the order of their names, those beyond `after`; of an organisation, those of its keys too."""
        async with self._reading() as connection:
            return await page_of_revocations(connection, after, limit, kind, org_id)

    async def last_used(self, record_ids: Sequence[int]) -> dict[tuple[int, int], float]:
        """Of generations of keys, by record id and generation."""
        async with self._reading() as connection:
            return await key_rings.last_used(connection, record_ids)

    async def retiring_keys(self, after: int, limit: int = PAGE) -> list[KeyRow]:
        """In the order of their record ids, those above `after` with a generation on its way out."""
        async with self._reading() as connection:
            return await page_of_retiring(connection, after, limit)

    async def save_last_used(self, uses: Sequence[LastUse]) -> None:
        """No revision: nothing that decides has changed."""
        async with self._writing() as connection:
            await key_rings.save_last_used(connection, uses)

    async def key_of_record(self, record_id: int) -> KeyRow | None:
        async with self._reading() as connection:
            return await key_of_record(connection, record_id)

    async def imports(self, org_id: str, legacies: Sequence[LegacyHash]) -> list[ImportRow]:
        async with self._reading() as connection:
            return await find_imports(connection, org_id, legacies)

    async def count_imports(self, org_id: str | None) -> dict[str, tuple[int, int]]:
        """By algorithm: how many keys, and how many of them are not pinned."""
        async with self._reading() as connection:
            return await count_imports(connection, org_id)

    async def organisations(self) -> list[str]:
        """Those that an API or a policy names."""
        async with self._reading() as connection:
            return await organisations(connection)

    async def orgs_of_apis(self, api_ids: Collection[str] | None = None) -> dict[str, str]:
        """By API, None = of all; of one that is not there, nothing."""
        if api_ids is not None and not api_ids:
            return {}
        async with self._reading() as connection:
            return await orgs_of_apis(connection, api_ids)

    async def identity(self, record: str) -> IdentityRow | None:
        """By its record ("s…") or hash."""
        async with self._reading() as connection:
            return await find_identity(connection, record)

    async def identities(self, chosen: IdentityFilter, *, after: int = 0, limit: int = PAGE) -> list[IdentityRow]:
        """In the order of their numbers, those above `after`."""
        async with self._reading() as connection:
            return await page_of_identities(connection, chosen, after, limit)

    async def save_sightings(self, seen: Sequence[Seen]) -> None:
        """No revision: nothing is decided by when somebody was seen."""
        async with self._writing() as connection:
            await save_sightings(connection, seen)

    async def forget_identities(self, before: float, limit: int) -> int:
        """Some that were last seen before that and are not suspended; answers how many. No revision."""
        async with self._writing() as connection:
            return await forget_identities(connection, before, limit)

    # -- secrets and etags ----------------------------------------------------------------------------------------

    def unseal_key(self, row: KeyRow) -> dict[str, str]:
        """Field path to plain text, for as long as one write lasts; never for an answer."""
        return secrets_of_key(self.sealing, row)

    def unseal_api(self, row: DefinitionRow) -> dict[str, str]:
        return secrets_of_definition(self.sealing, APIS, row)

    def unseal_policy(self, row: DefinitionRow) -> dict[str, str]:
        return secrets_of_definition(self.sealing, POLICIES, row)

    def key_etag(self, row: KeyRow) -> str:
        """Definitions carry theirs in the row."""
        return etag_of_key(self.sealing, row)

    # -- inside ---------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        with SQL_ERRORS:
            async with self._records.writing.begin() as connection:
                yield connection

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        with SQL_ERRORS:
            async with self._records.reading.connect() as connection:
                yield connection
