"""Users of the records who are signed in to a dashboard under test, without the time that a password takes."""

from secrets import token_urlsafe
from typing import Any, NamedTuple

from propylon.control.desk import Desk
from propylon.control.people.signed_in import token_hash
from propylon.control.people.users import create_user
from propylon.dashboard.app import Dashboard
from propylon.dashboard.serving import mounts_of
from propylon.dashboard.signing_in import RecordedPeople
from propylon.stores.records.people import SignInRow, UserRow
from tests.control.conftest import GatewayApi
from tests.kit.people import ADMINISTRATION
from tests.kit.visitor import OWN_FILES, Visitor

ADMIN = {"IsAdmin": "admin"}
SIGNED_IN_S = 12 * 3_600.0


class SignedInVisitor(NamedTuple):
    """`visitor` has the session of `user`; `token` and `access_key` let them in."""

    visitor: Visitor
    user: UserRow
    token: str
    access_key: str


class DashboardPeople:
    """One dashboard with its REST API, and users of it."""

    def __init__(self, api: GatewayApi, **settings: Any) -> None:
        changed = {"dashboard_listen": "127.0.0.1:3000", **settings}
        self.api = api
        self.desk = api.desk._replace(settings=api.settings.model_copy(update=changed))
        self.app = Dashboard(self.desk, RecordedPeople(self.desk), OWN_FILES, mounts_of(self.desk))
        self._visitors: list[Visitor] = []

    def visitor(self) -> Visitor:
        """Nobody has signed in."""
        self._visitors.append(Visitor(self.app, self.api.loop))
        return self._visitors[-1]

    def signed_in(self, email: str = "ada@example.com", org_id: str = "default", **rights: str) -> SignedInVisitor:
        """An administrator if no rights are given; `keys="none"` and the like say that there are none."""
        given = {area: level for area, level in rights.items() if level != "none"} if rights else ADMIN
        values = {"email_address": email, "org_id": org_id, "user_permissions": given or {"portal": "read"}}
        made = self.api.run(create_user(self.desk, ADMINISTRATION, values))
        token, visitor = self._signed_in(made.user)
        return SignedInVisitor(visitor, made.user, token, made.access_key)

    def sign_in_again(self, user: UserRow) -> Visitor:
        """In another browser."""
        return self._signed_in(user)[1]

    def _signed_in(self, user: UserRow) -> tuple[str, Visitor]:
        token = token_urlsafe(32)
        self.api.run(_sign_in(self.desk, user, token))
        visitor = self.visitor()
        visitor.keep_cookie("authorisation", token)
        return token, visitor

    def close(self) -> None:
        for each in self._visitors:
            each.close()


async def _sign_in(desk: Desk, user: UserRow, token: str) -> None:
    now = desk.clock.wall()
    row = SignInRow(token_hash(desk, token), user.id, now, now, now + SIGNED_IN_S, "192.0.2.9", "a browser")
    async with desk.records.change(ADMINISTRATION.by) as edit:
        await edit.people.sign_in(row, idle_since=now - SIGNED_IN_S)
