"""The records as the control process sees them: reads, and edits that become revisions. Opened by `opening.py`.

Every method may raise StoreUnavailable. Workers never come here: theirs is `lookups.py`.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from propylon.clock import Clock
from propylon.stores.ports import DefinitionRow, KeyRow, QuotaState
from propylon.stores.records import change_log, quotas
from propylon.stores.records.definitions import (
    APIS,
    POLICIES,
    all_definitions,
    find_definition,
    secrets_of_definition,
)
from propylon.stores.records.edit import Edit
from propylon.stores.records.engines import SQL_ERRORS, Engines
from propylon.stores.records.keys import etag_of_key, find_key, keys_with_alias, page_of_keys, secrets_of_key
from propylon.stores.records.writes import EVERYTHING
from propylon.stores.sealing import RootSecret

PAGE: Final = 100
SAME_ALIAS_MAX: Final = 100  # an alias is no name of one key; more than these help nobody


class Records:
    """One per control process."""

    def __init__(self, records: Engines, usage: Engines, root_secret: RootSecret, clock: Clock) -> None:
        self._records = records
        self._usage = usage
        self._root_secret = root_secret
        self._clock = clock

    @property
    def usage_engine(self) -> AsyncEngine:
        """For writing: its transactions take the lock of the usage database when they begin."""
        return self._usage.writing

    @property
    def usage_reading_engine(self) -> AsyncEngine:
        """In autocommit; holds up no writer."""
        return self._usage.reading

    async def close(self) -> None:
        await self._records.dispose()
        await self._usage.dispose()

    # -- changes --------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Edit]:
        """One transaction, committed at the end and undone by any exception; waits for its turn."""
        async with self._writing() as connection:
            at = self._clock.wall()
            edit = Edit(connection, self._root_secret, at)
            yield edit
            revision = await change_log.append(connection, edit.names, at) if edit.names else None
        edit.revision = revision

    async def revision(self) -> int:
        """The newest; 0 when nothing was ever changed."""
        async with self._reading() as connection:
            return await change_log.newest(connection)

    async def note_everything_changed(self, above: int) -> int:
        """A change without an edit, numbered above what the meters know; answers its revision."""
        async with self._writing() as connection:
            return await change_log.append(connection, [EVERYTHING], self._clock.wall(), above=above)

    # -- reads ----------------------------------------------------------------------------------------------------

    async def key(self, key_hash: str) -> KeyRow | None:
        async with self._reading() as connection:
            return await find_key(connection, key_hash)

    async def keys(
        self, *, org_id: str | None = None, api_id: str | None = None, after: int = 0, limit: int = PAGE
    ) -> list[KeyRow]:
        """In the order of their record ids, those above `after`. `api_id`: whose own access rights name that API."""
        async with self._reading() as connection:
            return await page_of_keys(connection, org_id, api_id, after, limit)

    async def keys_by_alias(self, alias: str, *, org_id: str | None = None) -> list[KeyRow]:
        """Several keys may have the same alias: the caller says so instead of choosing one."""
        async with self._reading() as connection:
            return await keys_with_alias(connection, alias, org_id, SAME_ALIAS_MAX)

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

    # -- secrets and etags ----------------------------------------------------------------------------------------

    def unseal_key(self, row: KeyRow) -> dict[str, str]:
        """Field path to plain text, for as long as one write lasts; never for an answer."""
        return secrets_of_key(self._root_secret, row)

    def unseal_api(self, row: DefinitionRow) -> dict[str, str]:
        return secrets_of_definition(self._root_secret, APIS, row)

    def unseal_policy(self, row: DefinitionRow) -> dict[str, str]:
        return secrets_of_definition(self._root_secret, POLICIES, row)

    def key_etag(self, row: KeyRow) -> str:
        """Definitions carry theirs in the row."""
        return etag_of_key(self._root_secret, row)

    # -- quotas ---------------------------------------------------------------------------------------------------

    async def save_quotas(self, states: Sequence[QuotaState]) -> None:
        """Afterwards these are the checkpoint; no revision."""
        async with self._writing() as connection:
            await quotas.save_quotas(connection, states)

    async def load_quotas(self) -> list[QuotaState]:
        async with self._reading() as connection:
            return await quotas.load_quotas(connection)

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
