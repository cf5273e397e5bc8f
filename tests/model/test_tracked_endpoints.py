"""Endpoints that usage names or leaves out."""

from typing import Any

import pytest

from propylon.model.api_definition import parse_api
from propylon.model.tracked_endpoints import TrackedEndpoints, first_match
from tests.kit.definitions import keyless_api


def versions(**lists: list[dict[str, Any]]) -> dict[str, Any]:
    version = {"name": "Default", "use_extended_paths": True, "extended_paths": lists}
    return {"version_data": {"not_versioned": True, "versions": {"Default": version}}}


def tracked(**lists: list[dict[str, Any]]) -> TrackedEndpoints:
    parsed = parse_api(keyless_api("http://u/", **versions(**lists)), default_org_id="acme")
    assert (parsed.problems, parsed.warnings, parsed.guards) == ([], [], [])
    assert parsed.definition is not None
    return parsed.definition.endpoints


USERS = [
    {"path": "/users/me", "method": "GET", "disabled": True},
    {"path": "/users/{id}", "method": "GET"},
    {"path": "/users/.*", "method": "GET"},
]


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/users/me", "GET:/users/{id}"),
        ("GET", "/users/7", "GET:/users/{id}"),
        ("GET", "/users/7/orders", "GET:/users/.*"),
        ("POST", "/users/7", ""),
        ("get", "/users/7", ""),
        ("GET", "/v1/users/7", ""),
    ],
)
def test_the_first_entry_that_matches_names_the_endpoint(method: str, path: str, name: str) -> None:
    found = first_match(tracked(track_endpoints=USERS).named, method, path.encode())
    assert (found.name if found else "") == name


def test_without_extended_paths_nothing_is_tracked() -> None:
    document = versions(track_endpoints=USERS)
    del document["version_data"]["versions"]["Default"]["use_extended_paths"]
    definition = parse_api(keyless_api("http://u/", **document), default_org_id="acme").definition
    assert definition is not None
    assert definition.endpoints == TrackedEndpoints()


@pytest.mark.parametrize(
    ("entry", "at", "code"),
    [
        ({"path": "/a"}, "method", "method_missing"),
        ({"path": "/a(", "method": "GET"}, "path", "pattern_invalid"),
        ({"path": "", "method": "GET"}, "path", "pattern_invalid"),
        ({"path": 1, "method": "GET"}, "path", "wrong_type"),
        ({"path": "/a", "method": "GET", "disable": True}, "disable", "unknown_field"),
    ],
)
def test_an_entry_that_can_match_nothing_is_a_problem(entry: dict[str, Any], at: str, code: str) -> None:
    for kind in ("track_endpoints", "do_not_track_endpoints"):
        parsed = parse_api(keyless_api("http://u/", **versions(**{kind: [entry]})), default_org_id="acme")
        place = f"version_data.versions.Default.extended_paths.{kind}.0.{at}"
        assert (place, code) in [(problem.path, problem.code) for problem in parsed.problems]
