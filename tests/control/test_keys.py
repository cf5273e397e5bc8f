"""/tyk/keys, writes: made, changed, removed (auth.md §6.3, §6.4 as design §10 changes them)."""

from typing import Any

import pytest

from propylon.model.charge import Claim, Kind
from propylon.model.key_id import is_generated
from propylon.steps.meter_names import key_meters, quota_meter
from tests.control.conftest import GatewayApi, Make
from tests.kit.definitions import jwt_api, keyless_api, policy, session, token_api

TARGET = "http://upstream.example/"
NOT_STORED = "Failed to create key, ensure security settings are correct."
NO_RIGHTS = "Failed to create key, keys must have at least one Access Rights record set."
NO_POLICIES = "Failed to create key - key has no valid policies to be applied"
TOO_SHORT = (
    "custom key ID length 2 is less than min_token_length (3); the key would be unreachable at auth time. Use an ID of "
    "at least min_token_length characters, or lower min_token_length in the gateway configuration."
)
PAST = "expires is in the past (2027-01-15 07:59:59 UTC); give a later Unix time in seconds, or -1 for never"
CLEAR = "?clear=everything is not known; write jwt_data, hmac, basic"
MASK = "sha256:0123456789abcdef"
NOW = 1_800_000_000
SECRET = "canary-jwt-secret-of-thirty-two-characters"


@pytest.fixture
def api(make: Make) -> GatewayApi:
    made = make()
    made.call("POST", "/tyk/apis", token_api(TARGET))
    made.call("POST", "/tyk/apis", jwt_api(TARGET))
    return made


def spend(api: GatewayApi, key_hash: str, units: int = 1, quota_max: int = 10) -> None:
    """Charges a key's quota as a request does."""
    row = api.run(api.desk.records.key(key_hash))
    meter = quota_meter(key_meters(row.record_id, row.generation), "")
    for _ in range(units):
        api.run(api.meters.admit((Claim(meter, Kind.QUOTA, quota_max, 3600 * 10**9, "quota_exceeded"),)))


def codes(answer: Any) -> dict[str, str]:
    return {warning["path"]: warning["code"] for warning in answer.json()["warnings"]}


# -- made -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/tyk/keys/create", "/tyk/keys"])
def test_a_generated_key_is_what_the_client_sends(api: GatewayApi, path: str) -> None:
    answer = api.call("POST", path, session("token")).json()
    assert is_generated(answer["key"])
    assert answer["key_hash"] == api.desk.sealing.key_hash("default", answer["key"])
    assert {name: answer[name] for name in ("status", "action", "warnings")} == {
        "status": "ok",
        "action": "added",
        "warnings": [],
    }


def test_two_generated_keys_differ(api: GatewayApi) -> None:
    made = {api.call("POST", "/tyk/keys/create", session("token")).json()["key"] for _ in range(3)}
    assert len(made) == 3


def test_a_custom_id_stays_as_it_is(api: GatewayApi) -> None:
    answer = api.call("POST", "/tyk/keys/default-my%20key", session("token")).json()
    assert answer["key"] == "default-my key"
    assert api.call("GET", "/tyk/keys/default-my%20key").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/tyk/keys/create", b"{", 400, "Unmarshalling failed"),
        ("/tyk/keys/create", session("token", rate="5"), 400, "Unmarshalling failed"),
        ("/tyk/keys/create", session(), 400, NO_RIGHTS),
        ("/tyk/keys/create", session(apply_policies=["empty"]), 500, NO_POLICIES),
        ("/tyk/keys/custom", b"{", 400, "Request malformed"),
        ("/tyk/keys/custom", session("token", rate="5"), 400, "Request malformed"),
        ("/tyk/keys/custom", session("token", org_id=5), 400, "Request malformed"),
        ("/tyk/keys/custom", session(), 500, NOT_STORED),
        ("/tyk/keys/custom", session(apply_policies=["empty"]), 500, NOT_STORED),
        (
            "/tyk/keys/ab",
            session("token"),
            400,
            TOO_SHORT,
        ),
        ("/tyk/keys/" + "x" * 257, session("token"), 400, "custom key ID is longer than 256 characters"),
        ("/tyk/keys/custom?clear=everything", session("token"), 400, CLEAR),
        ("/tyk/keys/custom", session("token", expires=NOW - 1), 400, PAST),
        ("/tyk/keys/custom", session("token", jwt_data={"secret": MASK}), 400, "Request malformed"),
    ],
)
def test_what_cannot_be_made_is_refused_and_leaves_nothing(
    api: GatewayApi, path: str, body: Any, status: int, message: str
) -> None:
    api.call("POST", "/tyk/policies", policy("empty"))
    answer = api.call("POST", path, body)
    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert api.call("GET", "/tyk/keys").json() == {"keys": []}


