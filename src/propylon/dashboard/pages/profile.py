"""One's own profile: what one may do, the password, the access key, where one is signed in. Open to everybody."""

from typing import Final

from starlette.responses import Response

from propylon.control.envelope import Refused
from propylon.control.people import credentials, login, users
from propylon.dashboard import rights
from propylon.dashboard.cookies import SESSION, drop
from propylon.dashboard.once import new_number, use_number
from propylon.dashboard.pages.users import groups_of
from propylon.dashboard.visit import Visit
from propylon.stores.records.people import UserRow

ASKED: Final = (
    "The one before is over at once: scripts that use it are refused until they have the new one, which is shown once."
)


async def show(visit: Visit) -> Response:
    row = await _own(visit)
    own = visit.who.permissions
    return visit.page(
        "profile.html",
        user=row,
        group=(await groups_of(visit)).get(row.group_id),
        told=rights.told(own),
        table=rights.table(own, own),
        sessions=await login.list_sign_ins(visit.desk, row.id),
        current=visit.who.session,
    )


async def ask_key(visit: Visit) -> Response:
    return visit.page(
        "ask.html",
        title="Renew your access key?",
        text=ASKED,
        verb="Renew access key",
        kind="danger",
        action="/profile/renew-key",
        back="/profile",
        once=new_number(),
    )


async def renew_key(visit: Visit) -> Response:
    await use_number(visit)
    access_key = await credentials.renew_access_key(visit.desk, visit.caller, visit.who.user_id)
    shown = [("Access key", access_key)]
    return visit.page("shown_once.html", title="Access key renewed", user=await _own(visit), shown=shown)


async def end_session(visit: Visit) -> Response:
    """The one that asks may be it; then it is signed out."""
    name, caller = visit.path["sign_in"], visit.caller
    if not await login.end_sign_in(visit.desk, caller, await _own(visit), name):
        raise Refused(404, "You have no such session; it may have ended by itself")
    if name != visit.who.session:
        return visit.to("/profile", done="session_ended")
    response = visit.to("/login", done="signed_out")
    drop(response, SESSION, is_https=visit.is_https)
    return response


async def end_others(visit: Visit) -> Response:
    row, caller = await _own(visit), visit.caller
    for one in await login.list_sign_ins(visit.desk, row.id):
        if one.token_hash != visit.who.session:
            await login.end_sign_in(visit.desk, caller, row, one.token_hash)
    return visit.to("/profile", done="sessions_ended")


async def _own(visit: Visit) -> UserRow:
    return await users.read_user(visit.desk, visit.caller, visit.who.user_id)
