"""What a user may do, as dashboard-api.md §6 and dashboard-screens.md §5 say."""

from typing import Any

import pytest

from propylon.model.permissions import (
    AREAS,
    EVERYTHING,
    NO_PERMISSIONS,
    Permissions,
    parse_permissions,
    permissions_to_json,
    united,
)


def permissions(**levels: Any) -> Permissions:
    found, problems = parse_permissions(levels, "user_permissions")
    assert problems == []
    return found


@pytest.mark.parametrize(
    ("given", "allowed"),
    [("deny", []), ("read", ["deny", "read"]), ("write", ["deny", "read", "write"])],
)
def test_a_level_allows_itself_and_what_is_below(given: str, allowed: list[str]) -> None:
    levels = ("deny", "read", "write")
    assert [level for level in levels if permissions(keys=given).allows("keys", level)] == (allowed or ["deny"])  # type: ignore[arg-type]


def test_what_has_no_entry_is_denied_and_an_empty_object_makes_no_administrator() -> None:
    assert not permissions(keys="write").allows("apis", "read")
    assert not any(NO_PERMISSIONS.allows(area, "read") for area in AREAS)


def test_an_administrator_may_do_everything() -> None:
    admin = permissions(IsAdmin="admin", keys="deny")
    assert all(admin.allows(area, "write") for area in AREAS)


def test_of_a_user_and_their_group_the_more_generous_level_counts() -> None:
    both = united(permissions(keys="write", apis="deny"), permissions(keys="read", apis="read", logs="read"))
    assert permissions_to_json(both) == {"apis": "read", "keys": "write", "logs": "read"}
    assert united(NO_PERMISSIONS, permissions(IsAdmin="admin")).is_admin
    assert united(permissions(ResetPassword="admin"), NO_PERMISSIONS).may_reset_passwords


@pytest.mark.parametrize(
    ("mine", "theirs", "covered"),
    [
        ({"users": "write"}, {"users": "read"}, True),
        ({"users": "write"}, {"keys": "read"}, False),
        ({"users": "write"}, {"keys": "deny"}, True),
        ({"users": "write"}, {"IsAdmin": "admin"}, False),
        ({"users": "write"}, {"ResetPassword": "admin"}, True),
        ({"keys": "write"}, {"ResetPassword": "admin"}, False),
        ({"IsAdmin": "admin"}, {"IsAdmin": "admin"}, True),
    ],
)
def test_nobody_covers_more_than_theirs(mine: dict[str, str], theirs: dict[str, str], covered: bool) -> None:
    assert permissions(**mine).covers(permissions(**theirs)) is covered
    assert EVERYTHING.covers(permissions(**theirs))


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ("x", "p"),
        ({"kyes": "read"}, "p.kyes"),
        ({"keys": "all"}, "p.keys"),
        ({"keys": 1}, "p.keys"),
        ({"analytics": "write"}, "p.analytics"),
        ({"IsAdmin": True}, "p.IsAdmin"),
        ({"ResetPassword": "yes"}, "p.ResetPassword"),
    ],
)
def test_what_is_no_permission_is_named(document: object, path: str) -> None:
    found, problems = parse_permissions(document, "p")
    assert (found, [problem.path for problem in problems]) == (NO_PERMISSIONS, [path])


def test_tyk_s_other_word_for_logs_is_read() -> None:
    assert permissions(log="read").allows("logs", "read")


def test_what_is_written_is_read_back_the_same() -> None:
    whole = permissions(keys="write", IsAdmin="admin", ResetPassword="admin", hooks="deny")
    assert parse_permissions(permissions_to_json(whole), "p") == (whole, [])
