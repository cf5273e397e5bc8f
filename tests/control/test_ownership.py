"""What another organisation owns is as unknown to a bounded caller as what is not there: every route, tried.

Each row asks a route twice, for something of another organisation and for something that nobody has; nothing but the
name that was asked for may differ between the two answers. The words of the other organisation begin with `canary`.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from starlette.datastructures import QueryParams

from propylon.control.answering import Resource, answered
from propylon.control.app import READS, WRITES
from propylon.control.call import Answer, Call
from propylon.control.envelope import Refused
from propylon.control.housekeeping import Housekeeping
from propylon.steps.subjects import subject_hash
from propylon.stores.records.leadership import Leadership
from propylon.stores.records.writes import Actor
from propylon.telemetry.traces import Traces
from propylon.usage.line import Line, LogEntry, Sighting, encode
from tests.control.conftest import GatewayApi
from tests.kit.definitions import keyless_api, policy, session, token_api
from tests.kit.tokens import SECRET

NOW = 1_800_000_000
MINE, THEIRS = "mine", "canary-org"
USER = Actor("user", "u1")
RESOURCES: dict[str, tuple[Resource, bool]] = {
    f"{method} {path}": (resource, writes)
    for routes, writes in ((READS, False), (WRITES, True))
    for method, path, resource in routes
}
SEEN = Sighting(subject_hash(THEIRS, "canary-idp", "canary-subject"), THEIRS, "canary-idp", "canary-subject", [])
TRACE, NO_TRACE = (Traces(lambda: NOW - 60.0).make() for _ in range(2))
CELL = ["canary-api", "k1", 200, "", "", 3, 10, 100, {"40": 3}]
ENTRY = LogEntry(NOW - 60.0, "canary-api", "k1", "f" * 64, "canary", "GET", "/", 403, "", 5, 0, "1.1.1.1", 1, TRACE)
KEYS = {"canary-key": session("canary-api", org_id=THEIRS, alias="canary-alias")} | {
    "canary-jwt": session("canary-api", org_id=THEIRS, jwt_data={"secret": SECRET})
}


class World(NamedTuple):
    api: GatewayApi
    key_hashes: list[str]  # theirs

    def ask(self, route: str, query: str = "", body: Any = None, **path: str) -> Answer | Refused:
        resource, writes = RESOURCES[route]
        raw = b"" if body is None else json.dumps(body).encode()
        call = Call(USER, MINE, path, QueryParams(query), body=raw)
        answer: Answer | Refused = self.api.run(answered(self.api.desk, resource, call, writes=writes, what=route))
        return answer


@pytest.fixture
def world(api: GatewayApi) -> World:
    return _world(api)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """For what changes nothing."""
    loop = asyncio.new_event_loop()
    api = GatewayApi(tmp_path_factory.mktemp("untouched"), loop)
    yield _world(api)
    api.close()
    loop.close()


def _world(api: GatewayApi) -> World:
    api.call("POST", "/tyk/apis", token_api("http://u/", "mine-api", org_id=MINE))
    api.call("POST", "/tyk/apis", token_api("http://u/", "canary-api", org_id=THEIRS, dont_set_quota_on_create=True))
    api.call("POST", "/tyk/policies", policy("canary-policy", "canary-api", org_id=THEIRS))
    hashes = [api.call("POST", f"/tyk/keys/{name}", body).json()["key_hash"] for name, body in KEYS.items()]
    api.call("POST", "/tyk/keys/mine-key", session("mine-api", org_id=MINE))
    imported = session("canary-api", org_id=THEIRS, alias="canary-import") | {"legacy_hash": "ab" * 8}
    assert api.call("POST", "/tyk/keys/import", imported).status_code == 200
    theirs = {"org_id": THEIRS}
    for body in ({"subject": "canary-subject"} | theirs, {"key": "canary-key"} | theirs, {"jti": "j"}):
        assert api.call("POST", "/tyk/revoke", body).status_code == 200
    line = json.loads(encode(Line(NOW // 60, [], [ENTRY], {}, [SEEN]))) | {"cells": [CELL]}
    api.run(api.meters.enqueue([json.dumps(line).encode()]))
    api.run(Housekeeping(api.desk, api.meters, Leadership(""), lambda: None).drain())
    return World(api, hashes)


class Row(NamedTuple):
    """`<>` in path, query and body is the name: theirs, then one that is not there."""

    route: str
    theirs: str
    missing: str
    path: dict[str, str] = {}
    query: str = ""
    body: Any = None


def of_key(route: str, body: Any = None, **more: str) -> Iterator[Row]:
    """By ID, by the hashes of a token and of a key that verifies JWTs, and said to be hashes."""
    for theirs, missing in (("canary-key", "no-key"), ("hash:0", "0" * 64), ("hash:1", "0" * 64)):
        yield Row(route, theirs, missing, {"key_id": "<>", **more}, "", body)
        yield Row(route, theirs, missing, {"key_id": "<>", **more}, "hashed=1", body)


def of_api(route: str, body: Any = None) -> Row:
    return Row(route, "canary-api", "no-api", {"api_id": "<>"}, "", body)


def of_policy(route: str, body: Any = None) -> Row:
    return Row(route, "canary-policy", "no-policy", {"policy_id": "<>"}, "", body)


def of_identity(route: str) -> Row:
    return Row(route, f"s{SEEN.key_hash[:32]}", f"s{'0' * 32}", {"record": "<>"})


RIGHT = session("<>", org_id=MINE)
RENAMED = {**token_api("http://u/", "<>"), "org_id": MINE}
RULES = policy("<>", "mine-api", org_id=MINE)
FOUND_BY = [("canary-key", "no-key"), ("hash:0", "0" * 64), ("hash:1", "0" * 64), ("canary-alias", "no-alias")] + [
    ("canary-subject", "no-subject"),
    ("k1", "k999"),
    ("canary-jwt", "no-jwt"),
    ("ab" * 8, "cd" * 8),
    (f"s{SEEN.key_hash[:32]}", f"s{'0' * 32}"),
    (SEEN.key_hash, "0" * 64),
]
ROWS = [
    of_api("GET /tyk/apis/{api_id}"),
    of_api("GET /tyk/apis/{api_id}/versions"),
    of_api("PUT /tyk/apis/{api_id}", RENAMED),
    of_api("DELETE /tyk/apis/{api_id}"),
    of_api("DELETE /tyk/cache/jwks/{api_id}"),
    of_api("DELETE /tyk/cache/{api_id}"),
    of_policy("GET /tyk/policies/{policy_id}"),
    of_policy("GET /tyk/policies/{policy_id}/lint"),
    of_policy("PUT /tyk/policies/{policy_id}", RULES),
    of_policy("DELETE /tyk/policies/{policy_id}"),
    of_policy("POST /tyk/policies/{policy_id}", RULES),
    Row("POST /tyk/policies", "canary-policy", "no-policy", {}, "", RULES),
    Row("POST /tyk/policies", "canary-api", "no-api", {}, "overwrite=1", policy("p", "<>", org_id=MINE)),
    *of_key("GET /tyk/keys/{key_id}"),
    *of_key("GET /tyk/keys/{key_id}/effective"),
    *of_key("GET /tyk/keys/{key_id}/ring"),
    *of_key("PUT /tyk/keys/{key_id}", session("mine-api", org_id=MINE)),
    *of_key("DELETE /tyk/keys/{key_id}"),
    *of_key("POST /tyk/keys/policy/{key_id}", {"apply_policies": ["p"]}),
    *of_key("POST /tyk/keys/{key_id}/rotate", {}),
    *of_key("POST /tyk/keys/{key_id}/ring/{generation}/retire", generation="1"),
    *of_key("POST /tyk/keys/{key_id}/suspend"),
    *of_key("POST /tyk/keys/{key_id}/resume"),
    *of_key("POST /tyk/keys/{key_id}/renew"),
    *of_key("POST /tyk/keys/{key_id}/extend", {"by_s": 60}),
    *of_key("POST /tyk/keys/{key_id}/reset-quota"),
    Row("POST /tyk/keys/preview", "canary-api", "no-api", {}, "", RIGHT),
    Row("POST /tyk/keys/preview", "canary-policy", "no-policy", {}, "", session(org_id=MINE, apply_policies=["<>"])),
    Row("PUT /tyk/keys/{key_id}", "canary-api", "no-api", {"key_id": "mine-key"}, "", RIGHT),
    Row("GET /tyk/keys", "canary-api", "no-api", {}, "api_id=<>"),
    Row("GET /tyk/keys", "canary-alias", "no-alias", {}, "alias=<>&details=1"),
    *(Row("GET /tyk/keys/find", theirs, missing, {}, "q=<>") for theirs, missing in FOUND_BY),
    of_identity("GET /tyk/identities/{record}"),
    of_identity("POST /tyk/identities/{record}/suspend"),
    of_identity("POST /tyk/identities/{record}/resume"),
    Row("GET /tyk/identities", "canary-subject", "no-subject", {}, "subject=<>"),
    Row("POST /tyk/revoke", "canary-key", "no-key", {}, "", {"key": "<>"}),
    Row("POST /tyk/revoke", "hash:0", "0" * 64, {}, "", {"key": "<>"}),
    Row("DELETE /tyk/revocations/{kind}", "canary-subject", "no-subject", {"kind": "subject"}, "value=<>"),
    *(
        Row("DELETE /tyk/revocations/{kind}/{value}", theirs, missing, {"kind": kind, "value": "<>"})
        for kind, theirs, missing in [
            ("subject", "canary-subject", "no-subject"),
            ("key", "canary-key", "no-key"),
            ("key", "hash:0", "0" * 64),
            ("key", "k1", "k999"),
            ("jti", "j", "k"),
        ]
    ),
    Row("POST /tyk/explain", "canary-api", "no-api", {}, "", {"api_id": "<>", "key": "canary-key"}),
    Row("POST /tyk/explain", "/canary-api/x", "/no-api/x", {}, "", {"path": "<>", "key": "canary-key"}),
    Row("POST /tyk/explain", "canary-key", "nobodyskey", {}, "", {"api_id": "mine-api", "key": "<>"}),
    Row("GET /tyk/explain/{trace}", TRACE, NO_TRACE, {"trace": "<>"}),
    Row("GET /tyk/usage", "canary-api", "no-api", {}, "by=api_id&api_id=<>"),
    Row("GET /tyk/logs", "canary-api", "no-api", {}, "api_id=<>"),
    Row("GET /tyk/logs", "k1", "k999", {}, "identity=<>"),
    Row("POST /tyk/imports/pin", "canary-key", "no-key", {}, "", {"org_id": MINE, "key_id": "<>", "token": ""}),
]
LISTS = [
    ("GET /tyk/apis", ""),
    ("GET /tyk/policies", ""),
    ("GET /tyk/keys", "details=1"),
    ("GET /tyk/identities", ""),
    ("GET /tyk/revocations", ""),
    ("GET /tyk/usage", "by=api_id"),
    ("GET /tyk/logs", ""),
    ("GET /tyk/keys/audit-hashes", ""),
    ("GET /tyk/nodes", ""),
]
OF_ALL = ["GET /tyk/metrics", "GET /tyk/reload", "GET /tyk/reload/group", "DELETE /tyk/cache/jwks"]
OF_NOTHING = ["PUT /tyk/policies", "DELETE /tyk/policies"]
TAKEN = ["POST /tyk/apis", "POST /tyk/apis/{api_id}"]
MAKING = ["POST /tyk/keys", "POST /tyk/keys/create", "POST /tyk/keys/{key_id}", "POST /tyk/keys/import"]


def test_every_route_is_tried_here() -> None:
    tried = {row.route for row in ROWS} | {route for route, _ in LISTS} | {*OF_ALL, *TAKEN, *MAKING, *OF_NOTHING}
    assert tried == set(RESOURCES)


@pytest.mark.parametrize("row", ROWS, ids=[f"{number} {row.route}" for number, row in enumerate(ROWS)])
def test_what_is_another_organisation_s_is_answered_as_what_is_not_there(
    row: Row, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue("untouched" if row.route.startswith("GET ") else "world")
    theirs = world.key_hashes[int(row.theirs[-1])] if row.theirs.startswith("hash:") else row.theirs
    told, before = _told(world, row, theirs), _theirs(world)
    assert told == _told(world, row, row.missing)
    assert before == _theirs(world)


@pytest.mark.parametrize(("route", "query"), LISTS)
def test_lists_hold_nothing_of_another_organisation(untouched: World, route: str, query: str) -> None:
    answer = untouched.ask(route, query)
    assert isinstance(answer, Answer)
    text = json.dumps(answer.document)
    assert "canary" not in text
    assert not any(key_hash in text for key_hash in untouched.key_hashes)
    assert answer.document not in ([], {"keys": []}) or route in ("GET /tyk/policies",)


@pytest.mark.parametrize("route", OF_ALL)
def test_what_is_of_every_organisation_is_refused_to_one(untouched: World, route: str) -> None:
    refused = untouched.ask(route)
    assert isinstance(refused, Refused)
    assert (refused.status, refused.members["code"]) == (403, "not_of_one_organisation")


@pytest.mark.parametrize(
    ("route", "body", "path"),
    [
        ("POST /tyk/keys", session("mine-api"), {}),
        ("POST /tyk/keys/{key_id}", session("mine-api"), {"key_id": "new"}),
        ("PUT /tyk/keys/{key_id}", session("mine-api"), {"key_id": "mine-key"}),
        ("POST /tyk/keys/import", {"keys": [session("mine-api") | {"legacy_hash": "cd" * 8}], "org_id": MINE}, {}),
        ("POST /tyk/policies", policy("new", "mine-api"), {}),
        ("PUT /tyk/policies/{policy_id}", policy("new", "mine-api"), {"policy_id": "new"}),
        ("POST /tyk/apis", keyless_api("http://u/", "new"), {}),
        ("PUT /tyk/apis/{api_id}", token_api("http://u/", "mine-api"), {"api_id": "mine-api"}),
        ("POST /tyk/revoke", {"jti": "x"}, {}),
    ],
)
@pytest.mark.parametrize("named", [THEIRS, "nobodys-org"])
def test_a_write_that_names_another_organisation_is_403_whether_there_is_one_or_not(
    untouched: World, route: str, body: dict[str, Any], path: dict[str, str], named: str
) -> None:
    revision = untouched.api.revision()
    inner = {"keys": [body["keys"][0] | {"org_id": named}]} if "keys" in body else {"org_id": named}
    asked = (body | inner, ""), (body, f"org_id={named}")
    for refused in [untouched.ask(route, query, given, **path) for given, query in asked]:
        assert isinstance(refused, Refused)
        assert (refused.status, refused.members["code"]) == (403, "organisation_not_yours")
    assert untouched.api.revision() == revision


@pytest.mark.parametrize(
    ("route", "body", "read"),
    [
        ("POST /tyk/keys/{key_id}", session("mine-api"), "/tyk/keys/new?org_id=mine"),
        ("POST /tyk/policies", policy("new", "mine-api"), "/tyk/policies/new"),
        ("POST /tyk/apis", keyless_api("http://u/", "new"), "/tyk/apis/new"),
    ],
)
def test_what_is_written_without_an_organisation_is_the_caller_s(
    world: World, route: str, body: dict[str, Any], read: str
) -> None:
    del body["org_id"]
    made = world.ask(route, "", body, **({"key_id": "new"} if "{key_id}" in route else {}))
    assert isinstance(made, Answer)
    assert world.api.call("GET", read).json()["org_id"] == MINE
    again = world.ask(route, "", {**body, "org_id": MINE}, key_id="new")
    assert isinstance(again, Answer), "naming it is the same"


def test_a_taken_listen_path_is_told_without_whose_it_is(world: World) -> None:
    wanted = keyless_api(
        "http://u/", "new", org_id=MINE, proxy={"listen_path": "/canary-api/", "target_url": "http://u/"}
    )
    refused = world.ask("POST /tyk/apis", "", wanted)
    assert isinstance(refused, Refused)
    assert (refused.status, refused.members["code"]) == (409, "listen_path_taken")
    assert refused.members["problems"][0]["message"] == "is taken; choose another"
    assert "API " not in refused.message


@pytest.mark.parametrize("route", TAKEN)
def test_an_api_id_of_another_organisation_is_neither_told_nor_overwritten(world: World, route: str) -> None:
    refused = world.ask(route, "overwrite=1", RENAMED | {"api_id": "canary-api"}, api_id="canary-api")
    assert isinstance(refused, Refused)
    assert (refused.status, refused.members) == (409, {"code": "api_id_taken"})
    assert world.api.call("GET", "/tyk/apis/canary-api").json()["org_id"] == THEIRS


def test_a_bounded_caller_s_revocation_is_of_its_organisation_alone(world: World) -> None:
    answer = world.ask("POST /tyk/revoke", "", {"jti": "x"})
    assert isinstance(answer, Answer)
    world.ask("POST /tyk/revoke", "", {"key": "mine-key"})
    listed = world.ask("GET /tyk/revocations")
    assert isinstance(listed, Answer)
    shown = [(one["kind"], one["org_id"]) for one in json.loads(json.dumps(listed.document))["revocations"]]
    assert shown == [("jti", MINE), ("key", "")]


def test_a_bounded_caller_puts_no_reference_to_what_is_the_gateway_s(world: World) -> None:
    """Through a target it could have the gateway's environment sent anywhere."""
    reading = keyless_api(
        "http://u/", "mine-api", org_id=MINE, proxy={"listen_path": "/mine-api/", "target_url": "env://HOME"}
    )
    refused = world.ask("PUT /tyk/apis/{api_id}", "", reading, api_id="mine-api")
    assert isinstance(refused, Refused)
    assert (refused.status, refused.members["code"]) == (403, "reference_not_yours")
    assert refused.message.startswith("proxy.target_url ")


