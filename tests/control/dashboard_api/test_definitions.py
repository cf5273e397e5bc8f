"""/api/apis and /api/portal/policies: Tyk's shapes around the Gateway API's rules."""

from typing import Any

import pytest

from tests.control.dashboard_api.conftest import Dashboard
from tests.kit.definitions import keyless_api, policy


def an_api(api_id: str, **members: Any) -> dict[str, Any]:
    return {"api_definition": keyless_api("http://u/", api_id, org_id="acme") | members, "hook_references": []}


def test_a_wrapped_definition_is_made_and_read_wrapped(dashboard: Dashboard) -> None:
    made = dashboard.call("POST", "/api/apis/", an_api("new"))
    assert made.json() | {"warnings": []} == {
        "Status": "OK",
        "Message": "API created",
        "Meta": "new",
        "ID": "new",
        "warnings": [],
    }
    read = dashboard.call("GET", "/api/apis/new")
    assert (read.json()["api_definition"]["api_id"], read.json()["is_site"]) == ("new", False)
    assert read.headers["ETag"] == made.headers["ETag"]


def test_a_definition_without_an_organisation_is_the_caller_s(dashboard: Dashboard) -> None:
    made = dashboard.call("POST", "/api/apis", an_api("", org_id=""))
    assert dashboard.call("GET", f"/api/apis/{made.json()['ID']}").json()["api_definition"]["org_id"] == "acme"


def test_an_id_that_is_there_is_409(dashboard: Dashboard) -> None:
    dashboard.call("POST", "/api/apis", an_api("new"))
    refused = dashboard.call("POST", "/api/apis", an_api("new", name="another"))
    assert (refused.status_code, refused.json()["Message"]) == (409, "Found API with the same ID")
    assert refused.json()["code"] == "api_exists"


def test_an_api_is_changed_and_deleted_by_either_of_its_ids(dashboard: Dashboard) -> None:
    dashboard.call("POST", "/api/apis", an_api("new", id="5aaa35ad7d0d6e000187d6ea"))
    changed = an_api("", name="renamed", id="5aaa35ad7d0d6e000187d6ea")
    told = dashboard.call("PUT", "/api/apis/5aaa35ad7d0d6e000187d6ea", changed)
    assert (told.json()["Message"], told.json()["Meta"]) == ("API updated", "new")
    assert dashboard.call("GET", "/api/apis/new").json()["api_definition"]["name"] == "renamed"
    assert dashboard.call("DELETE", "/api/apis/5aaa35ad7d0d6e000187d6ea").json()["Message"] == "API deleted"
    gone = dashboard.call("DELETE", "/api/apis/new")
    assert (gone.status_code, gone.json()["Message"]) == (404, "Could not retrieve API detail")
    gone = dashboard.call("PUT", "/api/apis/new", an_api("new"))
    assert (gone.status_code, gone.json()["Message"]) == (404, "API definition does not exist")


def test_apis_are_searched_sorted_and_paged(dashboard: Dashboard) -> None:
    for name in ("Delta", "alpha", "charlie", "Bravo"):
        dashboard.call("POST", "/api/apis", an_api(name, name=f"{name} shop"))

    def names(query: str) -> list[str]:
        found = dashboard.call("GET", f"/api/apis?{query}").json()["apis"]
        return [one["api_definition"]["name"].split()[0] for one in found]

    assert names("q=SHOP&p=0") == ["alpha", "Bravo", "charlie", "Delta"]
    assert (names("q=shop&sort=-name"), names("q=shop&p=2")) == (["Delta", "charlie", "Bravo"], ["Delta"])
    assert dashboard.call("GET", "/api/apis/search?q=shop").json()["pages"] == 2
    assert dashboard.call("GET", "/api/apis?sort=age").json()["code"] == "sort_unknown"


def test_versions_made_from_another_api_are_refused_and_not_passed_over(dashboard: Dashboard) -> None:
    refused = dashboard.call("POST", "/api/apis?base_api_id=acme-api", an_api("new"))
    assert (refused.status_code, refused.json()["code"]) == (400, "not_supported")


