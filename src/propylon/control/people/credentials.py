"""What lets a user in: passwords changed and reset, access keys renewed, everything of theirs revoked.

What is made here is shown in that one answer and kept nowhere. A new password ends every other sign-in at once.
"""

from secrets import token_hex

from propylon.control.envelope import Refused, listed
from propylon.control.people.caller import Caller
from propylon.control.people.passwords import TooBusy, temporary_password
from propylon.control.people.people_desk import PeopleDesk
from propylon.control.people.signed_in import access_key_hash
from propylon.control.people.user_values import checked_password
from propylon.control.people.users import UNKNOWN, put_demoted, user_to_change, with_password
from propylon.errors import Problem
from propylon.stores.records.audit import Entry
from propylon.stores.records.people import UserRow


async def change_own_password(desk: PeopleDesk, caller: Caller, current: str, new: str) -> None:
    """`current` is not needed where none is set. This sign-in goes on, the others end. Raises Refused."""
    row = await desk.records.people.user(caller.user_id, caller.org_id)
    if row is None:
        raise Refused(404, UNKNOWN)
    passwords = desk.signing_in.passwords
    wait_s = desk.signing_in.throttle.begin(row.email, caller.by.address, desk.clock.monotonic(), is_usual=True)
    if wait_s > 0:
        raise Refused(429, "Too many wrong passwords; wait", {"Retry-After": str(int(wait_s) + 1)}, code="wait")
    try:
        if row.password_hash and not await passwords.fits(row.password_hash, current):
            raise _wrong("current_password", "is not your password")
        checked_password(new, row.email, "new_password")
        if await passwords.fits(row.password_hash, new):
            raise _wrong("new_password", "is your password already; choose another one")
    except TooBusy:
        raise Refused(503, "Too many passwords are looked at; try again", {"Retry-After": "2"}) from None
    desk.signing_in.throttle.succeeded(row.email, caller.by.address)
    await _put_password(desk, caller, row, await with_password(desk, row, new), but=caller.session)


async def reset_password(desk: PeopleDesk, caller: Caller, user_id: str) -> str:
    """A temporary one, which its user has to change before anything else. Raises Refused."""
    if not caller.permissions.resets_passwords:
        caller.demand("users", "write")
    stored = await desk.records.people.user(user_id, caller.org_id)
    if stored is None:
        raise Refused(404, UNKNOWN)
    password = temporary_password()
    changed = await with_password(desk, stored, password, is_temporary=True)
    await _put_password(desk, caller, stored, changed, action="reset_password")
    return password


async def renew_access_key(desk: PeopleDesk, caller: Caller, user_id: str) -> str:
    """Their own everybody may renew; the one before is over. Raises Refused."""
    if user_id != caller.user_id:
        caller.demand("users", "write")
    access_key = token_hex(16)
    async with desk.records.change(caller.by) as edit:
        row = await user_to_change(edit.people, caller, user_id)
        await edit.people.put_user(row._replace(access_key_hash=access_key_hash(desk, access_key)))
    return access_key


async def revoke(desk: PeopleDesk, caller: Caller, user_id: str) -> None:
    """Not active any more, signed out everywhere, without an access key. Raises Refused."""
    caller.demand("users", "write")
    async with desk.records.change(caller.by) as edit:
        before = await user_to_change(edit.people, caller, user_id)
        await put_demoted(edit.people, before, before._replace(active=0, access_key_hash=""))
        await edit.people.end_sign_ins(user_id)


async def _put_password(
    desk: PeopleDesk,
    caller: Caller,
    stored: UserRow,
    changed: UserRow,
    *,
    but: str = "",
    action: str = "change_password",
) -> None:
    """Nothing else of the user moves, whatever was changed since it was read."""
    async with desk.records.change(caller.by) as edit:
        before = await user_to_change(edit.people, caller, stored.id)
        if before.password_hash != stored.password_hash:
            raise Refused(409, "The password was changed meanwhile; try again", code="changed_meanwhile")
        names = ("password_hash", "password_changed_at", "must_change_password")
        await edit.people.put_user(before._replace(**{name: getattr(changed, name) for name in names}))
        await edit.people.end_sign_ins(stored.id, but=but)
        edit.people.note(Entry(action, f"user:{stored.id}", stored.org_id))


def _wrong(path: str, why: str) -> Refused:
    problem = Problem(path, "password_unfit", why)
    return Refused(400, f"{path} {why}", problems=listed([problem]))
