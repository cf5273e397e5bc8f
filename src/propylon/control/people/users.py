"""Users: listed, made, changed, removed. Plain functions of who asks and what is asked, for the REST API and for pages.

Another organisation's user is as unknown as one that is not there. Nobody gives, or takes over, more than they have.
"""

from collections.abc import Mapping
from secrets import token_hex
from typing import Any, Final, NamedTuple

from propylon.control.envelope import Refused
from propylon.control.people.administrators import demand_administrator, permissions_in
from propylon.control.people.caller import Caller
from propylon.control.people.passwords import TooBusy, temporary_password
from propylon.control.people.people_desk import PeopleDesk
from propylon.control.people.signed_in import access_key_hash
from propylon.control.people.tags import demand_unchanged
from propylon.control.people.user_values import EMPTY_PERMISSIONS, password_from, user_from
from propylon.model.permissions import NO_PERMISSIONS
from propylon.stores.records.people import SAME_EMAIL_MAX, UserRow
from propylon.stores.records.people_edit import PeopleEdit

UNKNOWN: Final = "Could not retrieve user detail."
EMAIL_TAKEN: Final = "User email already exists for this org."
USERS_MAX: Final = 10_000  # of one organisation
PAGE: Final = 10
ALL_MAX: Final = 1_000  # answered at once to who asks for all


class Made(NamedTuple):
    user: UserRow
    access_key: str  # shown once
    password: str = ""  # the temporary one, shown once; "" where none was asked for


async def list_users(
    desk: PeopleDesk, caller: Caller, *, page: int = 1, text: str = "", size: int = PAGE
) -> tuple[list[UserRow], int]:
    """Of one page (`page` 0 or less: all, up to ALL_MAX) and how many pages there are."""
    caller.demand("users", "read")
    found = await desk.records.people.count_users(caller.org_id, text=text)
    size = ALL_MAX if page <= 0 else size
    rows = await desk.records.people.users(caller.org_id, text=text, limit=size, skip=max(0, page - 1) * size)
    return rows, max(1, -(-found // size))


async def read_user(desk: PeopleDesk, caller: Caller, user_id: str) -> UserRow:
    """Their own record everybody may read."""
    if user_id != caller.user_id:
        caller.demand("users", "read")
    row = await desk.records.people.user(user_id, caller.org_id)
    if row is None:
        raise Refused(404, UNKNOWN)
    return row


async def create_user(
    desk: PeopleDesk, caller: Caller, values: Mapping[str, Any], *, with_temporary: bool = False
) -> Made:
    """In one transaction with all that lets them in. `org_id` is read of who sees every organisation.

    Without a password they come in by a reset or an access key; `with_temporary` makes one, and `values` say none.
    """
    caller.demand("users", "write")
    org_id = caller.owner_of(values, desk.settings.default_org_id)
    access_key = token_hex(16)
    row = user_from(values, UserRow(token_hex(12), org_id, "", access_key_hash=access_key_hash(desk, access_key)))
    temporary = temporary_password() if with_temporary else ""
    row = await with_password(desk, row, temporary or password_from(values, row.email), is_temporary=with_temporary)
    async with desk.records.change(caller.by) as edit:
        people = edit.people
        await _demand_room(people, org_id)
        await _demand_email_free(people, row)
        await _demand_email_lets_in(people, row)
        await _demand_group(people, row)
        permissions = await permissions_in(people, row)
        if permissions == NO_PERMISSIONS:
            raise Refused(403, EMPTY_PERMISSIONS, code="permissions_missing")
        caller.demand_covers(permissions)
        row = await people.put_user(row)
    return Made(row, access_key, temporary)


async def change_user(
    desk: PeopleDesk, caller: Caller, user_id: str, values: Mapping[str, Any], *, if_match: str | None = None
) -> UserRow:
    """What is not said stays. A new password, and the end of being active, end every sign-in of theirs."""
    caller.demand("users", "write")
    stored = await read_user(desk, caller, user_id)
    said = user_from(values, stored)
    password = password_from(values, said.email)
    changed = await with_password(desk, said, password)
    async with desk.records.change(caller.by) as edit:
        people = edit.people
        before = await user_to_change(people, caller, user_id)
        demand_unchanged(desk, before, if_match)
        row = user_from(values, before)._replace(
            password_hash=changed.password_hash if password else before.password_hash,
            password_changed_at=changed.password_changed_at if password else before.password_changed_at,
        )
        await _demand_email_free(people, row)
        if row.email != before.email:
            await _demand_email_lets_in(people, row)
        await _demand_group(people, row)
        caller.demand_covers(await permissions_in(people, row))
        row = await put_demoted(people, before, row)
        if password or (before.active and not row.active):
            await people.end_sign_ins(row.id)
    return row


async def delete_user(desk: PeopleDesk, caller: Caller, user_id: str) -> UserRow:
    caller.demand("users", "write")
    async with desk.records.change(caller.by) as edit:
        row = await user_to_change(edit.people, caller, user_id)
        was_admin = bool(row.active) and (await permissions_in(edit.people, row)).is_admin
        await edit.people.delete_user(row)
        if was_admin:
            await demand_administrator(edit.people, row.org_id)
    return row


async def user_to_change(people: PeopleEdit, caller: Caller, user_id: str) -> UserRow:
    """Within the transaction of the change. Raises Refused."""
    row = await people.user(user_id, caller.org_id)
    if row is None:
        raise Refused(404, UNKNOWN)
    if row.id != caller.user_id:
        caller.demand_covers(await permissions_in(people, row))
    return row


async def put_demoted(people: PeopleEdit, before: UserRow, row: UserRow) -> UserRow:
    """Raises Refused when the organisation had an administrator and has none any more."""
    was_admin = bool(before.active) and (await permissions_in(people, before)).is_admin
    row = await people.put_user(row)
    if was_admin:
        await demand_administrator(people, row.org_id)
    return row


async def with_password(desk: PeopleDesk, row: UserRow, password: str | None, *, is_temporary: bool = False) -> UserRow:
    """Outside of a transaction, as it takes its time. Raises Refused."""
    if password is None:
        return row
    try:
        hashed = await desk.signing_in.passwords.hashed(password)
    except TooBusy:
        raise Refused(503, "Too many passwords are looked at; try again", {"Retry-After": "2"}) from None
    return row._replace(
        password_hash=hashed, password_changed_at=desk.clock.wall(), must_change_password=int(is_temporary)
    )


async def _demand_room(people: PeopleEdit, org_id: str) -> None:
    if await people.count_users(org_id) >= USERS_MAX:
        raise Refused(409, f"An organisation may have {USERS_MAX} users; remove some", code="users_exhausted")


async def _demand_email_free(people: PeopleEdit, row: UserRow) -> None:
    other = await people.user_of_email(row.email, row.org_id)
    if other is not None and other.id != row.id:
        raise Refused(403, EMAIL_TAKEN, code="email_taken")


async def _demand_email_lets_in(people: PeopleEdit, row: UserRow) -> None:
    """A sign-in tries the passwords of so many users of one address; one more would never come in."""
    if await people.count_of_email(row.email) >= SAME_EMAIL_MAX:
        said = f"email_address: {SAME_EMAIL_MAX} organisations have a user of this address; take another one here"
        raise Refused(409, said, code="email_exhausted")


async def _demand_group(people: PeopleEdit, row: UserRow) -> None:
    if row.group_id and await people.group(row.group_id, row.org_id) is None:
        raise Refused(400, "Group ID does not exist", code="group_unknown")
