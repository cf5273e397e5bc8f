"""/api/users and /admin/users (dashboard-api.md §6, §8)."""

import json

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, etag
from propylon.control.people import credentials, login, users
from propylon.control.people.caller import Caller
from propylon.control.people.tags import tag_of
from propylon.control.people_api.shapes import done, page_of, read_body, sign_in_view, user_view
from propylon.model.permissions import ADMIN, RESET_PASSWORD


async def read_all(desk: Desk, caller: Caller, call: Call) -> Answer:
    """`q` is part of an address; Tyk deprecates it, as it puts one into logs."""
    rows, pages = await users.list_users(desk, caller, page=page_of(call), text=call.query.get("q", ""))
    return Answer(200, {"users": [user_view(row) for row in rows], "pages": pages})


async def search(desk: Desk, caller: Caller, call: Call) -> Answer:
    filters = read_body(call).get("filters")
    text = filters.get("query") if isinstance(filters, dict) else None
    if not isinstance(text, str):
        raise Refused(400, 'write {"filters": {"query": "<part of an e-mail address>"}}')
    rows, pages = await users.list_users(desk, caller, page=page_of(call), text=text)
    return Answer(200, {"users": [user_view(row) for row in rows], "pages": pages})


async def read_me(desk: Desk, caller: Caller, call: Call) -> Answer:
    return Answer(200, user_view(await users.read_user(desk, caller, caller.user_id)))


async def read(desk: Desk, caller: Caller, call: Call) -> Answer:
    row = await users.read_user(desk, caller, call.path["user_id"])
    return Answer(200, user_view(row), etag(tag_of(desk, row)))


async def add(desk: Desk, caller: Caller, call: Call) -> Answer:
    """The access key stands beside, this once."""
    made = await users.create_user(desk, caller, read_body(call))
    return done("User and session have been created", made.user.id, access_key=made.access_key)


async def add_as_administration(desk: Desk, caller: Caller, call: Call) -> Answer:
    """Tyk's set-up scripts take the access key from `Message`."""
    made = await users.create_user(desk, caller, read_body(call))
    return done(made.access_key, {**user_view(made.user), "access_key": made.access_key})


async def change(desk: Desk, caller: Caller, call: Call) -> Answer:
    if_match = call.headers.get("If-Match")
    row = await users.change_user(desk, caller, call.path["user_id"], read_body(call), if_match=if_match)
    return done("User updated", user_view(row))


async def remove(desk: Desk, caller: Caller, call: Call) -> Answer:
    await users.delete_user(desk, caller, call.path["user_id"])
    return done("User deleted")


async def reset_password(desk: Desk, caller: Caller, call: Call) -> Answer:
    """Their own with `current_password` and `new_password`; somebody else's becomes a temporary one, shown once."""
    user_id = call.path["user_id"]
    if user_id != caller.user_id:
        password = await credentials.reset_password(desk, caller, user_id)
        return done("User password updated", {"password": password, "must_change_password": True})
    said = read_body(call)
    current, new = said.get("current_password", ""), said.get("new_password", "")
    if not isinstance(current, str) or not isinstance(new, str):
        raise Refused(400, "current_password and new_password must be texts")
    await credentials.change_own_password(desk, caller, current, new)
    return done("User password updated")


async def renew_key(desk: Desk, caller: Caller, call: Call) -> Answer:
    access_key = await credentials.renew_access_key(desk, caller, call.path["user_id"])
    return done("User session renewed", access_key)


async def revoke(desk: Desk, caller: Caller, call: Call) -> Answer:
    await credentials.revoke(desk, caller, call.path["user_id"])
    return done("User revoked")


async def allow_resets(desk: Desk, caller: Caller, call: Call) -> Answer:
    return await _put_resets(desk, caller, call, allowed=True)


async def disallow_resets(desk: Desk, caller: Caller, call: Call) -> Answer:
    return await _put_resets(desk, caller, call, allowed=False)


async def read_sign_ins(desk: Desk, caller: Caller, call: Call) -> Answer:
    user = await users.read_user(desk, caller, call.path["user_id"])
    rows = await login.list_sign_ins(desk, user.id)
    return Answer(200, {"sessions": [sign_in_view(row, caller.session) for row in rows]})


async def end_sign_in(desk: Desk, caller: Caller, call: Call) -> Answer:
    """Their own everybody may end."""
    if call.path["user_id"] != caller.user_id:
        caller.demand("users", "write")
    user = await users.read_user(desk, caller, call.path["user_id"])
    if not await login.end_sign_in(desk, caller, user, call.path["sign_in"]):
        raise Refused(404, "This user has no such session")
    return done("Session ended")


async def _put_resets(desk: Desk, caller: Caller, call: Call, *, allowed: bool) -> Answer:
    stored = await users.read_user(desk, caller, call.path["user_id"])
    permissions = {name: level for name, level in json.loads(stored.permissions).items() if name != RESET_PASSWORD}
    permissions |= {RESET_PASSWORD: ADMIN} if allowed else {}
    row = await users.change_user(desk, caller, stored.id, {"user_permissions": permissions})
    return done("User updated", user_view(row))
