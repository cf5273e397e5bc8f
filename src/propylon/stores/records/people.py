"""People as rows, and how they are read: organisations, users, groups, and who is signed in.

Nothing here decides who may; that is `control/people/`. Workers know none of it. Changes are `people_edit.py`.
"""

from typing import Any, Final, NamedTuple

from sqlalchemy import Row, Table, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from propylon.stores.records.engines import Connect
from propylon.stores.records.people_tables import sign_ins, user_groups, users
from propylon.stores.records.tables import organisations

SAME_EMAIL_MAX: Final = 4  # users of one address, in organisations of their own, that a sign-in looks at


class UserRow(NamedTuple):
    id: str
    org_id: str
    email: str
    first_name: str = ""
    last_name: str = ""
    group_id: str = ""
    permissions: str = "{}"  # JSON as `model/permissions.py` reads it
    active: int = 1
    password_hash: str = ""
    must_change_password: int = 0
    access_key_hash: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0
    password_changed_at: float = 0.0
    last_login_at: float = 0.0
    last_login_address: str = ""


class GroupRow(NamedTuple):
    id: str
    org_id: str
    name: str
    description: str = ""
    permissions: str = "{}"
    created_at: float = 0.0
    updated_at: float = 0.0


class OrganisationRow(NamedTuple):
    id: str
    name: str
    body: str = "{}"  # Tyk's fields
    created_at: float = 0.0
    updated_at: float = 0.0


class SignInRow(NamedTuple):
    token_hash: str
    user_id: str
    created_at: float
    last_seen_at: float
    expires_at: float
    address: str = ""
    user_agent: str = ""


class PeopleReads:
    """Of one set of records. `org_id` None: of every organisation."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect

    async def user(self, id_: str, org_id: str | None = None) -> UserRow | None:
        async with self._connect() as connection:
            return await find_user(connection, id_, org_id)

    async def users(self, org_id: str | None, *, text: str = "", limit: int, skip: int = 0) -> list[UserRow]:
        """By e-mail address and organisation; `text` is part of an address or a name."""
        query = _users(org_id, text).order_by(users.c.email, users.c.org_id).limit(limit).offset(skip)
        async with self._connect() as connection:
            return [UserRow._make(row) for row in await connection.execute(query)]

    async def count_users(self, org_id: str | None, *, text: str = "") -> int:
        query = select(func.count()).select_from(_users(org_id, text).subquery())
        async with self._connect() as connection:
            return await connection.scalar(query) or 0

    async def users_of_email(self, email: str, org_id: str | None = None) -> list[UserRow]:
        """The oldest first."""
        query = select_rows(users, UserRow).where(users.c.email == email, *of_organisation(users, org_id))
        query = query.order_by(users.c.created_at, users.c.id).limit(SAME_EMAIL_MAX)
        async with self._connect() as connection:
            return [UserRow._make(row) for row in await connection.execute(query)]

    async def user_of_access_key(self, key_hash: str) -> UserRow | None:
        query = select_rows(users, UserRow).where(users.c.access_key_hash == key_hash).limit(1)
        async with self._connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else UserRow._make(row)

    async def group(self, id_: str, org_id: str | None = None) -> GroupRow | None:
        async with self._connect() as connection:
            return await find_group(connection, id_, org_id)

    async def users_of_group(self, group_id: str, org_id: str, *, limit: int) -> list[UserRow]:
        """By e-mail address."""
        where = [users.c.group_id == group_id, users.c.org_id == org_id]
        query = select_rows(users, UserRow).where(*where).order_by(users.c.email).limit(limit)
        async with self._connect() as connection:
            return [UserRow._make(row) for row in await connection.execute(query)]

    async def count_users_by_group(self, org_id: str) -> dict[str, int]:
        """By the group's id; "" for those in none."""
        query = select(users.c.group_id, func.count()).where(users.c.org_id == org_id).group_by(users.c.group_id)
        async with self._connect() as connection:
            return {group_id: number for group_id, number in await connection.execute(query)}

    async def groups(self, org_id: str | None, *, limit: int, skip: int = 0) -> list[GroupRow]:
        query = select_rows(user_groups, GroupRow).where(*of_organisation(user_groups, org_id))
        async with self._connect() as connection:
            rows = await connection.execute(query.order_by(user_groups.c.name).limit(limit).offset(skip))
            return [GroupRow._make(row) for row in rows]

    async def organisation(self, id_: str) -> OrganisationRow | None:
        async with self._connect() as connection:
            return await find_organisation(connection, id_)

    async def count_organisations(self) -> int:
        async with self._connect() as connection:
            return await connection.scalar(select(func.count()).select_from(organisations)) or 0

    async def organisations(self, *, limit: int, skip: int = 0) -> list[OrganisationRow]:
        query = select_rows(organisations, OrganisationRow).order_by(organisations.c.id).limit(limit).offset(skip)
        async with self._connect() as connection:
            return [OrganisationRow._make(row) for row in await connection.execute(query)]

    async def sign_in(self, token_hash: str) -> tuple[SignInRow, UserRow] | None:
        query = select_rows(sign_ins, SignInRow).where(sign_ins.c.token_hash == token_hash)
        async with self._connect() as connection:
            row = (await connection.execute(query)).one_or_none()
            user = None if row is None else await find_user(connection, row.user_id)
        return None if row is None or user is None else (SignInRow._make(row), user)

    async def sign_ins(self, user_id: str) -> list[SignInRow]:
        """The newest first."""
        query = select_rows(sign_ins, SignInRow).where(sign_ins.c.user_id == user_id)
        async with self._connect() as connection:
            rows = await connection.execute(query.order_by(sign_ins.c.created_at.desc()))
            return [SignInRow._make(row) for row in rows]


async def touch_sign_in(connection: AsyncConnection, token_hash: str, at: float) -> None:
    await connection.execute(update(sign_ins).where(sign_ins.c.token_hash == token_hash).values(last_seen_at=at))


async def find_user(connection: AsyncConnection, id_: str, org_id: str | None = None) -> UserRow | None:
    row = await _one(connection, select_rows(users, UserRow).where(users.c.id == id_, *of_organisation(users, org_id)))
    return None if row is None else UserRow._make(row)


async def find_group(connection: AsyncConnection, id_: str, org_id: str | None = None) -> GroupRow | None:
    where = [user_groups.c.id == id_, *of_organisation(user_groups, org_id)]
    row = await _one(connection, select_rows(user_groups, GroupRow).where(*where))
    return None if row is None else GroupRow._make(row)


async def find_organisation(connection: AsyncConnection, id_: str) -> OrganisationRow | None:
    row = await _one(connection, select_rows(organisations, OrganisationRow).where(organisations.c.id == id_))
    return None if row is None else OrganisationRow._make(row)


async def _one(connection: AsyncConnection, query: Any) -> Row[Any] | None:
    return (await connection.execute(query)).one_or_none()


def select_rows(table: Table, kind: type[NamedTuple]) -> Any:
    return select(*(table.c[name] for name in kind._fields))


def _users(org_id: str | None, text: str) -> Any:
    query = select_rows(users, UserRow).where(*of_organisation(users, org_id))
    if not text:
        return query
    name = func.lower(users.c.first_name + " " + users.c.last_name)
    parts = [column.contains(text.lower(), autoescape=True) for column in (users.c.email, name)]
    return query.where(or_(*parts))


def of_organisation(table: Table, org_id: str | None) -> list[Any]:
    return [] if org_id is None else [table.c.org_id == org_id]
