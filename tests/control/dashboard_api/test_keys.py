"""/api/keys: Tyk's shapes around the Gateway API's rules."""

from typing import Any

import pytest

from propylon.control.key_find import SAME_MAX
from tests.control.dashboard_api.conftest import Dashboard
from tests.kit.definitions import session
from tests.kit.tokens import SECRET

RIGHTS = {"access_rights": session("acme-api")["access_rights"], "expires": -1}


def make_key(dashboard: Dashboard, key_id: str = "", **members: Any) -> dict[str, Any]:
    made = dashboard.call("POST", f"/api/keys/{key_id}", RIGHTS | members)
    assert made.status_code == 200, made.text
    document: dict[str, Any] = made.json()
    return document


def test_a_made_key_is_told_wrapped_with_the_id_its_caller_sends(dashboard: Dashboard) -> None:
    made = make_key(dashboard, alias="Ada")
    assert made["key_id"] != made["key_hash"]
    assert (made["kind"], made["data"]["org_id"], made["data"]["alias"]) == ("token", "acme", "Ada")
    assert dashboard.call("GET", f"/api/keys/{made['key_id']}").json()["key_hash"] == made["key_hash"]


@pytest.mark.parametrize("query", ["", "?hashed=1", "?auto_guess=true"])
def test_a_key_is_read_by_its_hash(dashboard: Dashboard, query: str) -> None:
    made = make_key(dashboard, "my-key")
    read = dashboard.call("GET", f"/api/keys/{made['key_hash']}{query}").json()
    assert (read["key_hash"], read["key_id"]) == (made["key_hash"], "")


def test_what_was_read_can_be_written_back_as_it_is(dashboard: Dashboard) -> None:
    make_key(dashboard, "my-key", jwt_data={"secret": SECRET}, expires=1_900_000_000)
    before = dashboard.call("GET", "/api/keys/my-key").json()
    assert (before["kind"], before["expires_at"]) == ("jwt_key", "2030-03-17T17:46:40Z")
    revision = dashboard.gateway.revision()
    assert dashboard.call("PUT", "/api/keys/my-key", before).status_code == 200
    assert dashboard.call("PUT", "/api/keys/my-key", before["data"]).status_code == 200
    assert (dashboard.call("GET", "/api/keys/my-key").json(), dashboard.gateway.revision()) == (before, revision)
    assert SECRET not in str(before)


@pytest.mark.parametrize(("query", "is_reset"), [("", True), ("?suppress_reset=1", False)])
def test_a_change_resets_the_counters_unless_it_says_not_to(dashboard: Dashboard, query: str, is_reset: bool) -> None:
    made = make_key(dashboard, "my-key")
    generation = dashboard.gateway.run(dashboard.gateway.desk.records.key(made["key_hash"])).generation
    assert dashboard.call("PUT", f"/api/keys/my-key{query}", RIGHTS | {"alias": "new"}).status_code == 200
    after = dashboard.gateway.run(dashboard.gateway.desk.records.key(made["key_hash"])).generation
    assert (after > generation) is is_reset


def test_a_deleted_key_is_not_there_any_more(dashboard: Dashboard) -> None:
    made = make_key(dashboard, "my-key")
    gone = dashboard.call("DELETE", f"/api/keys/{made['key_hash']}")
    assert (gone.json()["Status"], gone.json()["Message"]) == ("OK", "Key deleted successfully.")
    again = dashboard.call("DELETE", f"/api/keys/{made['key_hash']}")
    assert (again.status_code, again.json()["Message"]) == (404, "Could not retrieve key detail.")


def test_what_is_wrong_with_a_key_is_400_and_named(dashboard: Dashboard) -> None:
    refused = dashboard.call("POST", "/api/keys/my-key", {"expires": -1})
    assert (refused.status_code, refused.json()["code"]) == (400, "no_access_rights")
    assert refused.json()["problems"][0]["path"] == "access_rights"


def test_a_preview_stores_nothing(dashboard: Dashboard) -> None:
    shown = dashboard.call("POST", "/api/keys/preview", {"data": RIGHTS | {"alias": "Ada"}}).json()
    assert (shown["data"]["alias"], shown["data"]["org_id"]) == ("Ada", "acme")
    assert dashboard.call("GET", "/api/apis/keys").json() == {"data": {"keys": []}, "pages": 1}


