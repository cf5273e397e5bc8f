"""Revocations as rows: who or what is refused until a time or for good. Each change of one is a name of the change log.

A row is named by kind, value, issuer and organisation. A key is named by its record, which is never reused: a key made
again under the same ID is another one.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, and_, case, cast, delete, exists, func, insert, not_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.ports import Revocation
from propylon.stores.records.audit import Entry
from propylon.stores.records.tables import keys, revocations

REVOCATIONS_MAX: Final = 100_000  # a worker holds all of them, 0.5 KiB each
SWEPT_MAX: Final = 1000  # removed in one go

_COLUMNS: Final = [revocations.c[name] for name in Revocation._fields]
_OF_KEY: Final = revocations.c.kind == "key"
# No engine promises to look at the kind first, and other values are no numbers.
_RECORD_ID: Final = case((_OF_KEY, cast(func.substr(revocations.c.value, 2), BigInteger)))
_NAME: Final = (revocations.c.kind, revocations.c.value, revocations.c.issuer, revocations.c.org_id)


class StoredRevocation(NamedTuple):
    revocation: Revocation
    at: float  # when it was made


class TooMany(Exception):
    """There is no room for another one."""


class RevocationEdit:
    """The part of an `Edit` that changes them."""

    def __init__(
        self, connection: AsyncConnection, note: Callable[[str], None], audit: Callable[[Entry], None], at: float
    ) -> None:
        self._connection = connection
        self._note = note
        self._audit = audit
        self._at = at

    async def put(self, revocation: Revocation) -> bool:
        """Whether there was none of that name; its end is the new one in any case. Raises TooMany."""
        where = _is(revocation)
        before = (await self._connection.execute(select(*_COLUMNS).where(where))).one_or_none()
        if before is None:
            await self._demand_room()
            await self._connection.execute(insert(revocations).values(**revocation._asdict(), at=self._at))
        else:
            await self._connection.execute(update(revocations).where(where).values(until=revocation.until))
        if before is None or before.until != revocation.until:
            self._note(_name(revocation))
            self._audit(Entry("revoke", _name(revocation), revocation.org_id, fields=("until",)))
        return before is None

    async def remove(self, kind: str, value: str, issuer: str | None, org_id: str | None) -> list[Revocation]:
        """Those that were there; None stands for any."""
        where = [revocations.c.kind == kind, revocations.c.value == value]
        where += [] if issuer is None else [revocations.c.issuer == issuer]
        where += [] if org_id is None else [revocations.c.org_id == org_id]
        found = [Revocation._make(row) for row in await self._connection.execute(select(*_COLUMNS).where(*where))]
        return await self._remove(found)

    async def sweep(self) -> int:
        """Removes some that are over, and those of keys that are no more; answers how many."""
        is_over = and_(revocations.c.until > 0, revocations.c.until <= self._at)
        of_nobody = and_(_OF_KEY, not_(exists().where(keys.c.record_id == _RECORD_ID)))
        rows = await self._connection.execute(select(*_COLUMNS).where(is_over | of_nobody).limit(SWEPT_MAX))
        return len(await self._remove([Revocation._make(row) for row in rows]))

    async def _remove(self, found: list[Revocation]) -> list[Revocation]:
        for revocation in found:
            self._note(_name(revocation))
            self._audit(Entry("allow", _name(revocation), revocation.org_id))
            await self._connection.execute(delete(revocations).where(_is(revocation)))
        return found

    async def _demand_room(self) -> None:
        last = select(revocations.c.kind).offset(REVOCATIONS_MAX - 1).limit(1)
        if await self._connection.scalar(last) is not None:
            raise TooMany


async def page_of_revocations(
    connection: AsyncConnection, after: tuple[str, ...], limit: int, kind: str | None, org_id: str | None = None
) -> list[StoredRevocation]:
    """In the order of their names, those beyond `after` (kind, value, issuer, organisation; empty from the first)."""
    query = select(*_COLUMNS, revocations.c.at)
    if kind is not None:
        query = query.where(revocations.c.kind == kind)
    if org_id is not None:
        its_key = exists().where(keys.c.record_id == _RECORD_ID, keys.c.org_id == org_id)
        query = query.where((revocations.c.org_id == org_id) | and_(_OF_KEY, its_key))
    if after:
        query = query.where(tuple_(*_NAME) > after)
    rows = await connection.execute(query.order_by(*_NAME).limit(limit))
    return [StoredRevocation(Revocation(*row[:-1]), row[-1]) for row in rows]


def _is(revocation: Revocation) -> Any:
    return and_(*(column == getattr(revocation, column.name) for column in _NAME))


def _name(revocation: Revocation) -> str:
    return f"revocation:{revocation.kind}:{revocation.value}"
