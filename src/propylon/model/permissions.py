"""What a user may do: a level for each area, their own and their group's together (dashboard-api.md §6).

The more generous of the two counts. What has no entry is denied, also when there is none at all: Tyk makes an
administrator of whoever has an empty object, and so of whose group was deleted.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, get_args

from propylon.errors import Problem

Area = Literal[
    "analytics",
    "apis",
    "audit_logs",
    "certs",
    "hooks",
    "idm",
    "keys",
    "logs",
    "oauth",
    "policies",
    "portal",
    "system",
    "user_groups",
    "users",
    "websockets",
]
Level = Literal["deny", "read", "write"]

AREAS: Final[tuple[Area, ...]] = get_args(Area)
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
ONLY_READ: Final[frozenset[Area]] = frozenset({"analytics", "audit_logs", "logs", "websockets"})  # nothing to write
IS_ADMIN: Final = "IsAdmin"
RESET_PASSWORD: Final = "ResetPassword"
ADMIN: Final = "admin"
OTHER_NAMES: Final[Mapping[str, Area]] = {"log": "logs"}  # Tyk's documents write both
_NOTHING: Final[Mapping[Area, Level]] = {}


class Permissions(NamedTuple):
    """Of one user, or of whom they act for."""

    is_admin: bool = False
    levels: Mapping[Area, Level] = _NOTHING
    may_reset_passwords: bool = False  # of others, without write on users

    def allows(self, area: Area, level: Level) -> bool:
        """Whether what needs that level may be done; an administrator may do everything."""
        return self.is_admin or LEVELS.index(self.levels.get(area, "deny")) >= LEVELS.index(level)

    def covers(self, other: "Permissions") -> bool:
        """Whether nothing is allowed there that is not allowed here: nobody gives, or takes over, more than theirs."""
        if other.is_admin or other.may_reset_passwords and not self.resets_passwords:
            return self.is_admin
        return all(self.allows(area, level) for area, level in other.levels.items())

    @property
    def resets_passwords(self) -> bool:
        return self.is_admin or self.may_reset_passwords or self.allows("users", "write")


NO_PERMISSIONS: Final = Permissions()
EVERYTHING: Final = Permissions(is_admin=True)


def parse_permissions(document: object, path: str) -> tuple[Permissions, list[Problem]]:
    """Tyk's `user_permissions`: area to level, and `IsAdmin` or `ResetPassword` with "admin"."""
    if not isinstance(document, Mapping):
        return NO_PERMISSIONS, [Problem(path, "permissions_malformed", 'must be an object such as {"keys": "write"}')]
    problems = [problem for name, value in document.items() if (problem := _problem(path, str(name), value))]
    if problems:
        return NO_PERMISSIONS, problems
    levels: dict[Area, Level] = {area: document[name] for name, area in _areas_of(document).items()}
    return Permissions(IS_ADMIN in document, levels, RESET_PASSWORD in document), []


def permissions_to_json(permissions: Permissions) -> dict[str, str]:
    """What `parse_permissions` reads back the same."""
    shown: dict[str, str] = {area: permissions.levels[area] for area in sorted(permissions.levels)}
    shown |= {IS_ADMIN: ADMIN} if permissions.is_admin else {}
    return shown | ({RESET_PASSWORD: ADMIN} if permissions.may_reset_passwords else {})


def united(one: Permissions, other: Permissions) -> Permissions:
    """A user's own and their group's: of each area the more generous level."""
    areas = one.levels.keys() | other.levels.keys()
    levels = {area: max(_level(one, area), _level(other, area), key=LEVELS.index) for area in areas}
    resets = one.may_reset_passwords or other.may_reset_passwords
    return Permissions(one.is_admin or other.is_admin, levels, resets)


def _level(permissions: Permissions, area: Area) -> Level:
    return permissions.levels.get(area, "deny")


def _areas_of(document: Mapping[str, Any]) -> dict[str, Area]:
    known: dict[str, Area] = {**{area: area for area in AREAS}, **OTHER_NAMES}
    return {name: known[name] for name in document if name in known}


def _problem(path: str, name: str, value: object) -> Problem | None:
    where = f"{path}.{name}"
    if name in (IS_ADMIN, RESET_PASSWORD):
        wrong = value != ADMIN
        return Problem(where, "permission_unknown", 'must be "admin", or be left out') if wrong else None
    area = OTHER_NAMES.get(name, name)
    if area not in AREAS:
        return Problem(where, "area_unknown", f"is no area; the areas are {', '.join(AREAS)}")
    levels = [level for level in LEVELS if level != "write" or area not in ONLY_READ]
    if value not in levels:
        return Problem(where, "permission_unknown", f"must be one of {', '.join(levels)}")
    return None
