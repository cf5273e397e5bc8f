"""A worker's view of records in PostgreSQL: prepared statements of asyncpg, at most two connections, no SQLAlchemy.

Each read is one statement in a transaction of its own on the primary: it sees whatever was acknowledged before it.
A read ends in time whatever the server does; a connection that left one waiting is ended and never used again, and the
next read makes another.
"""

import asyncio
import json
from typing import Any, Final

import asyncpg  # type: ignore[import-untyped]  # has no stubs

from propylon.errors import StoreUnavailable
from propylon.stores.ports import Change, DefinitionRow, KeyRow, Revocation, StoredRootSecret
from propylon.stores.records.postgres import ERRORS, READ_ONLY, TIMEOUT_S, Connection, away, connect, milliseconds

CONNECTIONS_MAX: Final = 2

_KEY_FIELDS: Final = ", ".join(KeyRow._fields)
# One trip; the second half runs only when the first has found nothing.
_KEY: Final = (
    f"SELECT {_KEY_FIELDS} FROM keys WHERE key_hash = $1 "
    f"UNION ALL SELECT {_KEY_FIELDS} FROM keys "
    "WHERE record_id = (SELECT record_id FROM key_tokens WHERE key_hash = $1) LIMIT 1"
)
_REVISION: Final = "SELECT coalesce(max(revision), 0) FROM changes"
_OLDEST: Final = "(SELECT min(revision) FROM changes)"
_CHANGES: Final = f"SELECT revision, names, {_OLDEST} FROM changes WHERE revision >= $1 ORDER BY revision"
_DEFINITIONS: Final = f"SELECT {', '.join(DefinitionRow._fields)} FROM {{}} ORDER BY id, org_id"
_APIS: Final = _DEFINITIONS.format("apis")
_POLICIES: Final = _DEFINITIONS.format("policies")
_IMPORTS: Final = (
    "SELECT EXISTS (SELECT FROM legacy_hashes WHERE org_id = $1), "
    "EXISTS (SELECT FROM legacy_hashes WHERE org_id = $1 AND pinned_key_hash = '')"
)
_ROOT_SECRETS: Final = f"SELECT {', '.join(StoredRootSecret._fields)} FROM settings_check"
_REVOKED: Final = f"SELECT {', '.join(Revocation._fields)} FROM revocations"
_SUSPENDED: Final = (
    "SELECT 'identity', 's' || left(key_hash, 32), org_id, 0::double precision, '' "
    "FROM identities WHERE state = 'suspended'"
)
_REVOCATIONS: Final = f"{_REVOKED} UNION ALL {_SUSPENDED}"
_REVOCATIONS_OF: Final = f"{_REVOKED} WHERE kind = $1 AND value = $2"
_SUSPENDED_OF: Final = f"{_SUSPENDED} AND key_hash BETWEEN $1 AND $2"


class PostgresLookups:
    """One per worker, made after the fork; connects when it is first asked."""

    def __init__(self, records_url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        """`timeout_s` for a read as a whole: a free connection, perhaps a new one, and the answer."""
        self._url = records_url
        self._timeout_s = timeout_s
        self._turns = asyncio.Semaphore(CONNECTIONS_MAX)  # in order of arrival: who comes later overtakes nobody
        self._free: list[Connection] = []  # made and not in use; the last one used goes first

    async def key_by_hash(self, key_hash: str) -> KeyRow | None:
        rows = await self._rows(_KEY, key_hash)
        if not rows:
            return None
        record_id, org_id, own_hash, key_id, generation, session, sealed, ring = rows[0]
        secrets = {} if sealed == "{}" else _unsealed_names(sealed)  # most keys have none
        return KeyRow(record_id, org_id, own_hash, key_id, generation, session, secrets, ring)

    async def revision(self) -> int:
        return int((await self._rows(_REVISION))[0][0])

    async def changes_after(self, revision: int) -> list[Change] | None:
        """None also when `revision` is above the newest: what the caller applied is not in these records."""
        rows = await self._rows(_CHANGES, revision)
        if not rows:
            return [] if revision == 0 else None
        _, _, oldest = rows[0]
        if revision < oldest - 1:
            return None
        return [Change(number, tuple(json.loads(names))) for number, names, _ in rows if number > revision]

    async def apis(self) -> list[DefinitionRow]:
        return await self._definitions(_APIS)

    async def policies(self) -> list[DefinitionRow]:
        return await self._definitions(_POLICIES)

    async def imports(self, org_id: str) -> tuple[bool, bool]:
        imported, unpinned = (await self._rows(_IMPORTS, org_id))[0]
        return imported, unpinned

    async def revocations(self, mark: tuple[str, str] | None = None) -> list[Revocation]:
        if mark is None:
            rows = await self._rows(_REVOCATIONS)
        elif mark[0] == "identity":
            first = mark[1].removeprefix("s")
            rows = await self._rows(_SUSPENDED_OF, first, f"{first}g")
        else:
            rows = await self._rows(_REVOCATIONS_OF, *mark)
        return [Revocation(*row) for row in rows]

    async def root_secrets(self) -> list[StoredRootSecret]:
        return [StoredRootSecret(*row) for row in await self._rows(_ROOT_SECRETS)]

    async def close(self) -> None:
        """Nobody is reading any more."""
        while self._free:
            self._free.pop().terminate()

    async def _definitions(self, statement: str) -> list[DefinitionRow]:
        return [
            DefinitionRow(id_, org, origin, body, json.loads(sealed), etag)
            for id_, org, origin, body, sealed, etag in await self._rows(statement)
        ]

    async def _rows(self, statement: str, *values: object) -> list[Any]:
        try:
            if self._is_one_ready():
                async with self._turns:  # at once; the driver's own timer bounds the read, without another
                    return await self._read(statement, values)
            async with asyncio.timeout(self._timeout_s), self._turns:
                return await self._read(statement, values)
        except ERRORS as error:
            raise away(error) from error

    def _is_one_ready(self) -> bool:
        """Open and free, and nobody waits for it."""
        return not self._turns.locked() and bool(self._free) and not self._free[-1].is_closed()

    async def _read(self, statement: str, values: tuple[object, ...]) -> list[Any]:
        connection = self._free.pop() if self._free else None
        try:
            if connection is None or connection.is_closed():
                connection = None
                connection = await self._connect()
            rows: list[Any] = await connection.fetch(statement, *values)
            return rows
        except asyncpg.PostgresError:
            raise  # an answer, after which the connection is as good as before
        except BaseException:
            if connection is not None:
                connection.terminate()
                connection = None
            raise
        finally:
            if connection is not None:
                self._free.append(connection)

    async def _connect(self) -> Connection:
        bound_s = self._timeout_s
        return await connect(
            self._url,
            "lookups",
            timeout_s=bound_s,
            answer_s=bound_s,
            statement_timeout=milliseconds(bound_s),
            **READ_ONLY,
        )


def _unsealed_names(sealed: str) -> dict[str, str]:
    """Field path to sealed text."""
    try:
        secrets: dict[str, str] = json.loads(sealed)
    except ValueError as error:
        raise StoreUnavailable(f"records: {error}") from error
    return secrets
