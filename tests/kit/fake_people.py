"""People who can sign in, without records, for tests of the dashboard's own rules."""

import hmac
import secrets

from propylon.control.people.signed_in import SignedIn
from propylon.dashboard.people import NotSignedIn
from propylon.model.permissions import Permissions

PASSWORD = "correct horse battery"
TRIES_MAX = 3


ADMIN = Permissions(is_admin=True)


def fake_user(
    email: str = "ada@example.com",
    org_id: str = "default",
    permissions: Permissions = ADMIN,
    *,
    must_change_password: bool = False,
) -> SignedIn:
    """Somebody who can sign in."""
    return SignedIn(f"u-{email}", org_id, email, "Ada Byron", permissions, "", must_change_password)


class FakePeople:
    """Passwords, sessions and tries in memory; behaves as the Protocol in `dashboard/people.py` says."""

    def __init__(self, *users: SignedIn) -> None:
        self._users = {user.email: user for user in users}
        self._passwords = dict.fromkeys(self._users, PASSWORD)
        self._sessions: dict[str, str] = {}
        self._tries: dict[str, int] = {}
        self._secret = secrets.token_bytes(16)

    async def by_session(self, token: str, *, is_background: bool = False) -> SignedIn | None:
        user = self._users.get(self._sessions.get(token, ""))
        return None if user is None else user._replace(session=token)

    async def log_in(self, email: str, password: str, *, address: str, user_agent: str) -> str | NotSignedIn:
        if self._tries.get(email, 0) >= TRIES_MAX:
            return NotSignedIn("Too many tries; wait a minute and try again.", 60)
        if self._passwords.get(email) != password:
            self._tries[email] = self._tries.get(email, 0) + 1
            return NotSignedIn("Credentials are incorrect, please try again.", 0)
        token = secrets.token_urlsafe(32)
        self._sessions[token] = email
        return token

    async def log_out(self, token: str) -> None:
        self._sessions.pop(token, None)

    def csrf_token(self, token: str) -> str:
        return hmac.digest(self._secret, token.encode(), "sha256").hex()

    async def change_password(self, who: SignedIn, current: str, new: str, *, address: str) -> dict[str, str]:
        if current != self._passwords[who.email]:
            return {"current": "That is not your password."}
        if len(new) < 12:
            return {"new": "Use 12 characters or more."}
        self._passwords[who.email] = new
        self._users[who.email] = self._users[who.email]._replace(must_change_password=False)
        self._sessions = {
            kept: email for kept, email in self._sessions.items() if kept == who.session or email != who.email
        }
        return {}