def test_master_keys_are_made_when_they_are_allowed(make: Make) -> None:
    assert make(allow_master_keys=True).call("POST", "/tyk/keys/master", session()).status_code == 200


@pytest.mark.parametrize("expires", [-1, 0, 1, NOW + 1])
def test_a_key_may_end_never_or_later(api: GatewayApi, expires: int) -> None:
    assert api.call("POST", "/tyk/keys/custom", session("token", expires=expires)).status_code == 200


def test_dates_are_the_gateway_s(api: GatewayApi) -> None:
    api.call("POST", "/tyk/keys/custom", session("token", date_created="2001-01-01T00:00:00Z", last_updated="5"))
    shown = api.call("GET", "/tyk/keys/custom").json()
    assert (shown["date_created"], shown["last_updated"]) == ("2027-01-15T08:00:00.250000Z", str(NOW))


def test_a_policy_sets_when_a_new_key_ends_and_the_same_body_again_is_the_same_key(api: GatewayApi) -> None:
    api.call("POST", "/tyk/policies", policy("trial", "token", key_expires_in=60))
    body = session(apply_policies=["trial"])
    api.call("POST", "/tyk/keys/custom", body)
    assert api.call("GET", "/tyk/keys/custom").json()["expires"] == NOW + 60
    assert api.call("POST", "/tyk/keys/custom", body).status_code == 200


def test_a_change_may_give_a_key_another_end_than_its_policy_did(api: GatewayApi) -> None:
    api.call("POST", "/tyk/policies", policy("trial", "token", key_expires_in=60))
    api.call("POST", "/tyk/keys/custom", session(apply_policies=["trial"]))
    api.call("PUT", "/tyk/keys/custom", session(apply_policies=["trial"], expires=-1))
    assert api.call("GET", "/tyk/keys/custom").json()["expires"] == -1


def test_what_is_doubtful_is_a_warning(api: GatewayApi) -> None:
    api.call("POST", "/tyk/apis", keyless_api(TARGET, "theirs", org_id="other"))
    body = session("nothing", "theirs", aply_policies=[], quota_renews=1449051461)
    del body["org_id"]
    assert codes(api.call("POST", "/tyk/keys/custom", body)) == {
        "org_id": "default_organisation",
        "aply_policies": "unknown_field",
        "quota_renews": "quota_renews_past",
        "access_rights.nothing": "api_unknown",
        "access_rights.theirs": "api_of_other_org",
    }


def test_a_policy_that_is_not_there_yet_is_a_warning(api: GatewayApi) -> None:
    answer = api.call("POST", "/tyk/keys/custom", session(apply_policies=["later"]))
    assert (answer.status_code, codes(answer)) == (200, {"apply_policies": "policy_unknown"})


def test_the_query_may_name_the_organisation(api: GatewayApi) -> None:
    body = session("token")
    del body["org_id"]
    answer = api.call("POST", "/tyk/keys/custom?org_id=acme", body)
    assert "org_id" not in codes(answer)
    assert api.call("GET", "/tyk/keys/custom?org_id=acme").json()["org_id"] == "acme"


@pytest.mark.parametrize(
    ("settings", "members", "path"),
    [
        ({"strict_secrets": True}, {"jwt_data": {"secret": "xxx"}}, "jwt_data.secret"),
        ({"strict_definitions": True}, {"hmac_enabled": True}, "hmac_enabled"),
        ({"strict_definitions": True}, {"aply_policies": ["x"]}, "aply_policies"),
    ],
)
def test_strict_settings_turn_warnings_into_refusals(
    make: Make, settings: dict[str, Any], members: dict[str, Any], path: str
) -> None:
    gateway = make(**settings)
    answer = gateway.call("POST", "/tyk/keys/custom", session("token", **members))
    assert (answer.status_code, answer.json()["problems"][0]["path"]) == (400, path)


# -- made again -------------------------------------------------------------------------------------------------------


