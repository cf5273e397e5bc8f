"""The rules of auth.md §5, each by its number: what a key may do on an API, and which of its limits holds there.

A-5 speaks of events, which are not here. The limits are charged to real meters, so what counts is who is refused when.
"""

from typing import Any

import pytest

from propylon.model.session import parse_session
from tests.kit.client import request
from tests.kit.data_path import data_path
from tests.kit.definitions import policy, session, token_api
from tests.kit.origin import Origin

DISALLOWED = (403, "Access to this API has been disallowed")
RESOURCE = (403, "Access to this resource has been disallowed")
LET_IN = (200, "")
VERSIONS = {"not_versioned": False, "default_version": "v1", "versions": {"v1": {"name": "v1"}}}
VERSIONED = {"version_data": VERSIONS}
ONE_VERSION = {"version_data": {"not_versioned": False, "versions": {"v1": {"name": "v1"}}}}


def with_right(api_id: str = "token", /, **right: Any) -> dict[str, Any]:
    """A key with one right."""
    return session(access_rights={api_id: {"api_id": api_id, "versions": ["Default"]} | right})


def urls(*patterns: str, methods: tuple[str, ...] = ("GET",)) -> dict[str, Any]:
    return with_right(allowed_urls=[{"url": url, "methods": list(methods)} for url in patterns])


RULES: list[tuple[str, dict[str, Any], dict[str, Any], str, tuple[int, str]]] = [
    ("A-1: no rights, ours", {}, session(), "GET /", DISALLOWED),
    ("A-2: another API's right", {}, session("another"), "GET /", DISALLOWED),
    ("A-2: this API's right", {}, session("another", "token"), "GET /", LET_IN),
    ("A-3: not versioned, so no version is asked", {}, with_right(versions=["v9"]), "GET /", LET_IN),
    ("A-4: the default version", VERSIONED, with_right(versions=["v0", "v1"]), "GET /", LET_IN),
    ("A-4: the only version", ONE_VERSION, with_right(versions=["v1"]), "GET /", LET_IN),
    ("A-4: another version", VERSIONED, with_right(versions=["v2"]), "GET /", DISALLOWED),
    ("A-4: no version", VERSIONED, with_right(versions=[]), "GET /", DISALLOWED),
    ("A-6: an empty list", {}, with_right(allowed_urls=[]), "DELETE /x", LET_IN),
    ("A-6: a list denies the rest", {}, urls("/x"), "GET /y", RESOURCE),
    ("A-6: and admits what it names", {}, urls("/x", "/y"), "GET /y", LET_IN),
    ("A-7: another method", {}, urls("/x"), "POST /x", RESOURCE),
    ("A-7: one of the methods", {}, urls("/x", methods=("GET", "POST")), "POST /x", LET_IN),
    ("A-7: in small letters", {}, urls("/x", methods=("get",)), "GET /x", RESOURCE),
    ("A-7: no methods", {}, urls("/x", methods=()), "GET /x", RESOURCE),
    ("A-8: {name} is one segment", {}, urls("/u/{id}"), "GET /u/7", LET_IN),
    ("A-8: and not two", {}, urls("/u/{id}"), "GET /u/7/x", RESOURCE),
    ("A-8: * within is one segment", {}, urls("/u/*/x"), "GET /u/7/x", LET_IN),
    ("A-8: and not two either", {}, urls("/u/*/x"), "GET /u/7/8/x", RESOURCE),
    ("A-8: * at the end is all", {}, urls("/u/*"), "GET /u/7/8", LET_IN),
    ("A-9: the whole path, ours", {}, urls("/users"), "GET /users-export", RESOURCE),
    ("A-9: from its beginning, ours", {}, urls("/users"), "GET /x/users", RESOURCE),
    ("A-9: with the listen path too", {}, urls("/token/users"), "GET /users", LET_IN),
    ("A-9: no slash, so any beginning", {}, urls("users"), "GET /x/users", LET_IN),
    ("A-10: no match", {}, urls("/a", "/b"), "GET /c", RESOURCE),
]


@pytest.mark.parametrize(("api", "key", "call", "expected"), [row[1:] for row in RULES], ids=[row[0] for row in RULES])
def test_rule(api: dict[str, Any], key: dict[str, Any], call: str, expected: tuple[int, str]) -> None:
    method, target = call.split()
    with Origin() as origin, data_path(token_api(origin.url, **api), keys={"k-1": key}) as path:
        answer = request(method, f"{path.url}/token{target}", fields={"Authorization": "k-1"})
        assert (answer.status, "" if answer.status == 200 else answer.json()["error"]) == expected
        assert len(origin.requests) == (expected == LET_IN)


@pytest.mark.parametrize("asked", ["v1", "v2", ""])
def test_a4_where_there_is_one_version_no_request_chooses(asked: str) -> None:
    """A-4, ours: Tyk refuses `v2`."""
    api = VERSIONED | {"definition": {"location": "header", "key": "x-version"}}
    keys = {"k-1": with_right(versions=["v1"])}
    with Origin() as origin, data_path(token_api(origin.url, **api), keys=keys) as path:
        fields = {"Authorization": "k-1", "X-Version": asked}
        assert request("GET", f"{path.url}/token/", fields=fields).status == 200


