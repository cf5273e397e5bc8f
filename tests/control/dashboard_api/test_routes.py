"""Who is there, what they may do, the forms of errors, and the description: the same for every route."""

import json
from typing import Any

import pytest

from propylon.control.dashboard_api.entries import ENTRIES
from propylon.control.dashboard_api.entry import Entry
from tests.control.dashboard_api.conftest import Dashboard
from tests.kit.definitions import keyless_api, policy, session

IDS = [f"{entry.method} {entry.path}" for entry in ENTRIES]
DAYS = {f"{end}_{part}": value for end in ("from", "to") for part, value in (("day", "15"), ("month", "1"))}
NAMES = {
    "api_id": "acme-api",
    "key_id": "a-key",
    "policy_id": "gold",
    "key": "a-key",
    "keys": "a-key",
    "entry": "1",
    **DAYS,
}
NAMES |= {"from_year": "2027", "to_year": "2027"}
MAKING = ("POST", "/api/keys/{key_id}")  # one of the caller's own, whatever others have
NAMING = [one for one in ENTRIES if "{" in one.path and (one.method, one.path) != MAKING]
READING_POST = {"/api/jwt/explain"}


def filled(entry: Entry, **names: str) -> str:
    return entry.path.format(**(NAMES | names))


@pytest.mark.parametrize("who", ["", "wrong", "Bearer wrong"])
def test_without_an_access_key_every_route_is_401(dashboard: Dashboard, who: str) -> None:
    for entry in ENTRIES:
        refused = dashboard.call(entry.method, filled(entry), {}, who)
        assert (entry.path, refused.status_code, refused.json()["Status"]) == (entry.path, 401, "Error")
        assert (refused.json()["Message"], refused.json()["code"]) == ("Not authorised", "not_authorised")


@pytest.mark.parametrize("entry", ENTRIES, ids=IDS)
def test_a_route_takes_the_right_of_its_area_and_method(dashboard: Dashboard, entry: Entry) -> None:
    path = filled(entry)
    assert entry.level == ("read" if entry.method == "GET" or path in READING_POST else "write")
    nobody = dashboard.call(entry.method, path, {}, "nils-key")
    reader = dashboard.call(entry.method, path, {}, "rita-key")
    assert nobody.status_code == 403
    assert nobody.json()["Message"] == f"access denied: You do not have permission to access  {path}"
    assert (reader.status_code == 403) is (entry.level == "write")


@pytest.mark.parametrize("entry", NAMING, ids=lambda one: f"{one.method} {one.path}")
def test_what_is_another_organisation_s_is_answered_as_what_is_not_there(dashboard: Dashboard, entry: Entry) -> None:
    gateway = dashboard.gateway
    theirs = {"org_id": "other"}
    gateway.call("POST", "/tyk/apis", keyless_api("http://u/", "canary-api", **theirs))
    gateway.call("POST", "/tyk/policies", policy("canary-gold", "canary-api", **theirs))
    key_hash = gateway.call("POST", "/tyk/keys/canary-key", session("canary-api", **theirs)).json()["key_hash"]

    def told(**names: str) -> tuple[int, Any]:
        body = {"api_id": names["api_id"], "access_rights": session("acme-api")["access_rights"], "expires": -1}
        answer = dashboard.call(entry.method, filled(entry, **names), body)
        return answer.status_code, json.loads(answer.text.replace(names["api_id"], "A").replace(names["key"], "K"))

    there = told(api_id="canary-api", policy_id="canary-gold", key_id=key_hash, key=key_hash, keys=key_hash)
    missing = "0" * 64
    assert there == told(api_id="no-api", policy_id="no-gold", key_id=missing, key=missing, keys=missing)
    assert "canary" not in str(there)


@pytest.mark.parametrize("who", ["anna-key", "Bearer anna-key", "bearer  anna-key"])
def test_an_access_key_may_come_raw_or_as_a_bearer_token(dashboard: Dashboard, who: str) -> None:
    assert dashboard.call("GET", "/api/apis", who=who).status_code == 200


def test_a_body_is_json_whatever_it_is_called(dashboard: Dashboard) -> None:
    for kind in ("application/x-www-form-urlencoded", ""):
        made = dashboard.call("POST", "/api/keys", session("acme-api", org_id="acme"), Content_Type=kind)
        assert made.status_code == 200, made.text
    refused = dashboard.call("POST", "/api/keys", b"{")
    assert (refused.status_code, refused.json()["Message"]) == (400, "Request body malformed.")
    assert refused.json()["code"] == "json_malformed"


def test_a_body_above_the_limit_is_413(dashboard: Dashboard) -> None:
    refused = dashboard.call("POST", "/api/apis", b" " * (4 * 1024**2 + 1))
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")


def test_another_method_and_another_path_are_told_in_the_same_form(dashboard: Dashboard) -> None:
    refused = dashboard.call("PATCH", "/api/keys/x/")
    assert (refused.status_code, refused.json()["code"]) == (405, "method_not_supported")
    assert refused.headers["Allow"] == "DELETE, GET, POST, PUT"
    refused = dashboard.call("GET", "/api/nothing")
    assert (refused.status_code, refused.json()["Status"]) == (404, "Error")


def test_a_write_is_announced_before_it_is_answered(dashboard: Dashboard) -> None:
    dashboard.call("POST", "/api/keys/new", session("acme-api", org_id="acme"))
    assert dashboard.gateway.head() == dashboard.gateway.revision()


def test_a_write_under_an_old_etag_is_412(dashboard: Dashboard) -> None:
    tag = dashboard.call("GET", "/api/apis/acme-api").headers["ETag"]
    body = dashboard.call("GET", "/api/apis/acme-api").json()
    body["api_definition"]["name"] = "new"
    assert dashboard.call("PUT", "/api/apis/acme-api", body, If_Match=tag).status_code == 200
    body["api_definition"]["name"] = "newer"
    refused = dashboard.call("PUT", "/api/apis/acme-api", body, If_Match=tag)
    assert (refused.status_code, refused.json()["code"]) == (412, "etag_mismatch")


def test_no_answer_is_kept_by_a_cache(dashboard: Dashboard) -> None:
    """Keys are shown once, and what is seen depends on who asks."""
    made = dashboard.call("POST", "/api/keys", {"data": session("acme-api", org_id="acme")})
    assert made.json()["key_id"]
    answers = [made, dashboard.call("GET", "/api/keys/a-key", {}, "nils-key"), dashboard.call("GET", "/api/nowhere")]
    answers.append(dashboard.gateway.call("POST", "/tyk/keys/create", session("acme-api", org_id="acme")))
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
