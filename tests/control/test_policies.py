"""/tyk/policies, as gateway-api.md §7.2 says; live when answered."""

from typing import Any

import pytest

from tests.control.conftest import GatewayApi, Make
from tests.kit.definitions import keyless_api, policy

MISMATCH = "Request ID does not match that in policy! For Update operations these must match."


def test_a_policy_is_added_read_changed_and_removed_in_tyk_s_words(api: GatewayApi) -> None:
    api.call("POST", "/tyk/apis", keyless_api("http://u/", "api"))
    added = api.call("POST", "/tyk/policies", policy("gold", "api"))
    assert added.json() == {"key": "gold", "status": "ok", "action": "added", "warnings": []}
    assert api.call("PUT", "/tyk/policies/gold", policy("gold", "api", rate=5, per=1)).json()["action"] == "modified"
    assert api.call("GET", "/tyk/policies/gold").json()["rate"] == 5
    assert [one["id"] for one in api.call("GET", "/tyk/policies").json()] == ["gold"]
    assert api.call("DELETE", "/tyk/policies/gold").json()["action"] == "deleted"
    assert api.call("GET", "/tyk/policies").json() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("GET", "/tyk/policies/none", None, 404, "Policy not found"),
        ("DELETE", "/tyk/policies/none", None, 404, "Delete failed"),
        ("PUT", "/tyk/policies", {}, 400, "Must specify an apiID to update"),
        ("DELETE", "/tyk/policies", None, 400, "Must specify an apiID to delete"),
        ("PUT", "/tyk/policies/gold", policy("silver"), 400, MISMATCH),
        ("POST", "/tyk/policies", {"name": "x"}, 400, "Unable to create policy without id."),
        (
            "POST",
            "/tyk/policies",
            policy("a/b"),
            400,
            "Invalid Policy ID: Allowed characters: a-z, A-Z, 0-9, ., _, -, ~",
        ),
        ("POST", "/tyk/policies", policy("gold", rate="5"), 400, "Request malformed"),
        (
            "POST",
            "/tyk/policies",
            policy("gold", partitions={"per_api": True, "acl": True}),
            400,
            "cannot apply policy gold which has per_api and any of partitions set",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_tyk_s_words(
    api: GatewayApi, method: str, path: str, body: Any, status: int, message: str
) -> None:
    """P-30."""
    answer = api.call(method, path, body)
    assert (answer.status_code, answer.json()["message"]) == (status, message)


def test_put_makes_a_policy_that_is_not_there(api: GatewayApi) -> None:
    assert api.call("PUT", "/tyk/policies/gold", policy("gold")).json()["action"] == "modified"
    assert api.call("GET", "/tyk/policies/gold").status_code == 200


def test_another_policy_under_a_used_id_is_409_and_the_same_is_no_change(api: GatewayApi) -> None:
    api.call("POST", "/tyk/policies", policy("gold"))
    revision = api.revision()
    assert api.call("POST", "/tyk/policies", policy("gold")).status_code == 200
    assert api.call("POST", "/tyk/policies", policy("gold", rate=1, per=1)).status_code == 409
    assert api.revision() == revision
    assert api.call("POST", "/tyk/policies?overwrite=1", policy("gold", rate=1, per=1)).status_code == 200


def test_what_is_read_can_be_written_back_without_a_change(api: GatewayApi) -> None:
    api.call(
        "POST", "/tyk/policies", policy("gold", "api", rate=5, per=1, tags=["a"], partitions={"acl": True}, extra=1)
    )
    before, revision = api.call("GET", "/tyk/policies/gold").json(), api.revision()
    assert api.call("PUT", "/tyk/policies/gold", before).status_code == 200
    assert (api.call("GET", "/tyk/policies/gold").json(), api.revision()) == (before, revision)


def test_doubtful_rights_and_fields_are_warned_of(api: GatewayApi) -> None:
    api.call("POST", "/tyk/apis", keyless_api("http://u/", "theirs", org_id="other"))
    warnings = api.call("POST", "/tyk/policies", policy("gold", "nothing", "theirs", aply=1)).json()["warnings"]
    assert {warning["path"]: warning["code"] for warning in warnings} == {
        "aply": "unknown_field",
        "access_rights.nothing": "api_unknown",
        "access_rights.theirs": "api_of_other_org",
    }


def test_strict_definitions_refuse_unknown_fields(make: Make) -> None:
    answer = make(strict_definitions=True).call("POST", "/tyk/policies", policy("gold", aply=1))
    assert (answer.status_code, answer.json()["problems"][0]["path"]) == (400, "aply")


def test_the_same_id_in_two_organisations_is_two_policies(api: GatewayApi) -> None:
    api.call("POST", "/tyk/policies", policy("gold", org_id="a", name="of a"))
    api.call("POST", "/tyk/policies", policy("gold", org_id="b", name="of b"))
    assert api.call("GET", "/tyk/policies/gold?org_id=a").json()["name"] == "of a"
    assert api.call("DELETE", "/tyk/policies/gold?org_id=a").status_code == 200
    assert api.call("GET", "/tyk/policies/gold").json()["name"] == "of b"


def test_a_change_without_an_organisation_stays_in_the_policy_s_own(api: GatewayApi) -> None:
    body = policy("gold", org_id="a")
    api.call("POST", "/tyk/policies", body)
    del body["org_id"]
    api.call("PUT", "/tyk/policies/gold", body | {"name": "renamed"})
    assert [one["org_id"] for one in api.call("GET", "/tyk/policies").json()] == ["a"]


def test_a_lost_race_is_412(api: GatewayApi) -> None:
    first = api.call("POST", "/tyk/policies", policy("gold")).headers["ETag"]
    api.call("PUT", "/tyk/policies/gold", policy("gold", rate=1, per=1))
    assert api.call("PUT", "/tyk/policies/gold", policy("gold", rate=2, per=1), If_Match=first).status_code == 412
    assert api.call("DELETE", "/tyk/policies/gold", If_Match=first).status_code == 412
