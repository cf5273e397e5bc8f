"""The forms of users and groups: what they say in the words of the control plane, and what it refused, at its field."""

import json
from collections.abc import Mapping
from typing import Any, Final

from propylon.control.envelope import Refused
from propylon.control.people.signed_in import stored_permissions
from propylon.dashboard import rights
from propylon.dashboard.differences import Difference
from propylon.dashboard.forms import Form
from propylon.model.permissions import (
    ADMIN,
    AREAS,
    IS_ADMIN,
    LEVELS,
    NO_PERMISSIONS,
    RESET_PASSWORD,
    Permissions,
    parse_permissions,
)
from propylon.stores.records.people import GroupRow, UserRow

RIGHTS: Final = "user_permissions"
USER_FIELDS: Final = ("email_address", "first_name", "last_name", "group_id")
GROUP_FIELDS: Final = ("name", "description")
WORDS: Final[Mapping[str, str]] = {
    "email_address": "E-mail address",
    "first_name": "First name",
    "last_name": "Last name",
    "group_id": "Group",
    "name": "Name",
    "description": "Description",
    RIGHTS: "Rights",
}
# Refusals that speak of a form's field without naming it; "" stands above the form.
PLACES: Final[Mapping[str, str]] = {
    "email_taken": "email_address",
    "group_unknown": "group_id",
    "permissions_missing": RIGHTS,
    "permission_beyond_own": RIGHTS,
    "last_administrator": "",
    "users_exhausted": "",
    "groups_exhausted": "",
    "name_taken": "name",
}


def user_values(form: Form) -> dict[str, Any]:
    return {**{name: form.text(name) for name in USER_FIELDS}, RIGHTS: permissions_in(form)}


def group_values(form: Form) -> dict[str, Any]:
    return {**{name: form.text(name) for name in GROUP_FIELDS}, RIGHTS: permissions_in(form)}


def permissions_in(form: Form) -> dict[str, str]:
    """As Tyk writes them; a level that is none stays, so that it is refused by name."""
    said: dict[str, str] = {area: form.text(f"right:{area}") for area in AREAS}
    document = {area: level for area, level in said.items() if level not in ("", LEVELS[0])}
    document |= {IS_ADMIN: ADMIN} if form.text("is_admin") else {}
    return document | ({RESET_PASSWORD: ADMIN} if form.text("resets") else {})


def values_of(row: UserRow | GroupRow) -> dict[str, Any]:
    """As a form that changes it begins."""
    if isinstance(row, UserRow):
        texts = {"email_address": row.email, "first_name": row.first_name, "last_name": row.last_name}
        return {**texts, "group_id": row.group_id, RIGHTS: json.loads(row.permissions)}
    return {"name": row.name, "description": row.description, RIGHTS: json.loads(row.permissions)}


def permissions_of(values: Mapping[str, Any]) -> Permissions:
    """Those that a form shows: none where what was sent is no such thing."""
    permissions, problems = parse_permissions(values[RIGHTS], RIGHTS)
    return NO_PERMISSIONS if problems else permissions


def errors_of(refused: Refused) -> dict[str, str]:
    """By field. What does not speak of the form is raised again: 404, a right that is missing."""
    problems = refused.members.get("problems")
    if problems:
        return {one["path"].partition(".")[0]: f"It {one['message']}." for one in reversed(problems)}
    code = refused.members.get("code", "")
    if code not in PLACES:
        raise refused
    text = refused.message.rstrip(".")
    return {PLACES[code]: f"{text[:1].upper()}{text[1:]}."}


def differences(row: UserRow | GroupRow, typed: Mapping[str, Any], groups: Mapping[str, str]) -> list[Difference]:
    """Of a lost race, by the words of the form. `groups`: their names by id."""
    stored = values_of(row)
    pairs = [(name, _shown(name, stored[name], groups), _shown(name, typed[name], groups)) for name in stored]
    return [Difference(WORDS[name], before, after) for name, before, after in pairs if before != after]


def _shown(name: str, value: Any, groups: Mapping[str, str]) -> str:
    if name == RIGHTS:
        return rights.told(stored_permissions(json.dumps(value)) if value else NO_PERMISSIONS)
    return groups.get(value, value) if name == "group_id" else str(value)
