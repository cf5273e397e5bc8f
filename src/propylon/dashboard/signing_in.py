"""The people of the records, as the pages ask for them; what is refused is told in words for a form."""

from math import ceil
from typing import Final

from propylon.control.desk import Desk
from propylon.control.envelope import Refused
from propylon.control.people import credentials, login, signed_in
from propylon.control.people.caller import caller_of
from propylon.control.people.signed_in import SignedIn
from propylon.dashboard.people import NotSignedIn

WRONG: Final = "Credentials are incorrect, please try again."  # as Tyk's dashboard says it
BUSY: Final = "Many people are signing in just now; try again."
FIELDS: Final = {"current_password": "current", "new_password": "new"}


class RecordedPeople:
    """One per application."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def by_session(self, token: str, *, is_background: bool = False) -> SignedIn | None:
        return await signed_in.by_session(self._desk, token, is_background=is_background)

    async def log_in(self, email: str, password: str, *, address: str, user_agent: str) -> str | NotSignedIn:
        try:
            logged_in = await login.log_in(self._desk, email, password, address=address, user_agent=user_agent)
        except login.LoginRefused as refused:
            return _not_signed_in(refused)
        return logged_in.token

    async def log_out(self, token: str) -> None:
        await login.log_out(self._desk, token)

    def csrf_token(self, token: str) -> str:
        return login.csrf_token(self._desk, token)

    async def change_password(self, who: SignedIn, current: str, new: str, *, address: str) -> dict[str, str]:
        try:
            await credentials.change_own_password(self._desk, caller_of(who, address), current, new)
        except Refused as refused:
            return _errors(refused)
        return {}


def _not_signed_in(refused: login.LoginRefused) -> NotSignedIn:
    wait_s = ceil(refused.wait_s)
    if refused.reason == "wait":
        seconds = "second" if wait_s == 1 else "seconds"
        return NotSignedIn(f"Too many attempts. Wait {wait_s} {seconds} and try again.", wait_s)
    return NotSignedIn(BUSY, wait_s) if refused.reason == "busy" else NotSignedIn(WRONG, 0)


def _errors(refused: Refused) -> dict[str, str]:
    """By field; what speaks of none stands at the first."""
    problems = refused.members.get("problems", [])
    return {FIELDS[one["path"]]: f"It {one['message']}." for one in problems} or {"current": f"{refused.message}."}
