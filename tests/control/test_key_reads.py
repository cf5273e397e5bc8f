"""/tyk/keys, reads: shown as stored, counters live, no secret ever (gateway-api.md §8.6 to 8.8)."""

from typing import Any

import pytest

from propylon.model.charge import Claim, Kind
from propylon.steps.meter_names import key_meters, quota_meter
from tests.control.conftest import GatewayApi
from tests.kit.definitions import policy, session, token_api

SECRET = "canary-jwt-secret-of-thirty-two-characters"
HOUR_NS = 3600 * 10**9


def spend(api: GatewayApi, key_hash: str, scope: str, units: int) -> None:
    row = api.run(api.desk.records.key(key_hash))
    meter = quota_meter(key_meters(row.record_id, row.generation), scope)
    for _ in range(units):
        api.run(api.meters.admit((Claim(meter, Kind.QUOTA, 10, HOUR_NS, "quota_exceeded"),)))


def add(api: GatewayApi, key_id: str, body: dict[str, Any]) -> str:
    return str(api.call("POST", f"/tyk/keys/{key_id}", body).json()["key_hash"])


@pytest.mark.parametrize("path", ["nobody", "0" * 64, "nobody?hashed=1", "0" * 64 + "?org_id=default"])
def test_an_unknown_key_is_404(api: GatewayApi, path: str) -> None:
    answer = api.call("GET", f"/tyk/keys/{path}")
    assert (answer.status_code, answer.json()) == (404, {"status": "error", "message": "Key not found"})


def test_zero_values_are_shown(api: GatewayApi) -> None:
    add(api, "custom", session("token"))
    shown = api.call("GET", "/tyk/keys/custom").json()
    assert (shown["rate"], shown["is_inactive"], shown["tags"], shown["quota_remaining"]) == (0, False, [], 0)


def test_a_quota_is_shown_as_the_meters_have_it(api: GatewayApi) -> None:
    key_hash = add(api, "custom", session("token", quota_max=10, quota_renewal_rate=3600, quota_renews=5))
    fresh = api.call("GET", "/tyk/keys/custom").json()
    assert (fresh["quota_remaining"], fresh["quota_renews"]) == (10, 0)
    spend(api, key_hash, "", 3)
    charged = api.call("GET", "/tyk/keys/custom").json()
    assert (charged["quota_remaining"], charged["quota_renews"]) == (7, 1_800_000_000 + 3600)


def test_a_quota_of_one_api_is_its_own(api: GatewayApi) -> None:
    body = session("token", "other")
    body["access_rights"]["token"]["limit"] = {"quota_max": 10, "quota_renewal_rate": 3600}
    spend(api, add(api, "custom", body), "token", 4)
    rights = api.call("GET", "/tyk/keys/custom").json()["access_rights"]
    assert rights["token"]["limit"]["quota_remaining"] == 6
    assert rights["other"]["limit"] is None


def test_what_policies_give_is_shown_beside_the_key_and_only_when_asked(api: GatewayApi) -> None:
    api.call("POST", "/tyk/policies", policy("gold", "token", quota_max=10, quota_renewal_rate=3600, tags=["gold"]))
    spend(api, add(api, "custom", session(apply_policies=["gold"])), "", 2)
    plain = api.call("GET", "/tyk/keys/custom").json()
    assert (plain["access_rights"], plain["tags"], "effective" in plain) == ({}, [], False)
    effective = api.call("GET", "/tyk/keys/custom?effective=1").json()["effective"]
    assert (effective["tags"], list(effective["access_rights"])) == (["gold"], ["token"])
    assert effective["access_rights"]["token"]["limit"]["quota_remaining"] == 8


def test_why_nothing_is_in_force_is_shown(api: GatewayApi) -> None:
    add(api, "custom", session(apply_policies=["later"]))
    effective = api.call("GET", "/tyk/keys/custom?effective=1").json()["effective"]
    assert effective["problem"]["code"] == "policy_not_found"


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"jwt_data": {"secret": SECRET}}, ("jwt_data", "secret")),
        ({"basic_auth_data": {"password": SECRET}}, ("basic_auth_data", "password")),
    ],
)
def test_a_secret_is_shown_as_its_fingerprint(api: GatewayApi, members: dict[str, Any], path: tuple[str, str]) -> None:
    add(api, "custom", session("token", **members))
    shown = api.call("GET", "/tyk/keys/custom").json()[path[0]]
    assert shown[path[1]] == ""
    assert shown[f"{path[1]}_fingerprint"].startswith("sha256:")