def test_a_reference_that_the_gateway_s_owner_put_there_stays_where_it_is(world: World) -> None:
    stored = token_api("http://u/", "mine-api", org_id=MINE, jwt_source="env://HOME")
    assert world.api.call("PUT", "/tyk/apis/mine-api", stored).status_code == 200
    kept = world.ask("PUT /tyk/apis/{api_id}", "", stored | {"name": "renamed"}, api_id="mine-api")
    assert isinstance(kept, Answer)
    moved = world.ask("PUT /tyk/apis/{api_id}", "", stored | {"domain": "env://HOME"}, api_id="mine-api")
    assert isinstance(moved, Refused)


def test_a_target_may_be_one_that_the_organisation_s_requests_go_to_already(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSTREAM", "http://127.0.0.1:1/")
    placed = {"listen_path": "/mine-api/", "target_url": "env://UPSTREAM"}
    stored = keyless_api("", "mine-api", org_id=MINE, proxy=placed)
    assert world.api.call("PUT", "/tyk/apis/mine-api", stored).status_code == 200
    new = keyless_api("", "new-api", org_id=MINE, proxy=placed | {"listen_path": "/new-api/"})
    assert isinstance(world.ask("POST /tyk/apis", "", new), Answer)
    other = keyless_api("", "other-api", org_id=MINE, proxy={"listen_path": "/other/", "target_url": "env://HOME"})
    refused = world.ask("POST /tyk/apis", "", other)
    assert isinstance(refused, Refused)
    assert refused.members["code"] == "reference_not_yours"


def test_an_api_id_that_changes_hands_does_not_bring_its_old_entries_along(world: World) -> None:
    entry = [float(NOW), "canary-api", "", "", "", "GET", "/canary-api/x", 403, "key_unknown", 5, 0, "192.0.2.1", 1, ""]
    cell = ["canary-api", "", 403, "key_unknown", "", 1, 0, 0, {"5": 1}]
    line = {"minute": NOW // 60, "cells": [cell], "log": [entry], "gauges": {}}
    api = world.api
    api.run(api.meters.enqueue([json.dumps(line).encode()]))
    api.run(Housekeeping(api.desk, api.meters, Leadership(""), lambda: None).drain())
    assert api.call("DELETE", "/tyk/apis/canary-api").status_code == 200
    assert api.call("POST", "/tyk/apis", token_api("http://u/", "canary-api", org_id=MINE)).status_code == 200
    answer = world.ask("GET /tyk/logs")
    assert isinstance(answer, Answer)
    assert answer.document == {"logs": []}
    everything = api.call("GET", "/tyk/logs").json()["logs"]
    assert [one["path"] for one in everything if one["reason"] == "key_unknown"] == ["/canary-api/x"]


def test_a_row_would_notice_a_difference(world: World) -> None:
    """The same comparison for what is the caller's own."""
    row = Row("GET /tyk/apis/{api_id}", "mine-api", "no-api", {"api_id": "<>"})
    assert _told(world, row, row.theirs) != _told(world, row, row.missing)


def _told(world: World, row: Row, name: str) -> str:
    """What is told, with what was asked for and what differs by chance or by how often it was asked taken out."""
    path = {key: value.replace("<>", name) for key, value in row.path.items()}
    body = None if row.body is None else json.loads(json.dumps(row.body).replace("<>", name))
    answer = world.ask(row.route, row.query.replace("<>", name), body, **path)
    if isinstance(answer, Refused):
        text = json.dumps([answer.status, answer.message, dict(answer.headers), answer.members])
    else:
        text = json.dumps([answer.status, answer.document])
        assert isinstance(answer.document, dict | list)
    own_hash = world.api.desk.sealing.key_hash(MINE, name)  # which an explanation shows of whatever is asked for
    text = text.replace(name, "NAME").replace(own_hash, "HASH")
    assert "canary" not in text.replace("canary-key", ""), text
    return re.sub('"revision": [0-9]+', "", text)


def _theirs(world: World) -> list[Any]:
    """All that the other organisation has, and how far its keys' meters are."""
    read = [world.api.call("GET", path).json() for path in ("/tyk/apis/canary-api", "/tyk/policies/canary-policy")]
    keys = [world.api.run(world.api.desk.records.key(key_hash)) for key_hash in world.key_hashes]
    rows = world.api.call("GET", "/tyk/revocations").json()["revocations"]
    seen = world.api.call("GET", f"/tyk/identities/s{SEEN.key_hash[:32]}").json()
    return [*read, *keys, [row for row in rows if row["org_id"] != MINE and row["kind"] != "key"], seen]