def test_the_same_body_again_is_200_and_its_counters_stay(api: GatewayApi) -> None:
    body = session("token", quota_max=10, quota_renewal_rate=3600)
    key_hash = api.call("POST", "/tyk/keys/custom", body).json()["key_hash"]
    spend(api, key_hash, 3)
    again = api.call("POST", "/tyk/keys/custom", body)
    assert (again.status_code, again.json()["action"]) == (200, "added")
    assert api.call("GET", "/tyk/keys/custom").json()["quota_remaining"] == 7


@pytest.mark.parametrize("change", [{"rate": 5, "per": 1}, {"alias": "x"}, {"jwt_data": {"secret": SECRET}}])
def test_another_body_is_409_and_changes_nothing(api: GatewayApi, change: dict[str, Any]) -> None:
    api.call("POST", "/tyk/keys/custom", session("token"))
    before = api.call("GET", "/tyk/keys/custom").json()
    answer = api.call("POST", "/tyk/keys/custom", session("token", **change))
    assert answer.status_code == 409
    assert "PUT /tyk/keys/custom" in answer.json()["message"]
    assert "?overwrite=1" in answer.json()["message"]
    assert api.call("GET", "/tyk/keys/custom").json() == before


@pytest.mark.parametrize(("settings", "query"), [({}, "?overwrite=1"), ({"keys_upsert": True}, "")])
def test_overwriting_replaces_and_counts_anew(make: Make, settings: dict[str, Any], query: str) -> None:
    gateway = make(**settings)
    body = session("token", quota_max=10, quota_renewal_rate=3600)
    key_hash = gateway.call("POST", "/tyk/keys/custom", body).json()["key_hash"]
    spend(gateway, key_hash)
    assert gateway.call("POST", f"/tyk/keys/custom{query}", body | {"alias": "x"}).json()["action"] == "added"
    shown = gateway.call("GET", "/tyk/keys/custom").json()
    assert (shown["alias"], shown["quota_remaining"]) == ("x", 10)


# -- changed ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("query", "remaining", "updated"), [("", 10, NOW + 60), ("?suppress_reset=1", 9, NOW)])
def test_put_replaces_the_whole_key_and_resets_its_meters_unless_told_not_to(
    api: GatewayApi, query: str, remaining: int, updated: int
) -> None:
    body = session("token", quota_max=10, quota_renewal_rate=3600, tags=["a"])
    key_hash = api.call("POST", "/tyk/keys/custom", body).json()["key_hash"]
    spend(api, key_hash)
    api.clock.set_wall(NOW + 60)
    del body["tags"]
    answer = api.call("PUT", f"/tyk/keys/custom{query}", body | {"alias": "x"}).json()
    assert {name: answer[name] for name in ("key", "status", "action")} == {
        "key": "custom",
        "status": "ok",
        "action": "modified",
    }
    shown = api.call("GET", "/tyk/keys/custom").json()
    assert (shown["alias"], shown["tags"], shown["quota_remaining"]) == ("x", [], remaining)
    assert (shown["date_created"], shown["last_updated"]) == ("2027-01-15T08:00:00.250000Z", str(updated))


@pytest.mark.parametrize(
    "body",
    [
        session("token", quota_max=10, quota_renewal_rate=3600, rate=5, per=1, tags=["a"], extra={"b": 1}),
        session("jwt", quota_max=10, quota_renewal_rate=3600, jwt_data={"secret": SECRET, "algorithm": "HS512"}),
        session("token", quota_max=10, quota_renewal_rate=3600, apply_policies=["gold"]),
        session("token", quota_max=10, hmac_string=SECRET, basic_auth_data={"password": SECRET}),
    ],
)
def test_what_is_read_can_be_written_back_without_any_change(api: GatewayApi, body: dict[str, Any]) -> None:
    api.call("POST", "/tyk/policies", policy("gold", "token", rate=9, per=1, tags=["gold"], key_expires_in=5))
    key_hash = api.call("POST", "/tyk/keys/custom", body).json()["key_hash"]
    spend(api, key_hash, 4)
    before, revision = api.call("GET", "/tyk/keys/custom?effective=1"), api.revision()
    api.clock.set_wall(NOW + 1000)
    answer = api.call("PUT", "/tyk/keys/custom", before.json())
    after = api.call("GET", "/tyk/keys/custom?effective=1")
    assert answer.status_code == 200, answer.text
    assert (after.json(), after.headers["ETag"], api.revision()) == (before.json(), before.headers["ETag"], revision)
    assert after.json()["quota_remaining"] == 6