def test_the_id_of_a_jwt_key_is_shown_and_a_credential_never(api: GatewayApi) -> None:
    jwt_key, token = (
        add(api, "acme", session("jwt", jwt_data={"secret": SECRET})),
        add(api, "my-token", session("token")),
    )
    shown = [api.call("GET", f"/tyk/keys/{key_hash}").json() for key_hash in (jwt_key, token)]
    assert [(one["kind"], one["key_id"], one["key_hash"]) for one in shown] == [
        ("jwt_key", "acme", jwt_key),
        ("token", "", token),
    ]


def test_all_keys_are_listed_by_hash(api: GatewayApi) -> None:
    hashes = [add(api, f"key-{number}", session("token")) for number in range(3)]
    assert api.call("GET", "/tyk/keys").json() == {"keys": hashes}


def test_keys_can_be_listed_in_pages(api: GatewayApi) -> None:
    hashes = [add(api, f"key-{number}", session("token")) for number in range(3)]
    first = api.call("GET", "/tyk/keys?limit=2").json()
    second = api.call("GET", f"/tyk/keys?limit=2&after={first['next']}").json()
    assert (first["keys"], second) == (hashes[:2], {"keys": hashes[2:]})


@pytest.mark.parametrize("query", ["limit=x", "limit=-1", "after=1e3", "limit=99999999999999999999"])
def test_a_page_is_named_by_whole_numbers(api: GatewayApi, query: str) -> None:
    assert api.call("GET", f"/tyk/keys?{query}").status_code == 400


@pytest.mark.parametrize(
    ("query", "expected"),
    [("api_id=token", [0, 1]), ("org_id=acme", [2]), ("alias=bob", [1]), ("alias=nobody", []), ("api_id=none", [])],
)
def test_keys_can_be_found_by_api_organisation_and_alias(api: GatewayApi, query: str, expected: list[int]) -> None:
    bodies = [session("token"), session("token", alias="bob"), session("other", org_id="acme")]
    hashes = [add(api, f"key-{number}", body) for number, body in enumerate(bodies)]
    assert api.call("GET", f"/tyk/keys?{query}").json()["keys"] == [hashes[number] for number in expected]


def test_keys_of_one_alias_are_listed_in_pages_too(api: GatewayApi) -> None:
    hashes = [add(api, f"key-{number}", session("token", alias="bob")) for number in range(3)]
    first = api.call("GET", "/tyk/keys?alias=bob&limit=2").json()
    second = api.call("GET", f"/tyk/keys?alias=bob&limit=2&after={first['next']}").json()
    assert (first["keys"], second) == (hashes[:2], {"keys": hashes[2:]})


def test_keys_are_listed_by_api_or_by_alias_and_not_by_one_of_both(api: GatewayApi) -> None:
    refused = api.call("GET", "/tyk/keys?alias=bob&api_id=token")
    assert (refused.status_code, "api_id and alias" in refused.json()["message"]) == (400, True)


def test_a_list_may_say_whose_keys_they_are(api: GatewayApi) -> None:
    key_hash = add(api, "acme", session("jwt", alias="Acme Ltd", jwt_data={"secret": SECRET}))
    shown = {"key_hash": key_hash, "key_id": "acme", "org_id": "default", "alias": "Acme Ltd", "kind": "jwt_key"}
    assert api.call("GET", "/tyk/keys?details=1").json()["details"] == [shown]


def test_a_preview_shows_what_would_be_in_force_and_stores_nothing(api: GatewayApi) -> None:
    api.call("POST", "/tyk/apis", token_api("http://u/"))
    api.call("POST", "/tyk/policies", policy("gold", "token", rate=9, per=1))
    body = session(apply_policies=["gold"], jwt_data={"secret": SECRET})
    shown = api.call("POST", "/tyk/keys/preview", body)
    assert (shown.status_code, shown.json()["rate"], shown.json()["kind"]) == (200, 9, "jwt_key")
    assert [warning["code"] for warning in shown.json()["warnings"]] == ["jwt_key_is_no_token"]
    assert SECRET not in shown.text
    assert api.call("GET", "/tyk/keys").json() == {"keys": []}


def test_a_preview_says_why_nothing_would_be(api: GatewayApi) -> None:
    warnings = api.call("POST", "/tyk/keys/preview", session(apply_policies=["later"])).json()["warnings"]
    assert [warning["code"] for warning in warnings] == ["policy_not_found", "policy_unknown"]


def test_a_preview_of_what_cannot_be_read_is_refused(api: GatewayApi) -> None:
    answer = api.call("POST", "/tyk/keys/preview", {"rate": "5"})
    assert (answer.status_code, answer.json()["message"]) == (400, "Unmarshalling failed")