def test_lists_are_paged_and_everything_is_one_page(dashboard: Dashboard) -> None:
    hashes = [make_key(dashboard, f"key-{number}")["key_hash"] for number in range(7)]
    dashboard.gateway.call("POST", "/tyk/keys/foreign", session("acme-api", org_id="other"))
    for path in ("/api/apis/keys", "/api/apis/acme-api/keys", "/api/apis/-/keys", "/api/apis/acme-api/keys/search"):
        pages = [dashboard.call("GET", f"{path}?p={number}").json() for number in (1, 2, 3)]
        assert [page["pages"] for page in pages] == [3, 3, 3]
        assert [one for page in pages for one in page["data"]["keys"]] == hashes
        assert dashboard.call("GET", f"{path}?p=-1").json() == {"data": {"keys": hashes}, "pages": 1}
    detailed = dashboard.call("GET", "/api/keys/detailed?p=3").json()
    assert ([one["key_hash"] for one in detailed["keys"]], detailed["pages"]) == (hashes[6:], 3)
    assert dashboard.call("GET", "/api/apis/nothing/keys").json()["data"]["keys"] == []
    assert dashboard.call("GET", "/api/apis/keys?p=one").json()["code"] == "page_invalid"


@pytest.mark.parametrize("known", ["my-key", "Ada", "hash"])
def test_a_key_is_looked_up_by_whatever_is_known_of_it(dashboard: Dashboard, known: str) -> None:
    made = make_key(dashboard, "my-key", alias="Ada")
    make_key(dashboard, "another")
    value = made["key_hash"] if known == "hash" else known
    matches = dashboard.call("GET", f"/api/keys/lookup?value={value}").json()["matches"]
    assert [match["key_hash"] for match in matches] == [made["key_hash"]]
    listed = dashboard.call("GET", f"/api/keys/detailed?q={value}").json()
    assert [one["key_hash"] for one in listed["keys"]] == [made["key_hash"]]


def test_a_look_up_without_matches_is_200(dashboard: Dashboard) -> None:
    answer = dashboard.call("GET", "/api/keys/lookup?value=nobody")
    assert (answer.status_code, answer.json()) == (200, {"matches": []})
    assert dashboard.call("GET", "/api/keys/lookup").json()["code"] == "no_value"


def test_a_look_up_that_has_more_than_it_tells_says_so(dashboard: Dashboard) -> None:
    for number in range(SAME_MAX + 1):
        make_key(dashboard, f"key-{number}", alias="Twin")
    for path in ("lookup?value=Twin", "detailed?q=Twin&p=0"):
        told = dashboard.call("GET", f"/api/keys/{path}").json()
        assert (len(told.get("matches") or told["keys"]), told["more"]) == (SAME_MAX, ["alias"])


def test_actions_of_a_key_tell_what_they_did(dashboard: Dashboard) -> None:
    made = make_key(dashboard, "my-key")
    for action, message in (
        ("suspend", "Key suspended"),
        ("resume", "Key resumed"),
        ("reset_quota", "Key quota reset"),
    ):
        told = dashboard.call("POST", f"/api/keys/my-key/actions/{action}").json()
        assert (told["Status"], told["Message"], told["Meta"]["key_hash"]) == ("OK", message, made["key_hash"])
        is_inactive = dashboard.call("GET", "/api/keys/my-key").json()["data"]["is_inactive"]
        assert is_inactive is (action == "suspend")
    assert dashboard.call("POST", "/api/keys/my-key/actions/renew").json()["Message"] == "Key renewed"


def test_a_rotation_shows_what_it_made_once(dashboard: Dashboard) -> None:
    make_key(dashboard, "my-key")
    rotated = dashboard.call("POST", "/api/keys/my-key/actions/rotate")
    token = rotated.json()["Meta"]["token"]
    assert rotated.headers["Cache-Control"] == "no-store"
    assert dashboard.call("GET", f"/api/keys/{token}").status_code == 200
    assert token not in dashboard.call("GET", "/api/keys/my-key").text


def test_a_token_is_explained_to_its_organisation_alone(dashboard: Dashboard) -> None:
    question = {"api_id": "acme-api", "key": "nobody"}
    told = dashboard.call("POST", "/api/jwt/explain", question, "rita-key").json()
    assert told["verdict"]["reason"] == "key_unknown"
    assert dashboard.call("POST", "/api/jwt/explain", question, "otto-key").json()["code"] == "api_unknown"