def test_an_expired_key_may_be_changed_but_not_given_another_past_end(api: GatewayApi) -> None:
    body = session("token", expires=NOW + 10)
    api.call("POST", "/tyk/keys/custom", body)
    api.clock.set_wall(NOW + 60)
    assert api.call("PUT", "/tyk/keys/custom", body | {"alias": "x"}).status_code == 200
    assert api.call("PUT", "/tyk/keys/custom", body | {"expires": NOW + 11}).status_code == 400


def test_put_on_an_unknown_key_is_404(api: GatewayApi) -> None:
    answer = api.call("PUT", "/tyk/keys/nobody", session("token"))
    assert (answer.status_code, answer.json()["message"]) == (404, "Key is not found")


def test_a_key_of_another_organisation_is_as_unknown_as_none(api: GatewayApi) -> None:
    key_hash = api.call("POST", "/tyk/keys/custom", session("token", org_id="acme")).json()["key_hash"]
    for path in ("custom", "custom?org_id=other", f"{key_hash}?org_id=other"):
        assert api.call("GET", f"/tyk/keys/{path}").status_code == 404
        assert api.call("DELETE", f"/tyk/keys/{path}").status_code == 404
    assert api.call("PUT", f"/tyk/keys/{key_hash}", session("token", org_id="other")).status_code == 404
    assert api.call("GET", f"/tyk/keys/{key_hash}").status_code == 200


def test_a_lost_race_is_412(api: GatewayApi) -> None:
    first = api.call("POST", "/tyk/keys/custom", session("token")).headers["ETag"]
    assert api.call("GET", "/tyk/keys/custom").headers["ETag"] == first
    api.call("PUT", "/tyk/keys/custom", session("token", alias="x"))
    assert api.call("PUT", "/tyk/keys/custom", session("token", alias="y"), If_Match=first).status_code == 412
    assert api.call("DELETE", "/tyk/keys/custom", If_Match=first).status_code == 412
    assert api.call("GET", "/tyk/keys/custom").json()["alias"] == "x"


# -- by hash ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "?hashed=1", "?hashed=true"])
def test_a_key_can_be_named_by_its_hash(api: GatewayApi, query: str) -> None:
    key_hash = api.call("POST", "/tyk/keys/custom", session("token")).json()["key_hash"]
    assert api.call("PUT", f"/tyk/keys/{key_hash}{query}", session("token", alias="x")).json()["key"] == key_hash
    assert api.call("GET", f"/tyk/keys/{key_hash.upper()}{query}").json()["alias"] == "x"
    assert api.call("DELETE", f"/tyk/keys/{key_hash}{query}").status_code == 200
    assert api.call("GET", "/tyk/keys/custom").status_code == 404


def test_a_change_by_hash_without_an_organisation_stays_in_the_key_s_own(api: GatewayApi) -> None:
    body = session("token", org_id="acme")
    key_hash = api.call("POST", "/tyk/keys/custom", body).json()["key_hash"]
    del body["org_id"]
    assert api.call("PUT", f"/tyk/keys/{key_hash}", body | {"alias": "x"}).status_code == 200
    assert api.call("GET", "/tyk/keys/custom?org_id=acme").json()["alias"] == "x"


def test_an_id_in_the_shape_of_a_hash_is_an_id_first(api: GatewayApi) -> None:
    other = api.call("POST", "/tyk/keys/custom", session("token", alias="by hash")).json()["key_hash"]
    api.call("POST", f"/tyk/keys/{other}", session("token", alias="by id"))
    assert api.call("GET", f"/tyk/keys/{other}").json()["alias"] == "by id"
    assert api.call("GET", f"/tyk/keys/{other}?hashed=1").json()["alias"] == "by hash"


@pytest.mark.parametrize("query", ["?hashed=0", "?hashed=false", "?hashed="])
def test_hashed_may_say_no(api: GatewayApi, query: str) -> None:
    api.call("POST", "/tyk/keys/custom", session("token"))
    assert api.call("GET", f"/tyk/keys/custom{query}").status_code == 200


def test_policies_of_a_key_can_be_replaced_by_its_hash(api: GatewayApi) -> None:
    api.call("POST", "/tyk/policies", policy("gold", "token"))
    body = session("token", quota_max=10, apply_policy_id="old", jwt_data={"secret": SECRET})
    key_hash = api.call("POST", "/tyk/keys/custom", body).json()["key_hash"]
    spend(api, key_hash)
    answer = api.call("POST", f"/tyk/keys/policy/{key_hash}", {"policy": "gold"})
    assert (answer.json()["action"], "jwt_data.secret" in codes(answer)) == ("updated", False)
    shown = api.call("GET", "/tyk/keys/custom").json()
    assert (shown["apply_policies"], shown["apply_policy_id"], shown["quota_remaining"]) == (["gold"], "", 9)
    assert shown["kind"] == "jwt_key"


