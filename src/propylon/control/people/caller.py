"""Who asks for something of people, and what they may: a user, or whoever knows the administration's secret."""

from typing import NamedTuple

from propylon.control.envelope import Refused
from propylon.control.people.signed_in import SignedIn
from propylon.model.permissions import EVERYTHING, Area, Level, Permissions
from propylon.stores.records.writes import Actor


class Caller(NamedTuple):
    by: Actor
    org_id: str | None  # None: every organisation
    permissions: Permissions
    user_id: str = ""  # "" for nobody who is a user
    session: str = ""

    def demand(self, area: Area, level: Level) -> None:
        """Raises Refused, with Tyk's text (two blanks are its own)."""
        if not self.permissions.allows(area, level):
            text = f"access denied: You do not have permission to access  {area}"
            raise Refused(403, text, code="permission_denied", area=area, level=level)

    def demand_covers(self, other: Permissions) -> None:
        """Nobody gives, or takes over, more than they have themselves. Raises Refused."""
        if not self.permissions.covers(other):
            text = "these permissions go beyond your own; ask an administrator to do it"
            raise Refused(403, text, code="permission_beyond_own")


def caller_of(who: SignedIn, address: str) -> Caller:
    by = Actor("user", who.user_id, address, who.email)
    return Caller(by, who.org_id, who.permissions, who.user_id, who.session)


def super_admin(by: Actor) -> Caller:
    """Who knows `admin_secret`, or works at the machine."""
    return Caller(by, None, EVERYTHING)