def test_a10_a_pattern_that_is_no_expression_is_refused_when_it_is_written() -> None:
    """A-10: Tyk leaves it out in silence."""
    problems = parse_session(urls("/fine", "/("))[1]
    assert [(one.path, one.code) for one in problems] == [
        ("access_rights.token.allowed_urls[1].url", "pattern_invalid")
    ]


def endpoint(path: str, method: str, rate: float, per: float = 60) -> dict[str, Any]:
    return {"path": path, "methods": [{"name": method, "limit": {"rate": rate, "per": per}}]}


def endpoints(*listed: dict[str, Any], **members: Any) -> dict[str, Any]:
    return with_right("one", endpoints=list(listed)) | members


def both(first: dict[str, Any] | None = None, second: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """A key with a right to each of two APIs, with these limits of their own."""
    limits = {"one": first, "two": second}
    rights = {name: {"api_id": name, "versions": ["Default"], "limit": limit} for name, limit in limits.items()}
    return session(access_rights=rights, **members)


ONCE = {"rate": 1, "per": 60}
OFTEN = {"rate": 100, "per": 60}
HOURLY = {"quota_renewal_rate": 3600}
PER_API = {"partitions": {"per_api": True}}
LIMITED = {"one": {"api_id": "one", "limit": {"quota_max": 1} | HOURLY}, "two": {"api_id": "two"}}
POLICIES = [
    policy("both", "one", "two", quota_max=2, **HOURLY),
    policy("first", "one", quota_max=1, **HOURLY),
    policy("second", "two", quota_max=1, **HOURLY),
    policy("after", "one", "two", quota_max=1, **HOURLY),
    policy("apart", quota_max=2, **HOURLY, **PER_API) | {"access_rights": LIMITED},
]
A_OFTEN = endpoint("/a", "GET", 100)
COUNTED: list[tuple[str, dict[str, Any], str, str]] = [
    ("A-11: a limit of its own replaces every number", both({"rate": 100, "per": 60}, quota_max=1), "1 1 1", "+++"),
    ("A-11: an empty one leaves the key's", both({"rate": 0, "quota_max": 0}, **ONCE), "1 1", "+-"),
    ("A-11: none leaves the key's", both(quota_max=1, **HOURLY), "1 1", "+-"),
    ("A-11: one number says that it is not empty", both({"quota_max": 2} | HOURLY, **ONCE), "1 1 1", "++-"),
    ("A-12: an endpoint's rate, its method in any case", endpoints(endpoint("/a", "get", 1)), "1/a 1/a 1/b", "+-+"),
    ("A-12: the first that matches", endpoints(endpoint("/*", "GET", 1), A_OFTEN), "1/a 1/a", "+-"),
    ("A-12: one without the method is passed over", endpoints(endpoint("/a", "PUT", 1), A_OFTEN), "1/a 1/a", "++"),
    ("A-12: counted apart", endpoints(endpoint("/a", "GET", 1), **ONCE), "1/a 1/b 1/a 1/b", "++--"),
    ("A-12: the quota stays the key's", endpoints(A_OFTEN, quota_max=2, **HOURLY), "1/a 1/b 1/a", "++-"),
    ("A-12: without the listen path", endpoints(endpoint("/one/a", "GET", 100), **ONCE), "1/a 1/a", "+-"),
    ("A-12: a rate of 0 says nothing, ours", endpoints(endpoint("/a", "GET", 0, 0), **ONCE), "1/a 1/a", "+-"),
    ("A-12: so the next one holds", endpoints(endpoint("/a", "GET", 0, 0), A_OFTEN, **ONCE), "1/a 1/a", "++"),
    ("A-13, P-27: the key's numbers are counted together", both(quota_max=2, **HOURLY), "1 2 1", "++-"),
    ("A-13, P-27: its own apart", both({"quota_max": 1}, {"quota_max": 1}), "1 2 1 2", "++--"),
    ("A-13, P-27: one of its own, the other the key's", both({"quota_max": 1}, quota_max=1), "1 2 1 2", "++--"),
    ("A-13, P-28: of one policy together", session(apply_policies=["both"]), "1 2 1", "++-"),
    ("A-13, P-28: of two apart", session(apply_policies=["first", "second"]), "1 2 1 2", "++--"),
    ("A-13, P-28: by who spoke last", session(apply_policies=["first", "after"]), "1 2 1 2", "+---"),
    ("A-13, P-22: per API apart", session(apply_policies=["apart"]), "1 2 1 2 2", "++-+-"),
]


@pytest.mark.parametrize(("key", "calls", "outcomes"), [row[1:] for row in COUNTED], ids=[row[0] for row in COUNTED])
def test_counted(key: dict[str, Any], calls: str, outcomes: str) -> None:
    """`calls` are an API and a path each; of the outcomes + is let in, - is over a limit."""
    names = {"1": "one", "2": "two"}
    with Origin() as origin:
        apis = [token_api(origin.url, name) for name in names.values()]
        with data_path(*apis, keys={"k-1": key}, policies=POLICIES) as path:
            targets = [f"{path.url}/{names[call[0]]}{call[1:] or '/'}" for call in calls.split()]
            statuses = [request("GET", target, fields={"Authorization": "k-1"}).status for target in targets]
    assert "".join("+" if status == 200 else "-" if status in (403, 429) else "?" for status in statuses) == outcomes