@pytest.mark.parametrize(
    ("key", "body", "status", "message"),
    [
        ("custom", b"[]", 400, "Couldn't decode instruction"),
        ("custom", {"policy": 5}, 400, "Couldn't decode instruction"),
        ("custom", {"apply_policies": "gold"}, 400, "Couldn't decode instruction"),
        ("nobody", {"policy": "gold"}, 404, "Key not found"),
    ],
)
def test_policies_that_cannot_be_replaced(api: GatewayApi, key: str, body: Any, status: int, message: str) -> None:
    api.call("POST", "/tyk/keys/custom", session("token"))
    answer = api.call("POST", f"/tyk/keys/policy/{key}", body)
    assert (answer.status_code, answer.json()["message"]) == (status, message)


# -- removed ----------------------------------------------------------------------------------------------------------


def test_delete_is_200_and_then_404(api: GatewayApi) -> None:
    key_hash = api.call("POST", "/tyk/keys/custom", session("token")).json()["key_hash"]
    first, second = api.call("DELETE", "/tyk/keys/custom"), api.call("DELETE", "/tyk/keys/custom")
    assert first.json() == {"key": "custom", "status": "ok", "action": "deleted", "key_hash": key_hash, "warnings": []}
    assert (second.status_code, second.json()["message"]) == (404, "There is no such key found")


def test_a_key_made_again_inherits_nothing(api: GatewayApi) -> None:
    body = session("token", quota_max=10, quota_renewal_rate=3600)
    for _ in range(2):
        key_hash = api.call("POST", "/tyk/keys/custom", body).json()["key_hash"]
        assert api.call("GET", "/tyk/keys/custom").json()["quota_remaining"] == 10
        spend(api, key_hash, 10)
        api.call("DELETE", "/tyk/keys/custom")


# -- keys that verify JWTs --------------------------------------------------------------------------------------------


def test_a_jwt_key_says_what_to_do_with_it(api: GatewayApi) -> None:
    answer = api.call("POST", "/tyk/keys/acme", session("jwt", jwt_data={"secret": SECRET})).json()
    assert (answer["kid"], answer["algorithm"], answer["warnings"]) == ("acme", "HS256", [])
    assert '"kid": "acme"' in answer["hint"]


def test_a_secret_is_kept_by_a_write_that_leaves_it_empty_and_removed_on_request(api: GatewayApi) -> None:
    api.call("POST", "/tyk/keys/acme", session("jwt", jwt_data={"secret": SECRET}))
    shown = api.call("GET", "/tyk/keys/acme").json()["jwt_data"]
    kept = api.call("PUT", "/tyk/keys/acme", session("jwt", jwt_data={"secret": ""}, alias="x"))
    assert codes(kept) == {"jwt_data.secret": "secret_kept"}
    assert api.call("GET", "/tyk/keys/acme").json()["jwt_data"] == shown
    cleared = api.call("PUT", "/tyk/keys/acme?clear=jwt_data", session("jwt"))
    assert codes(cleared)[""] == "key_id_was_public"
    assert api.call("GET", "/tyk/keys/acme").json()["kind"] == "token"


def test_a_jwt_key_that_is_also_a_token_keeps_its_id_to_itself(api: GatewayApi) -> None:
    body = session("jwt", "token", jwt_data={"secret": SECRET}, allow_as_token=True)
    made = api.call("POST", "/tyk/keys/acme", body).json()
    assert (made["kid"], "is a credential too" in made["hint"]) == ("acme", True)
    assert api.call("GET", "/tyk/keys/acme").json()["key_id"] == ""
    assert "kid" not in api.call("PUT", f"/tyk/keys/{made['key_hash']}", body | {"alias": "x"}).json()


def test_a_key_with_many_rights_is_judged_like_one_with_few(api: GatewayApi) -> None:
    names = [f"nothing-{number}" for number in range(30)]
    warnings = codes(api.call("POST", "/tyk/keys/custom", session("token", *names)))
    assert warnings == {f"access_rights.{name}": "api_unknown" for name in names}
