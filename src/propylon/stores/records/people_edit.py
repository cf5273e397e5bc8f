"""Changes of people, each a part of its caller's transaction, with its entry in the audit log."""

import json
from collections.abc import Callable
from typing import Final, TypeVar

from sqlalchemy import Table, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.records.audit import Entry
from propylon.stores.records.people import (
    GroupRow,
    OrganisationRow,
    SignInRow,
    UserRow,
    find_group,
    find_organisation,
    find_user,
    of_organisation,
    select_rows,
)
from propylon.stores.records.people_tables import sign_ins, user_groups, users
from propylon.stores.records.tables import apis, keys, organisations, policies
from propylon.stores.sealing import Sealing

SIGN_INS_MAX: Final = 20  # of one user; the oldest goes
USER: Final = "user"  # words of the audit log
GROUP: Final = "user_group"
ORGANISATION: Final = "organisation"
_PRIVATE: Final = frozenset({"last_login_at", "last_login_address", "updated_at"})  # no change of a user

_Row = TypeVar("_Row", UserRow, GroupRow, OrganisationRow)


class PeopleEdit:
    """The part of an `Edit` that changes people. None of it is a revision: no worker decides by it."""

    def __init__(
        self, connection: AsyncConnection, sealing: Sealing, audit: Callable[[Entry], None], at: float
    ) -> None:
        self._connection = connection
        self._sealing = sealing
        self._audit = audit
        self._at = at

    async def user(self, id_: str, org_id: str | None = None) -> UserRow | None:
        return await find_user(self._connection, id_, org_id)

    async def user_of_email(self, email: str, org_id: str) -> UserRow | None:
        query = select_rows(users, UserRow).where(users.c.email == email, users.c.org_id == org_id)
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else UserRow._make(row)

    async def count_of_email(self, email: str) -> int:
        """In all organisations."""
        query = select(func.count()).select_from(users).where(users.c.email == email)
        return await self._connection.scalar(query) or 0

    async def active_users(self, org_id: str) -> list[UserRow]:
        query = select_rows(users, UserRow).where(users.c.org_id == org_id, users.c.active == 1)
        return [UserRow._make(row) for row in await self._connection.execute(query)]

    async def count_users(self, org_id: str) -> int:
        query = select(func.count()).select_from(users).where(users.c.org_id == org_id)
        return await self._connection.scalar(query) or 0

    async def count_groups(self, org_id: str) -> int:
        query = select(func.count()).select_from(user_groups).where(user_groups.c.org_id == org_id)
        return await self._connection.scalar(query) or 0

    async def has_users(self, org_id: str | None = None, group_id: str | None = None) -> bool:
        where = of_organisation(users, org_id) + ([] if group_id is None else [users.c.group_id == group_id])
        return await self._connection.scalar(select(users.c.id).where(*where).limit(1)) is not None

    async def put_user(self, row: UserRow) -> UserRow:
        return await self._put(users, USER, row.org_id, row, await self.user(row.id))

    async def delete_user(self, row: UserRow) -> None:
        await self.end_sign_ins(row.id)
        await self._remove(users, USER, row.org_id, row)

    async def group(self, id_: str, org_id: str | None = None) -> GroupRow | None:
        return await find_group(self._connection, id_, org_id)

    async def group_of_name(self, name: str, org_id: str) -> GroupRow | None:
        query = select_rows(user_groups, GroupRow).where(user_groups.c.name == name, user_groups.c.org_id == org_id)
        row = (await self._connection.execute(query)).one_or_none()
        return None if row is None else GroupRow._make(row)

    async def put_group(self, row: GroupRow) -> GroupRow:
        return await self._put(user_groups, GROUP, row.org_id, row, await self.group(row.id))

    async def delete_group(self, row: GroupRow) -> None:
        await self._remove(user_groups, GROUP, row.org_id, row)

    async def organisation(self, id_: str) -> OrganisationRow | None:
        return await find_organisation(self._connection, id_)

    async def put_organisation(self, row: OrganisationRow) -> OrganisationRow:
        return await self._put(organisations, ORGANISATION, row.id, row, await self.organisation(row.id))

    async def delete_organisation(self, row: OrganisationRow) -> None:
        await self._remove(organisations, ORGANISATION, row.id, row)

    async def everyone_of(self, org_id: str) -> tuple[list[UserRow], list[GroupRow]]:
        """The users and groups of an organisation, which go with it."""
        found = await self._connection.execute(select_rows(users, UserRow).where(users.c.org_id == org_id))
        groups = await self._connection.execute(
            select_rows(user_groups, GroupRow).where(user_groups.c.org_id == org_id)
        )
        return [UserRow._make(row) for row in found], [GroupRow._make(row) for row in groups]

    async def belongings(self, org_id: str) -> list[str]:
        """What an organisation has of the gateway's, by the words for it."""
        tables = {"APIs": apis, "policies": policies, "keys": keys}
        found = []
        for word, table in tables.items():
            one = select(table.c.org_id).where(table.c.org_id == org_id).limit(1)
            found += [word] if await self._connection.scalar(one) is not None else []
        return found

    async def sign_in(self, row: SignInRow, *, idle_since: float) -> None:
        """Beside it goes what is over, and the oldest of this user past SIGN_INS_MAX."""
        over = or_(sign_ins.c.expires_at <= self._at, sign_ins.c.last_seen_at <= idle_since)
        await self._connection.execute(delete(sign_ins).where(over))
        kept = select(sign_ins.c.token_hash).where(sign_ins.c.user_id == row.user_id)
        kept = kept.order_by(sign_ins.c.created_at.desc()).limit(SIGN_INS_MAX - 1)
        surplus = [sign_ins.c.user_id == row.user_id, sign_ins.c.token_hash.not_in(kept)]
        await self._connection.execute(delete(sign_ins).where(*surplus))
        await self._connection.execute(insert(sign_ins).values(**row._asdict()))
        seen = {"last_login_at": self._at, "last_login_address": row.address}
        await self._connection.execute(update(users).where(users.c.id == row.user_id).values(**seen))

    async def end_sign_ins(self, user_id: str, *, token_hash: str = "", but: str = "") -> int:
        """All of a user's, or one of them, or all but one; answers how many there were."""
        where = [sign_ins.c.user_id == user_id]
        where += [sign_ins.c.token_hash == token_hash] if token_hash else []
        where += [sign_ins.c.token_hash != but] if but else []
        return (await self._connection.execute(delete(sign_ins).where(*where))).rowcount

    def note(self, entry: Entry) -> None:
        self._audit(entry)

    async def _put(self, table: Table, word: str, org_id: str, row: _Row, before: _Row | None) -> _Row:
        """What changes nothing is not written."""
        values = row._asdict() | {"updated_at": self._at}
        if before is None:
            made = row._replace(created_at=self._at, updated_at=self._at)
            await self._connection.execute(insert(table).values(**made._asdict()))
            self._audit(Entry("create", f"{word}:{row.id}", org_id, after=self._digest(made)))
            return made
        fields = _changed(before, row)
        if not fields:
            return before
        changed = row._replace(updated_at=self._at)
        await self._connection.execute(update(table).where(table.c.id == row.id).values(**values))
        digests = (self._digest(before), self._digest(changed))
        self._audit(Entry("change", f"{word}:{row.id}", org_id, *digests, tuple(fields)))
        return changed

    async def _remove(self, table: Table, word: str, org_id: str, row: _Row) -> None:
        await self._connection.execute(delete(table).where(table.c.id == row.id))
        self._audit(Entry("delete", f"{word}:{row.id}", org_id, self._digest(row)))

    def _digest(self, row: UserRow | GroupRow | OrganisationRow) -> str:
        said = {name: value for name, value in row._asdict().items() if name not in _PRIVATE}
        return self._sealing.etag(json.dumps(said))


def _changed(before: _Row, row: _Row) -> list[str]:
    pairs = zip(row._fields, before, row, strict=True)
    return [name for name, one, other in pairs if one != other and name not in _PRIVATE and name != "created_at"]
