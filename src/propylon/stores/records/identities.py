"""Identities as rows: the subjects of tokens that were seen, and whether one is suspended.

What tokens say is kept as it was last said; only the state is somebody's decision, and only that has a revision.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import Row, and_, case, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.records.audit import Entry
from propylon.stores.records.pieces import pieces
from propylon.stores.records.tables import identities
from propylon.stores.records.upsert import upsert

State = Literal["active", "suspended"]


class Seen(NamedTuple):
    """A subject of tokens, and when it came by."""

    key_hash: str
    org_id: str
    issuer: str
    subject: str
    policies: Sequence[str]
    at: float


class IdentityRow(NamedTuple):
    """An identity as stored."""

    record_id: int  # of the row; other places name the identity by `record`
    key_hash: str
    org_id: str
    issuer: str
    subject: str
    name: str
    policies: list[str]
    first_seen_at: float
    last_seen_at: float
    state: State

    @property
    def record(self) -> str:
        """As meters, usage and logs name it."""
        return f"s{self.key_hash[:32]}"


class IdentityFilter(NamedTuple):
    """Which identities are asked for; None = any."""

    org_id: str | None = None
    issuer: str | None = None
    subject: str | None = None
    state: str | None = None


_SELECT: Final = select(*(identities.c[name] for name in IdentityRow._fields))


class IdentityEdit:
    """The part of an `Edit` that changes them."""

    def __init__(
        self, connection: AsyncConnection, note: Callable[[str], None], audit: Callable[[Entry], None]
    ) -> None:
        self._connection = connection
        self._note = note
        self._audit = audit

    async def find(self, record: str) -> IdentityRow | None:
        return await find_identity(self._connection, record)

    async def put_state(self, row: IdentityRow, state: State) -> IdentityRow:
        if row.state != state:
            self._note(f"identity:{row.record}")
            action = "suspend" if state == "suspended" else "resume"
            self._audit(Entry(action, f"identity:{row.record}", row.org_id, fields=("state",)))
            where = identities.c.record_id == row.record_id
            await self._connection.execute(update(identities).where(where).values(state=state))
        return row._replace(state=state)


async def save_sightings(connection: AsyncConnection, seen: Sequence[Seen]) -> None:
    """The latest counts, whatever comes when and however often."""
    rows = [
        {name: value for name, value in one._asdict().items() if name not in ("policies", "at")}
        | {"policies": json.dumps(list(one.policies)), "name": one.subject}
        | {"first_seen_at": one.at, "last_seen_at": one.at}
        for one in seen
    ]
    fresh = upsert(connection, identities)
    before, now = identities.c.last_seen_at, fresh.excluded.last_seen_at
    save = fresh.on_conflict_do_update(
        index_elements=["org_id", "issuer", "subject"],
        set_={
            "last_seen_at": case((before > now, before), else_=now),
            "policies": fresh.excluded.policies,
            "name": fresh.excluded.name,
        },
    )
    for piece in pieces(rows):
        await connection.execute(save, piece)


async def find_identity(connection: AsyncConnection, record: str) -> IdentityRow | None:
    """A hash, or a record: "s" and the hash's first 32 digits. One as good as never begins like another."""
    start = record.removeprefix("s").lower()
    if len(start) not in (32, 64):
        return None
    begins_so = and_(identities.c.key_hash >= start, identities.c.key_hash <= f"{start}g")
    rows = await connection.execute(_SELECT.where(begins_so).limit(1))
    return next((_identity_row(row) for row in rows), None)


async def page_of_identities(
    connection: AsyncConnection, chosen: IdentityFilter, after: int, limit: int
) -> list[IdentityRow]:
    wanted = [identities.c[name] == value for name, value in chosen._asdict().items() if value is not None]
    query = _SELECT.where(identities.c.record_id > after, *wanted).order_by(identities.c.record_id).limit(limit)
    return [_identity_row(row) for row in await connection.execute(query)]


async def forget_identities(connection: AsyncConnection, before: float, limit: int) -> int:
    over = and_(identities.c.last_seen_at < before, identities.c.state == "active")
    some = select(identities.c.record_id).where(over).limit(limit)
    return (await connection.execute(delete(identities).where(identities.c.record_id.in_(some)))).rowcount


def _identity_row(row: Row[Any]) -> IdentityRow:
    return IdentityRow(**row._asdict() | {"policies": json.loads(row.policies)})