def a_policy(**members: Any) -> dict[str, Any]:
    document = policy("unused", "acme-api", org_id="acme")
    return {name: value for name, value in document.items() if name != "id"} | members


def test_a_new_policy_s_id_is_in_message_and_in_meta(dashboard: Dashboard) -> None:
    made = dashboard.call("POST", "/api/portal/policies", a_policy(name="gold")).json()
    assert (made["Status"], made["Message"]) == ("OK", made["Meta"])
    read = dashboard.call("GET", f"/api/portal/policies/{made['Message']}").json()
    assert (read["_id"], read["id"], read["state"]) == (made["Message"], made["Message"], "active")
    assert [right["api_id"] for right in read["access_rights_array"]] == ["acme-api"]


@pytest.mark.parametrize(("ids", "kept"), [({"_id": "one"}, "one"), ({"id": "two", "_id": "one"}, "two")])
def test_ids_that_are_given_are_kept(dashboard: Dashboard, ids: dict[str, str], kept: str) -> None:
    assert dashboard.call("POST", "/api/portal/policies", a_policy(**ids)).json()["Message"] == kept
    for name in ids.values():
        read = dashboard.call("GET", f"/api/portal/policies/{name}")
        assert (read.json()["id"], read.json()["_id"]) == (kept, "one")
    written = dashboard.call("PUT", "/api/portal/policies/one", read.json() | {"name": "new"})
    assert (written.status_code, written.json()["Message"]) == (200, "Data updated"), written.text
    assert dashboard.call("DELETE", "/api/portal/policies/one").json()["Message"] == "Data deleted"
    gone = dashboard.call("DELETE", f"/api/portal/policies/{kept}")
    assert (gone.status_code, gone.json()["Message"]) == (404, "Could not retrieve object for deletion")


def test_access_rights_may_come_as_a_list(dashboard: Dashboard) -> None:
    rights = [{"api_id": "acme-api", "versions": ["Default"]}]
    made = dashboard.call("POST", "/api/portal/policies", a_policy(access_rights={}, access_rights_array=rights)).json()
    assert [*dashboard.call("GET", f"/api/portal/policies/{made['Meta']}").json()["access_rights"]] == ["acme-api"]
    refused = dashboard.call("POST", "/api/portal/policies", a_policy(access_rights={}, access_rights_array=["x"]))
    assert refused.json()["problems"][0]["path"] == "access_rights_array"


def test_a_state_switches_a_policy_and_may_not_differ_from_the_switches(dashboard: Dashboard) -> None:
    made = dashboard.call("POST", "/api/portal/policies", a_policy(state="deny")).json()
    read = dashboard.call("GET", f"/api/portal/policies/{made['Meta']}").json()
    assert (read["is_inactive"], read["state"]) == (True, "deny")
    refused = dashboard.call("PUT", f"/api/portal/policies/{made['Meta']}", read | {"is_inactive": False})
    assert (refused.status_code, refused.json()["code"]) == (400, "state_differs")


def test_policies_are_listed_searched_and_paged(dashboard: Dashboard) -> None:
    for name in ("gold", "silver", "bronze", "golden"):
        dashboard.call("POST", "/api/portal/policies", a_policy(id=name, name=name, is_inactive=name == "bronze"))
    page = dashboard.call("GET", "/api/portal/policies").json()
    assert (len(page["Data"]), page["Pages"]) == (3, 2)
    found = dashboard.call("GET", "/api/portal/policies/search?q=GOLD").json()
    assert [one["id"] for one in found["Data"]] == ["gold", "golden"]
    assert [one["id"] for one in dashboard.call("GET", "/api/portal/policies?state=deny").json()["Data"]] == ["bronze"]


def test_a_policy_that_is_not_there_is_not_made_by_a_change(dashboard: Dashboard) -> None:
    refused = dashboard.call("PUT", "/api/portal/policies/nobody", a_policy())
    assert (refused.status_code, refused.json()["Message"]) == (404, "Could not retrieve portal object.")
