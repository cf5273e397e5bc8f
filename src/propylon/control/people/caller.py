"""Who asks for something of people, and what they may: a user, or whoever knows the administration's secret."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from propylon.control.envelope import Refused
from propylon.control.people.signed_in import SignedIn
from propylon.model.permissions import EVERYTHING, Area, Level, Permissions
from propylon.stores.records.writes import Actor

ORGANISATION_ID: Final = re.compile(r"[A-Za-z0-9._~-]{1,64}")
NOT_YOURS: Final = "org_id names another organisation than yours; leave it out, or name your own"


class Caller(NamedTuple):
    by: Actor
    org_id: str | None  # None: every organisation
    permissions: Permissions
    user_id: str = ""  # "" for nobody who is a user
    session: str = ""

    def owner_of(self, values: Mapping[str, Any], default_org_id: str) -> str:
        """The organisation of what is to be made: their own, or, for who sees all, the one said. Raises Refused."""
        said = values.get("org_id") or self.org_id or default_org_id
        if not isinstance(said, str) or not ORGANISATION_ID.fullmatch(said):
            raise Refused(400, "org_id must be letters, digits and ._~-, at most 64", code="id_invalid")
        if self.org_id not in (None, said):
            raise Refused(403, NOT_YOURS, code="organisation_not_yours")
        return said

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
