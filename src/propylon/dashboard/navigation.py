"""What stands in the side bar. An entry that somebody may not read is left out; the page refuses them all the same."""

from typing import Final, Literal, NamedTuple

from propylon.control.people.signed_in import SignedIn
from propylon.model.permissions import Area


class Entry(NamedTuple):
    path: str
    title: str
    icon: str
    area: Area | Literal[""]  # read of it is needed; "" for everybody who has signed in


class Group(NamedTuple):
    title: str  # "" for the first, which needs none
    entries: tuple[Entry, ...]


GROUPS: Final = (
    Group("", (Entry("/", "Overview", "overview", "analytics"),)),
    Group(
        "Access",
        (
            Entry("/apis", "APIs", "api", "apis"),
            Entry("/keys", "Keys", "key", "keys"),
            Entry("/policies", "Policies", "policy", "policies"),
            Entry("/token-checker", "Token checker", "check", "keys"),
            Entry("/jwt-guide", "JWT guide", "guide", ""),
        ),
    ),
    Group(
        "Monitoring",
        (
            Entry("/activity", "Activity", "activity", "analytics"),
            Entry("/logs", "Request log", "log", "logs"),
        ),
    ),
    Group(
        "People",
        (
            Entry("/users", "Users", "user", "users"),
            Entry("/groups", "User groups", "group", "user_groups"),
            Entry("/roles", "Roles", "role", "user_groups"),
            Entry("/audit", "Audit log", "audit", "audit_logs"),
            Entry("/organisation", "Organisation", "organisation", "users"),
        ),
    ),
    Group(
        "System",
        (
            Entry("/nodes", "Nodes", "node", "system"),
            Entry("/settings", "Settings", "settings", "system"),
        ),
    ),
)


def groups_for(who: SignedIn) -> list[Group]:
    """Those with anything in them."""
    narrowed = [group._replace(entries=tuple(one for one in group.entries if may_see(who, one))) for group in GROUPS]
    return [group for group in narrowed if group.entries]


def may_see(who: SignedIn, entry: Entry) -> bool:
    return not entry.area or who.permissions.allows(entry.area, "read")


def first_page(who: SignedIn) -> str:
    """Where somebody lands: the first page that they may read."""
    return next((entry.path for group in GROUPS for entry in group.entries if may_see(who, entry)), "/jwt-guide")
