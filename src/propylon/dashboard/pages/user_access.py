"""What lets a user in, changed: each step asks first. What is made is shown in that one answer and kept nowhere."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from starlette.responses import Response

from propylon.control.envelope import Refused
from propylon.control.people import credentials, login, users
from propylon.dashboard.once import new_number, use_number
from propylon.dashboard.visit import Visit
from propylon.stores.records.people import UserRow


class Step(NamedTuple):
    """What is asked before one; `{who}` is the user's address."""

    title: str
    verb: str
    text: str
    kind: str = "danger"
    shows_once: bool = False


RESET: Final = "reset-password"
STEPS: Final[Mapping[str, Step]] = {
    RESET: Step(
        "Reset the password of {who}?",
        "Reset password",
        "Their current password ends, and so does every session of theirs. You get a temporary one, once, to give to "
        "them; they have to change it before anything else.",
        shows_once=True,
    ),
    "renew-key": Step(
        "Renew the access key of {who}?",
        "Renew access key",
        "The one before is over at once: scripts that use it are refused until they have the new one, which is shown "
        "once.",
        shows_once=True,
    ),
    "deactivate": Step(
        "Deactivate {who}?",
        "Deactivate",
        "They are signed out everywhere, their access key is over, and they are not let in again until somebody "
        "activates them. What they made stays.",
    ),
    "delete": Step(
        "Delete {who}?",
        "Delete user",
        "They are signed out everywhere and are gone from the list. What they made stays, and so does what they did, "
        "in the audit log under their address. This cannot be undone.",
    ),
}


def asking(name: str) -> Callable[[Visit], Awaitable[Response]]:
    """The page that asks before this step."""
    step = STEPS[name]

    async def ask(visit: Visit) -> Response:
        if name == RESET:
            _demand_resets(visit)
        row = await _user(visit)
        path = f"/users/{row.id}"
        return visit.page(
            "ask.html",
            title=step.title.format(who=row.email),
            text=step.text,
            verb=step.verb,
            kind=step.kind,
            action=f"{path}/{name}",
            back=path,
            once=new_number() if step.shows_once else "",
        )

    return ask


async def reset_password(visit: Visit) -> Response:
    _demand_resets(visit)
    row = await _user(visit)
    await use_number(visit)
    password = await credentials.reset_password(visit.desk, visit.caller, row.id)
    return _shown(visit, row, "Password reset", "Temporary password", password)


async def renew_key(visit: Visit) -> Response:
    row = await _user(visit)
    await use_number(visit)
    access_key = await credentials.renew_access_key(visit.desk, visit.caller, row.id)
    return _shown(visit, row, "Access key renewed", "Access key", access_key)


async def deactivate(visit: Visit) -> Response:
    row = await _user(visit)
    await credentials.revoke(visit.desk, visit.caller, row.id)
    return visit.to(f"/users/{row.id}", done="user_deactivated")


async def activate(visit: Visit) -> Response:
    row = await _user(visit)
    await users.change_user(visit.desk, visit.caller, row.id, {"active": True})
    return visit.to(f"/users/{row.id}", done="user_activated")


async def delete(visit: Visit) -> Response:
    row = await _user(visit)
    await users.delete_user(visit.desk, visit.caller, row.id)
    return visit.to("/users", done="user_deleted")


async def end_session(visit: Visit) -> Response:
    row = await _user(visit)
    if not await login.end_sign_in(visit.desk, visit.caller, row, visit.path["sign_in"]):
        raise Refused(404, "This user has no such session; it may have ended by itself")
    return visit.to(f"/users/{row.id}", done="session_ended")


def _demand_resets(visit: Visit) -> None:
    """Who may, need not be able to write users. Raises Refused."""
    if not visit.who.permissions.resets_passwords:
        visit.caller.demand("users", "write")


async def _user(visit: Visit) -> UserRow:
    return await users.read_user(visit.desk, visit.caller, visit.path["user_id"])


def _shown(visit: Visit, row: UserRow, title: str, label: str, secret: str) -> Response:
    return visit.page("shown_once.html", title=title, user=row, shown=[(label, secret)])
