"""/tyk/apis, as gateway-api.md §4 says and design §3.4, §3.5 and §7 change it."""

from typing import Any

import pytest

from tests.control.conftest import GatewayApi, Make
from tests.kit.definitions import jwt_api, keyless_api, token_api
from tests.kit.tokens import public_pem, rsa_key

TARGET = "http://upstream.example/"
CANARY = "Y2FuYXJ5LXNlY3JldC1vZi10aGUtYXBpLWRlZmluaXRpb24="  # base64, as jwt_source has it


def central(api_id: str = "central") -> dict[str, Any]:
    return jwt_api(TARGET, api_id, jwt_source=CANARY, jwt_policy_field_name="pol")


def test_an_api_is_added_read_changed_and_removed_in_tyk_s_words(api: GatewayApi) -> None:
    added = api.call("POST", "/tyk/apis", keyless_api(TARGET))
    assert (added.status_code, added.json()) == (
        200,
        {"key": "keyless", "status": "ok", "action": "added", "warnings": []},
    )
    changed = api.call("PUT", "/tyk/apis/keyless", keyless_api(TARGET, name="other"))
    assert changed.json()["action"] == "modified"
    assert api.call("GET", "/tyk/apis/keyless").json()["name"] == "other"
    assert [one["api_id"] for one in api.call("GET", "/tyk/apis").json()] == ["keyless"]
    assert api.call("DELETE", "/tyk/apis/keyless").json()["action"] == "deleted"
    assert api.call("GET", "/tyk/apis").json() == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_api_is_404(api: GatewayApi, method: str) -> None:
    answer = api.call(method, "/tyk/apis/nothing", keyless_api(TARGET, "nothing"))
    assert (answer.status_code, answer.json()) == (404, {"status": "error", "message": "API not found"})


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "/tyk/apis", keyless_api(TARGET, "a/b"), "Invalid API ID"),
        ("POST", "/tyk/apis", keyless_api(TARGET, ".."), "Invalid API ID"),
        ("GET", "/tyk/apis/a b", None, "Invalid API ID"),
        (
            "PUT",
            "/tyk/apis/there",
            keyless_api(TARGET, "other"),
            "Request APIID does not match that in Definition! For Update operations these must match.",
        ),
    ],
)
def test_ids_that_do_not_fit_are_400(api: GatewayApi, method: str, path: str, body: Any, message: str) -> None:
    api.call("POST", "/tyk/apis", keyless_api(TARGET, "there"))
    answer = api.call(method, path, body)
    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_all_problems_are_listed_and_the_first_is_the_reason(api: GatewayApi) -> None:
    body = keyless_api("", active="yes") | {"proxy": {"listen_path": "", "target_url": ""}}
    answer = api.call("POST", "/tyk/apis", body)
    problems = answer.json()["problems"]
    assert answer.status_code == 400
    assert answer.json()["message"].startswith(
        f"Validation of API Definition failed. Reason: {problems[0]['path']} {problems[0]['message']}"
    )
    assert {problem["path"] for problem in problems} >= {"active", "proxy.listen_path", "proxy.target_url"}
    assert api.revision() == 0


def test_an_id_is_made_when_there_is_none(api: GatewayApi) -> None:
    body = keyless_api(TARGET)
    del body["api_id"]
    made = api.call("POST", "/tyk/apis", body).json()["key"]
    assert len(made) == 32
    assert api.call("GET", f"/tyk/apis/{made}").json()["api_id"] == made


@pytest.mark.parametrize("query", ["", "?overwrite=0"])
def test_another_definition_under_a_used_id_is_409(api: GatewayApi, query: str) -> None:
    api.call("POST", "/tyk/apis", keyless_api(TARGET))
    answer = api.call("POST", f"/tyk/apis{query}", keyless_api(TARGET, name="other"))
    assert answer.status_code == 409
    assert "PUT /tyk/apis/keyless" in answer.json()["message"]
    assert "?overwrite=1" in answer.json()["message"]
    assert api.call("GET", "/tyk/apis/keyless").json()["name"] == "keyless"


