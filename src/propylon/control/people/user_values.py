"""What is written of a user or a group, judged: Tyk's names of the fields, all problems at once.

Knows no store. Fields that Tyk's answers have and nobody sets are passed over, as its clients send back what they read.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from propylon.control.envelope import Refused, listed
from propylon.control.people.passwords import why_not_taken
from propylon.errors import Problem
from propylon.model.permissions import parse_permissions, permissions_to_json
from propylon.stores.records.people import GroupRow, UserRow

NOT_SAID: Final = frozenset(
    {
        *("id", "_id", "org_id", "access_key", "created_at", "last_login_date", "password_max_days"),
        *("password_updated", "updated_at", "last_login_address", "must_change_password", "pw_history", "api_model"),
    }
)
USER_TEXTS: Final[Mapping[str, int]] = {"first_name": 100, "last_name": 100, "email_address": 254, "group_id": 64}
GROUP_TEXTS: Final[Mapping[str, int]] = {"name": 100, "description": 1_000}
EMAIL: Final = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,189}")
EMPTY_PERMISSIONS: Final = "To create a user specify at least one permission, or make them an admin."


def user_from(values: Mapping[str, Any], before: UserRow) -> UserRow:
    """`before` with what is said changed; its password is `password_from`'s. Raises Refused."""
    problems = _problems(values, {*USER_TEXTS, "active", "user_permissions", "password"}, USER_TEXTS)
    permissions, wrong = _permissions(values, before.permissions)
    problems += wrong
    problems += _moved(values, before.org_id)
    email = str(values.get("email_address", before.email)).strip().lower()
    if not EMAIL.fullmatch(email):
        problems.append(Problem("email_address", "email_malformed", "must be an e-mail address, name@host"))
    if not isinstance(values.get("active", True), bool):
        problems.append(Problem("active", "not_boolean", "must be true or false"))
    _demand_none(problems, "User object validation failed.")
    texts = {name: values[name].strip() for name in ("first_name", "last_name", "group_id") if name in values}
    active = int(values.get("active", bool(before.active)))
    return before._replace(email=email, permissions=permissions, active=active, **texts)


def password_from(values: Mapping[str, Any], email: str) -> str | None:
    """None when none is said, as an empty one keeps what there is. Raises Refused."""
    password = values.get("password")
    if password in (None, ""):
        return None
    return checked_password(password, email, "password")


def checked_password(password: object, email: str, path: str) -> str:
    """Raises Refused."""
    why = why_not_taken(password, email) if isinstance(password, str) else "must be a text"
    _demand_none([Problem(path, "password_unfit", why)] if why else [], "User object validation failed.")
    assert isinstance(password, str)
    return password


def group_from(values: Mapping[str, Any], before: GroupRow) -> GroupRow:
    """Raises Refused."""
    problems = _problems(values, {*GROUP_TEXTS, "user_permissions", "active", "password_max_days"}, GROUP_TEXTS)
    permissions, wrong = _permissions(values, before.permissions)
    problems += wrong
    problems += _moved(values, before.org_id)
    texts = {name: values[name].strip() for name in GROUP_TEXTS if isinstance(values.get(name), str)}
    if not texts.get("name", before.name):
        problems.append(Problem("name", "name_missing", "must be given"))
    _demand_none(problems, "User group object validation failed.")
    return before._replace(permissions=permissions, **texts)


def _moved(values: Mapping[str, Any], org_id: str) -> list[Problem]:
    """Nobody changes organisations: what they did would then be another one's."""
    if values.get("org_id") in (None, "", org_id):
        return []
    return [Problem("org_id", "organisation_fixed", "cannot be changed; make them anew in the other organisation")]


def _permissions(values: Mapping[str, Any], before: str) -> tuple[str, list[Problem]]:
    if "user_permissions" not in values:
        return before, []
    permissions, problems = parse_permissions(values["user_permissions"], "user_permissions")
    return json.dumps(permissions_to_json(permissions)), problems


def _problems(values: Mapping[str, Any], known: set[str], texts: Mapping[str, int]) -> list[Problem]:
    problems = [
        Problem(name, "unknown_field", f"is no field; the fields are {', '.join(sorted(known))}")
        for name in sorted(values.keys() - known - NOT_SAID)
    ]
    for name, longest in texts.items():
        text = values.get(name, "")
        if not isinstance(text, str) or len(text) > longest or not text.replace(" ", "x").isprintable():
            problems.append(Problem(name, "text_unfit", f"must be a text of at most {longest} printable characters"))
    return problems


def _demand_none(problems: list[Problem], text: str) -> None:
    if problems:
        why = f"{problems[0].path} {problems[0].message}"
        raise Refused(400, f"{text} {why}", problems=listed(problems))
