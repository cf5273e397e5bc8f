"""The first user: an administrator with a random password, made when there is none. Its caller prints it once."""

from secrets import token_hex
from typing import Final, NamedTuple

from propylon.control.people.credentials import temporary_password
from propylon.control.people.people_desk import PeopleDesk
from propylon.control.people.signed_in import access_key_hash
from propylon.control.people.users import with_password
from propylon.stores.records.people import UserRow
from propylon.stores.records.writes import Actor

EMAIL: Final = "admin@example.org"
PERMISSIONS: Final = '{"IsAdmin": "admin"}'
BY: Final = Actor("propylon", "first user")


class FirstUser(NamedTuple):
    email: str
    password: str
    access_key: str


async def ensure_first_user(desk: PeopleDesk, email: str = EMAIL) -> FirstUser | None:
    """Of `default_org_id`; None when there are users. Of several processes that ask at once, one makes it."""
    if await desk.records.people.count_users(None):
        return None
    password, access_key = temporary_password(), token_hex(16)
    row = UserRow(token_hex(12), desk.settings.default_org_id, email, permissions=PERMISSIONS, first_name="First")
    row = await with_password(desk, row._replace(access_key_hash=access_key_hash(desk, access_key)), password)
    async with desk.records.change(BY) as edit:
        if await edit.people.has_users():
            return None
        await edit.people.put_user(row)
    return FirstUser(email, password, access_key)
