"""Users of a control plane under test, made as their administrator makes them."""

from typing import Any, NamedTuple

from propylon.control.desk import Desk
from propylon.control.people.caller import Caller, caller_of, super_admin
from propylon.control.people.signed_in import by_access_key
from propylon.control.people.users import create_user
from propylon.stores.records.people import UserRow
from propylon.stores.records.writes import Actor

PASSWORD = "canary correct horse"
ADMINISTRATION = super_admin(Actor("admin_api", address="192.0.2.1"))


class Person(NamedTuple):
    user: UserRow
    access_key: str


async def a_user(desk: Desk, email: str = "anna@example.org", org_id: str = "acme", **levels: str) -> Person:
    """An administrator if no levels are given."""
    values: dict[str, Any] = {
        "email_address": email,
        "org_id": org_id,
        "password": PASSWORD,
        "user_permissions": levels or {"IsAdmin": "admin"},
    }
    made = await create_user(desk, ADMINISTRATION, values)
    return Person(made.user, made.access_key)


async def caller(desk: Desk, person: Person, address: str = "192.0.2.7") -> Caller:
    who = await by_access_key(desk, person.access_key)
    assert who is not None
    return caller_of(who, address)
