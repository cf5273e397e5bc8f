"""Signing in and out with e-mail address and password; who is signed in, listed and ended.

An unknown address, a wrong password and a user who is not active take the same time and get the same answer.
"""

from secrets import token_urlsafe
from typing import Final, Literal, NamedTuple

from propylon.control.people.caller import Caller
from propylon.control.people.passwords import TooBusy
from propylon.control.people.people_desk import PeopleDesk
from propylon.control.people.signed_in import IDLE_S, SignedIn, is_over, signed_in, token_hash
from propylon.stores.records.audit import Entry
from propylon.stores.records.people import SignInRow, UserRow
from propylon.stores.records.writes import Actor

LONGEST_S: Final = 12 * 3_600.0  # of a sign-in, however busy
BUSY_WAIT_S: Final = 2.0
USER_AGENT_MAX: Final = 200  # characters of it that are kept
EMAIL_MAX: Final = 254  # RFC 5321 §4.5.3.1.3

Reason = Literal["wrong", "wait", "busy"]


class LoggedIn(NamedTuple):
    token: str  # for the cookie; kept nowhere
    signed_in: SignedIn


class LoginRefused(Exception):
    """`wrong`: address or password; `wait`: after too many attempts; `busy`: too many people at once."""

    def __init__(self, reason: Reason, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_s = wait_s


async def log_in(desk: PeopleDesk, email: str, password: str, *, address: str, user_agent: str) -> LoggedIn:
    """Raises LoginRefused. Of users of one address in several organisations, whose password it is."""
    account = email.strip().lower()[: EMAIL_MAX + 1]
    users = await desk.records.people.users_of_email(account)
    is_usual = any(user.last_login_address == address for user in users)
    wait_s = desk.signing_in.throttle.begin(account, address, desk.clock.monotonic(), is_usual=is_usual)
    if wait_s > 0:
        await _note_refused(desk, users, address)
        raise LoginRefused("wait", wait_s)
    user = await _whose(desk, users, password)
    if user is None:
        await _note_refused(desk, users, address)
        raise LoginRefused("wrong")
    desk.signing_in.throttle.succeeded(account, address)
    return await _begin(desk, user, address, user_agent)


async def log_out(desk: PeopleDesk, token: str) -> None:
    """Nothing happens for a token that is unknown or over."""
    found = await desk.records.people.sign_in(token_hash(desk, token))
    if found is None:
        return
    sign_in, user = found
    async with desk.records.change(_actor(user, sign_in.address)) as edit:
        if await edit.people.end_sign_ins(user.id, token_hash=sign_in.token_hash):
            edit.people.note(Entry("sign_out", f"user:{user.id}", user.org_id))


def csrf_token(desk: PeopleDesk, session_token: str) -> str:
    """Derived, so that nothing is stored and any control process knows it; to be compared with compare_digest."""
    return desk.sealing.mac("csrf", session_token)


async def list_sign_ins(desk: PeopleDesk, user_id: str) -> list[SignInRow]:
    """Those that are not over, the newest first."""
    now = desk.clock.wall()
    return [one for one in await desk.records.people.sign_ins(user_id) if not is_over(one, now)]


async def end_sign_in(desk: PeopleDesk, caller: Caller, user: UserRow, token_hash: str) -> bool:
    """One of a user's; whether there was such a one. Whose they are, the caller has found out."""
    async with desk.records.change(caller.by) as edit:
        ended = await edit.people.end_sign_ins(user.id, token_hash=token_hash)
        if ended:
            edit.people.note(Entry("end_sign_in", f"user:{user.id}", user.org_id))
    return bool(ended)


async def _whose(desk: PeopleDesk, users: list[UserRow], password: str) -> UserRow | None:
    passwords = desk.signing_in.passwords
    try:
        if not users:
            await passwords.fits("", password)
        for user in users:
            if await passwords.fits(user.password_hash, password) and user.active:
                return user
    except TooBusy:
        raise LoginRefused("busy", BUSY_WAIT_S) from None
    return None


async def _begin(desk: PeopleDesk, user: UserRow, address: str, user_agent: str) -> LoggedIn:
    token = token_urlsafe(32)
    now = desk.clock.wall()
    agent = user_agent[:USER_AGENT_MAX].encode("ascii", "backslashreplace").decode().replace("\0", "")
    sign_in = SignInRow(token_hash(desk, token), user.id, now, now, now + LONGEST_S, address, agent)
    async with desk.records.change(_actor(user, address)) as edit:
        current = await edit.people.user(user.id)
        if current is None or not current.active or current.password_hash != user.password_hash:
            raise LoginRefused("wrong")  # it was changed while the password was compared
        await edit.people.sign_in(sign_in, idle_since=now - IDLE_S)
        edit.people.note(Entry("sign_in", f"user:{user.id}", user.org_id))
    return LoggedIn(token, await signed_in(desk, current, sign_in.token_hash))


async def _note_refused(desk: PeopleDesk, users: list[UserRow], address: str) -> None:
    """By name only of somebody who is known: people type passwords into the wrong field."""
    if users:
        entry = Entry("sign_in_refused", f"user:{users[0].id}", users[0].org_id)
        await desk.signing_in.refused.note(_actor(users[0], address), entry)
    else:
        await desk.signing_in.refused.note(Actor("unknown", address=address), Entry("sign_in_refused", "user:"))


def _actor(user: UserRow, address: str) -> Actor:
    return Actor("user", user.id, address, user.email)