def test_the_same_definition_again_is_200_and_no_change(api: GatewayApi) -> None:
    api.call("POST", "/tyk/apis", central())
    revision = api.revision()
    again = api.call("POST", "/tyk/apis", central())
    assert (again.status_code, again.json()["action"], api.revision()) == (200, "added", revision)


def test_overwrite_replaces(api: GatewayApi) -> None:
    api.call("POST", "/tyk/apis", keyless_api(TARGET))
    answer = api.call("POST", "/tyk/apis?overwrite=1", keyless_api(TARGET, name="other"))
    assert answer.json()["action"] == "added"
    assert api.call("GET", "/tyk/apis/keyless").json()["name"] == "other"


@pytest.mark.parametrize("listen_path", ["/keyless/", "/keyless", "//keyless/./"])
def test_the_same_listen_path_twice_is_409_and_names_the_other_api(api: GatewayApi, listen_path: str) -> None:
    api.call("POST", "/tyk/apis", keyless_api(TARGET))
    body = keyless_api(TARGET, "second") | {"proxy": {"listen_path": listen_path, "target_url": TARGET}}
    answer = api.call("POST", "/tyk/apis", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "listen_path_taken")
    assert "API keyless" in answer.json()["message"]


def test_a_listen_path_may_be_another_s_when_that_is_internal_or_moves(api: GatewayApi) -> None:
    first = keyless_api(TARGET)
    second = keyless_api(TARGET, "second") | {"proxy": first["proxy"]}
    api.call("POST", "/tyk/apis", first | {"internal": True})
    assert api.call("POST", "/tyk/apis", second).status_code == 200
    assert api.call("PUT", "/tyk/apis/second", second | {"name": "itself"}).status_code == 200
    assert api.call("PUT", "/tyk/apis/keyless", first).status_code == 409


def test_a_definition_that_came_in_an_envelope_is_stored_without_it(api: GatewayApi) -> None:
    api.call("POST", "/tyk/apis", {"api_definition": keyless_api(TARGET)})
    assert api.call("GET", "/tyk/apis/keyless").json()["proxy"]["target_url"] == TARGET


def test_guards_and_unknown_fields_are_warned_of(api: GatewayApi) -> None:
    warnings = api.call("POST", "/tyk/apis", keyless_api(TARGET, expiration="2030-01-01 00:00", nme="x")).json()[
        "warnings"
    ]
    assert {warning["path"]: warning["code"] for warning in warnings} == {
        "expiration": "definition_guard_unsupported",
        "nme": "unknown_field",
    }


def test_strict_definitions_refuse_what_is_not_honoured(make: Make) -> None:
    answer = make(strict_definitions=True).call("POST", "/tyk/apis", keyless_api(TARGET, nme="x"))
    assert (answer.status_code, answer.json()["problems"][0]["path"]) == (400, "nme")


def test_strict_secrets_refuse_a_weak_source(make: Make) -> None:
    answer = make(strict_secrets=True).call("POST", "/tyk/apis", jwt_api(TARGET, jwt_source="eHh4"))
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (400, "secret_public")


@pytest.mark.parametrize("body", [keyless_api(TARGET, "x"), token_api(TARGET, "x"), jwt_api(TARGET, "x"), central("x")])
def test_what_is_read_can_be_written_back_without_a_change(api: GatewayApi, body: dict[str, Any]) -> None:
    api.call("POST", "/tyk/apis", body)
    before, revision = api.call("GET", "/tyk/apis/x"), api.revision()
    answer = api.call("PUT", "/tyk/apis/x", before.json())
    after = api.call("GET", "/tyk/apis/x")
    assert answer.status_code == 200
    assert (after.json(), after.headers["ETag"], api.revision()) == (before.json(), before.headers["ETag"], revision)


