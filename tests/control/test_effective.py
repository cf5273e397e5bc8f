"""/tyk/keys/{id}/effective: what is in force, field by field, with its source."""

from propylon.model.charge import Claim, Kind
from propylon.steps.meter_names import key_meters, quota_meter
from tests.control.conftest import GatewayApi
from tests.kit.definitions import policy, session, token_api

SECRET = "canary-jwt-secret-of-thirty-two-characters"


def test_each_field_names_its_source_and_who_lost(api: GatewayApi) -> None:
    api.call("POST", "/tyk/apis", token_api("http://u/"))
    for document in (policy("gold", "token", rate=100, per=10), policy("trial", "token", rate=90, per=30)):
        api.call("POST", "/tyk/policies", document)
    api.call("POST", "/tyk/keys/ada", session(apply_policies=["trial", "gold"], alias="Ada"))
    shown = api.call("GET", "/tyk/keys/ada/effective").json()
    texts = [one["text"] for one in shown["session"]["provenance"] if one["api_id"] == "token"]
    assert "rate 100 per 10 s from policy gold; policy trial lost: 90 per 30 s is lower" in texts
    assert (shown["alias"], shown["session"]["access"]["token"]["rate"]) == ("Ada", 100)


def test_quotas_are_those_of_the_meters(api: GatewayApi) -> None:
    body = session("token", quota_max=10, quota_renewal_rate=3600)
    key_hash = api.call("POST", "/tyk/keys/ada", body).json()["key_hash"]
    row = api.run(api.desk.records.key(key_hash))
    meter = quota_meter(key_meters(row.record_id, row.generation), "")
    api.run(api.meters.admit((Claim(meter, Kind.QUOTA, 10, 3600 * 10**9, "quota_exceeded"),)))
    access = api.call("GET", "/tyk/keys/ada/effective").json()["session"]["access"]["token"]
    assert (access["quota_remaining"], access["quota_renews"]) == (9, 1_800_003_600)


def test_why_nothing_is_in_force_is_said(api: GatewayApi) -> None:
    api.call("POST", "/tyk/keys/ada", session(apply_policies=["later"]))
    shown = api.call("GET", "/tyk/keys/ada/effective").json()
    assert (shown["session"], shown["problem"]["code"]) == (None, "policy_not_found")


def test_no_secret_is_shown(api: GatewayApi) -> None:
    api.call("POST", "/tyk/keys/acme", session("jwt", jwt_data={"secret": SECRET}, meta_data={"note": SECRET}))
    assert SECRET not in api.call("GET", "/tyk/keys/acme/effective").text


def test_an_unknown_key_is_404(api: GatewayApi) -> None:
    assert api.call("GET", "/tyk/keys/nobody/effective").status_code == 404
