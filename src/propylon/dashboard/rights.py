"""What each right opens, in words, and roles to begin with. A test holds the words to the areas that there are."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from propylon.model.permissions import AREAS, LEVELS, ONLY_READ, Area, Level, Permissions

NOTHING: Final = "–"


class Opens(NamedTuple):
    """Of one area; `write` is "" where there is nothing to write."""

    title: str
    read: str
    write: str = ""


OPENS: Final[Mapping[Area, Opens]] = {
    "analytics": Opens("Traffic", "Overview and activity: totals, charts, callers, errors; their exports"),
    "logs": Opens("Request log", "Single requests, with path, caller and reason; their live tail"),
    "keys": Opens("Keys", "Keys and token subjects; the token checker", "Make, change, rotate, suspend, delete them"),
    "policies": Opens(
        "Policies", "Policies and what uses them", "Make, change, delete them; it acts on every key of theirs"
    ),
    "apis": Opens("APIs", "API definitions, without their secrets", "Make, change, delete them"),
    "users": Opens(
        "Users", "Users, their rights and sessions", "Make, change, delete them; reset passwords, end sessions"
    ),
    "user_groups": Opens("User groups", "Groups and roles", "Make, change, delete them"),
    "audit_logs": Opens("Audit log", "Who did what; its exports and its verification"),
    "system": Opens("System", "Nodes, stores and settings, secrets masked", "Nothing more yet"),
}
# Tyk's, kept as they are written.
UNUSED: Final[tuple[Area, ...]] = tuple(area for area in AREAS if area not in OPENS)


class Role(NamedTuple):
    """Rights that often go together: what a form begins with. Nothing remembers from which one it began."""

    name: str
    title: str
    text: str
    permissions: Permissions


def _role(name: str, title: str, text: str, **levels: Level) -> Role:
    known: dict[Area, Level] = {area: levels[area] for area in AREAS if area in levels}
    return Role(name, title, text, Permissions(levels=known))


_READ_ALL: Final[Mapping[str, Level]] = dict.fromkeys(OPENS, "read")
_WATCHED: Final[Mapping[str, Level]] = {"analytics": "read", "logs": "read"}

ROLES: Final = (
    Role("administrator", "Administrator", "May do everything, and let others in.", Permissions(is_admin=True)),
    _role(
        *("operator", "Operator", "Runs the gateway: APIs, policies, keys, and what becomes of their traffic."),
        **_WATCHED,
        apis="write",
        policies="write",
        keys="write",
        system="read",
    ),
    _role(
        *("key-keeper", "Key keeper", "Gives keys to clients and takes them back; sees what they send."),
        **_WATCHED,
        apis="read",
        policies="read",
        keys="write",
    ),
    _role("analyst", "Analyst", "Sees traffic, and nothing that lets anybody in.", **_WATCHED),
    _role(
        *("auditor", "Auditor", "Reads everything, the audit log too, and changes nothing."),
        **_READ_ALL,
    ),
)


class Row(NamedTuple):
    """A line of the table of rights."""

    area: Area
    opens: Opens
    level: Level
    levels: tuple[Level, ...]  # that there are
    given: tuple[Level, ...]  # of them, those that whoever looks may give


def rows(areas: tuple[Area, ...], permissions: Permissions, giver: Permissions) -> list[Row]:
    return [_row(area, permissions, giver) for area in areas]


def _row(area: Area, permissions: Permissions, giver: Permissions) -> Row:
    levels: tuple[Level, ...] = tuple(level for level in LEVELS if level != "write" or area not in ONLY_READ)
    given = tuple(level for level in levels if giver.allows(area, level))
    opens = OPENS.get(area, Opens(area.replace("_", " ").capitalize(), NOTHING, NOTHING))
    return Row(area, opens, permissions.levels.get(area, "deny"), levels, given)


def role_named(name: str) -> Role | None:
    return next((role for role in ROLES if role.name == name), None)


def told(permissions: Permissions) -> str:
    """In one line, the wider rights first."""
    if permissions.is_admin:
        return "everything"
    parts = [text for level in ("write", "read") if (text := _told_of(permissions, level))]
    return " · ".join(parts + (["reset passwords"] if permissions.may_reset_passwords else [])) or "nothing"


def _told_of(permissions: Permissions, level: str) -> str:
    areas = [area for area in (*OPENS, *UNUSED) if permissions.levels.get(area) == level]
    words = [_word(OPENS[area].title if area in OPENS else area) for area in areas]
    return f"{level} {', '.join(words)}" if words else ""


def _word(title: str) -> str:
    """Within a sentence; what is written in capitals stays so."""
    return title if title[1:2].isupper() else title.lower()


class Table(NamedTuple):
    """The rights of a form, or of somebody, and what whoever looks may give of them."""

    rows: list[Row]
    unused: list[Row]
    is_admin: bool
    resets: bool
    may_make_admin: bool
    may_give_resets: bool


def table(permissions: Permissions, giver: Permissions) -> Table:
    used, unused = (rows(areas, permissions, giver) for areas in (tuple(OPENS), UNUSED))
    resets = permissions.may_reset_passwords
    return Table(used, unused, permissions.is_admin, resets, giver.is_admin, giver.resets_passwords)