def test_a_secret_is_shown_as_a_fingerprint_and_kept_by_a_write_without_it(api: GatewayApi) -> None:
    api.call("POST", "/tyk/apis", central())
    shown = api.call("GET", "/tyk/apis/central").json()
    assert (shown["jwt_source"], shown["jwt_mode"]) == ("", "central")
    assert shown["jwt_source_fingerprint"].startswith("sha256:")
    answer = api.call("PUT", "/tyk/apis/central", shown | {"name": "renamed"})
    assert [warning["code"] for warning in answer.json()["warnings"]] == ["secret_kept"]
    kept = api.call("GET", "/tyk/apis/central").json()
    assert kept["jwt_source_fingerprint"] == shown["jwt_source_fingerprint"]


def test_clear_removes_a_secret(api: GatewayApi) -> None:
    api.call("POST", "/tyk/apis", central())
    shown = api.call("GET", "/tyk/apis/central").json()
    assert api.call("PUT", "/tyk/apis/central?clear=jwt_source", shown).status_code == 200
    assert api.call("GET", "/tyk/apis/central").json()["jwt_mode"] == "per_key"


def test_a_mask_is_no_secret(api: GatewayApi) -> None:
    answer = api.call("POST", "/tyk/apis", jwt_api(TARGET, jwt_source="sha256:0123456789abcdef"))
    assert answer.status_code == 400
    assert "secret_is_mask" in [problem["code"] for problem in answer.json()["problems"]]


def test_a_public_key_is_shown(api: GatewayApi) -> None:
    pem = public_pem(rsa_key())
    api.call(
        "POST", "/tyk/apis", jwt_api(TARGET, jwt_source=pem, jwt_signing_method="rsa", jwt_policy_field_name="pol")
    )
    assert api.call("GET", "/tyk/apis/jwt").json()["jwt_source"] == pem


def test_a_lost_race_is_412_with_the_etag_that_stands(api: GatewayApi) -> None:
    api.call("POST", "/tyk/apis", keyless_api(TARGET))
    first = api.call("GET", "/tyk/apis/keyless").headers["ETag"]
    second = api.call("PUT", "/tyk/apis/keyless", keyless_api(TARGET, name="b"), If_Match=first).headers["ETag"]
    late = api.call("PUT", "/tyk/apis/keyless", keyless_api(TARGET, name="c"), If_Match=first)
    assert (late.status_code, late.headers["ETag"]) == (412, second)
    assert api.call("DELETE", "/tyk/apis/keyless", If_Match=first).status_code == 412
    assert api.call("GET", "/tyk/apis/keyless").json()["name"] == "b"
    assert api.call("DELETE", "/tyk/apis/keyless", If_Match=f'"other", {second}').status_code == 200


def test_a_missing_organisation_is_the_default_one_and_said(make: Make) -> None:
    gateway = make(default_org_id="acme")
    body = keyless_api(TARGET)
    del body["org_id"]
    assert [one["path"] for one in gateway.call("POST", "/tyk/apis", body).json()["warnings"]] == ["org_id"]
    assert gateway.call("GET", "/tyk/apis/keyless").json()["org_id"] == "acme"


@pytest.mark.parametrize(
    ("query", "is_listed"),
    [("", True), ("?accessType=external", True), ("?accessType=internal", False), ("?searchText=v9", False)],
)
def test_the_only_version_of_an_api_is_the_api(api: GatewayApi, query: str, is_listed: bool) -> None:
    api.call("POST", "/tyk/apis", keyless_api(TARGET))
    one = {"id": "keyless", "name": "keyless", "versionName": "", "internal": False, "expirationDate": ""}
    expected = [one | {"isDefaultVersion": True}] if is_listed else None
    assert api.call("GET", f"/tyk/apis/keyless/versions{query}").json() == {"status": "success", "apis": expected}


def test_oas_definitions_are_pointed_to_the_classic_form(api: GatewayApi) -> None:
    answer = api.call("POST", "/tyk/apis", {"openapi": "3.0.3", "info": {}, "api_id": "x"})
    assert (answer.status_code, answer.json()["problems"][0]["code"]) == (400, "oas_not_supported_yet")
    assert api.call("GET", "/tyk/apis/oas").status_code == 404
