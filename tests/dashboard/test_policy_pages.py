"""The screens of policies, over what the Gateway API stores."""

import json
from typing import Any

import pytest

from propylon.dashboard.policy_form import RIGHTS_MAX
from propylon.model.permissions import Permissions
from tests.control.conftest import GatewayApi
from tests.dashboard.conftest import NewVisitor
from tests.kit.definitions import jwt_api, policy, session, token_api
from tests.kit.fake_people import fake_user
from tests.kit.page_forms import fields_of, send
from tests.kit.visitor import ORIGIN, Visitor, text_of

TARGET = "http://127.0.0.1:9/"
GOLD = policy("gold", "token", name="Gold partners", rate=10, per=60, quota_max=100, quota_renewal_rate=3600)


@pytest.fixture(autouse=True)
def _definitions(api: GatewayApi) -> None:
    for definition in (
        token_api(TARGET, name="Payments"),
        jwt_api(TARGET, name="Charges", jwt_source="c2VjcmV0", jwt_default_policies=["gold"]),
    ):
        assert api.call("POST", "/tyk/apis", definition).status_code == 200
    assert api.call("POST", "/tyk/policies", GOLD).status_code == 200


def stored(api: GatewayApi, policy_id: str) -> dict[str, Any]:
    answer = api.call("GET", f"/tyk/policies/{policy_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def add_key(api: GatewayApi, key_id: str, **members: Any) -> str:
    answer = api.call("POST", f"/tyk/keys/{key_id}", session(**members))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["key_hash"])


def effective_rate(api: GatewayApi, key_hash: str) -> float:
    shown = api.call("GET", f"/tyk/keys/{key_hash}/effective").json()
    return float(shown["session"]["access"]["token"]["rate"])


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Gold partners", "Old trial", "Silver"]),
        ("?q=GOLD", ["Gold partners"]),
        ("?q=silver-id", ["Silver"]),
        ("?state=denied", ["Silver"]),
        ("?state=draft", ["Old trial"]),
        ("?api=token", ["Gold partners"]),
        ("?api=token&state=draft", []),
    ],
)
def test_the_list_is_narrowed_by_name_id_state_and_api(
    query: str, names: list[str], api: GatewayApi, visitor: Visitor
) -> None:
    api.call("POST", "/tyk/policies", policy("silver-id", name="Silver", is_inactive=True))
    api.call("POST", "/tyk/policies", policy("old", name="Old trial", active=False))
    page = visitor.get(f"/policies{query}")
    assert [name for name in ("Gold partners", "Old trial", "Silver") if f">{name}</a>" in page.text] == names
    if "Gold partners" in names:
        assert "gold Payments 10 per 60 s 100 Active" in text_of(page)


@pytest.mark.parametrize("query", ["page=0", "page=x", "state=x"])
def test_what_the_list_does_not_know_is_refused(query: str, visitor: Visitor) -> None:
    assert visitor.get(f"/policies?{query}").status_code == 400


def test_a_policy_is_made_with_a_form(api: GatewayApi, visitor: Visitor) -> None:
    page = send(visitor, visitor.get("/new/policy"), "/new/policy", {"do": "add", "add_api": "token", "name": "Silver"})
    assert page.status_code == 200
    changes: dict[str, str | list[str] | None] = {
        **{"id": "silver", "paths:token": "GET /charges", "rate_kind": "limited", "rate": "5", "per": "1"},
        **{"meta_name": ["team", ""], "meta_value": ["payments", ""], "key_expires_in": "3600", "do": "save"},
    }
    made = send(visitor, page, "/new/policy", changes)
    assert made.headers["location"].startswith("/policies/silver?done=policy_created")
    silver = stored(api, "silver")
    assert silver["name"] == "Silver"
    assert (silver["rate"], silver["per"], silver["key_expires_in"]) == (5, 1, 3600)
    assert silver["access_rights"]["token"]["allowed_urls"] == [{"url": "/charges", "methods": ["GET"]}]
    assert silver["access_rights"]["token"]["api_name"] == "Payments"
    assert silver["meta_data"] == {"team": "payments"}


def test_a_policy_without_an_id_gets_one(api: GatewayApi, visitor: Visitor) -> None:
    made = send(visitor, visitor.get("/new/policy"), "/new/policy", {"name": "Bronze", "do": "save"})
    policy_id = made.headers["location"].partition("?")[0].rpartition("/")[2]
    assert len(policy_id) == 24
    assert stored(api, policy_id)["name"] == "Bronze"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"rate_kind": "limited", "rate": "x"}, "rate"),
        ({"paths:token": "GET ("}, "paths:token"),
        ({"paths:token": "/charges"}, "paths:token"),
        ({"rate_kind:token": "limited", "rate:token": "-1"}, "rate:token"),
    ],
    ids=str,
)
def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    changes: dict[str, str], field: str, api: GatewayApi, visitor: Visitor
) -> None:
    answer = send(visitor, visitor.get("/policies/gold"), "/policies/gold", {"tags": "kept", **changes, "do": "save"})
    assert answer.status_code == 422
    assert f'<p id="{field}-said" class="error">' in answer.text
    assert fields_of(answer, "/policies/gold")["tags"] == "kept"
    assert stored(api, "gold") == api.call("GET", "/tyk/policies/gold").json()


def test_an_api_is_taken_out_and_another_added_before_anything_is_saved(api: GatewayApi, visitor: Visitor) -> None:
    page = send(visitor, visitor.get("/policies/gold"), "/policies/gold", {"tags": "kept", "do": "remove:token"})
    assert "right" not in fields_of(page, "/policies/gold")
    page = send(visitor, page, "/policies/gold", {"do": "add", "add_api": "jwt"})
    fields = fields_of(page, "/policies/gold")
    assert (fields["right"], fields["tags"]) == ("jwt", "kept")
    assert list(stored(api, "gold")["access_rights"]) == ["token"]
    none = send(visitor, page, "/policies/gold", {"do": "add", "add_api": ""})
    assert none.status_code == 422
    assert "Choose an API." in none.text


def test_a_change_that_keys_follow_is_asked_about_and_then_holds(api: GatewayApi, visitor: Visitor) -> None:
    key_hash = add_key(api, "a-key", apply_policies=["gold"])
    page = visitor.get("/policies/gold")
    assert "In use by 1 key, and by the tokens of 1 API: Charges (as default policy)." in text_of(page)
    asked = send(visitor, page, "/policies/gold", {"rate": "3", "do": "save"})
    shown = text_of(asked)
    assert "1 key: from the next request on." in shown
    assert "rate 10 3" in shown
    assert effective_rate(api, key_hash) == 10
    saved = send(visitor, asked, "/policies/gold", {"do": "save"})
    assert saved.headers["location"].startswith("/policies/gold?done=policy_saved")
    assert effective_rate(api, key_hash) == 3


def test_who_goes_back_from_the_question_finds_the_form_as_it_was(api: GatewayApi, visitor: Visitor) -> None:
    asked = send(visitor, visitor.get("/policies/gold"), "/policies/gold", {"rate": "3", "do": "save"})
    back = send(visitor, asked, "/policies/gold", {"do": "back"})
    assert fields_of(back, "/policies/gold")["rate"] == "3"
    assert stored(api, "gold")["rate"] == 10


def test_a_change_that_nobody_follows_is_saved_at_once(api: GatewayApi, visitor: Visitor) -> None:
    api.call("POST", "/tyk/policies", policy("alone", "token"))
    saved = send(visitor, visitor.get("/policies/alone"), "/policies/alone", {"rate_kind": "unlimited", "do": "save"})
    assert saved.status_code == 303
    assert stored(api, "alone")["rate"] == -1


def test_what_a_trial_shows_is_what_a_save_makes_of_the_key(api: GatewayApi, visitor: Visitor) -> None:
    key_hash = add_key(api, "canary-credential", alias="Acme", apply_policies=["gold"])
    changes = {"rate": "3", "paths:token": "GET /charges", "trial_key": "canary-credential", "do": "try"}
    tried = send(visitor, visitor.get("/policies/gold"), "/policies/gold", changes)
    shown = text_of(tried)
    assert "Payments: rate 10 per 60 s 3 per 60 s" in shown
    assert "Payments: paths all GET /charges" in shown
    assert "canary-credential" not in tried.text
    assert effective_rate(api, key_hash) == 10, "a trial stores nothing"
    asked = send(visitor, tried, "/policies/gold", {"do": "save"})
    send(visitor, asked, "/policies/gold", {"do": "save"})
    assert effective_rate(api, key_hash) == 3


def test_a_trial_on_a_key_without_the_policy_says_so(api: GatewayApi, visitor: Visitor) -> None:
    add_key(api, "other", alias="Other", access_rights=session("jwt")["access_rights"])
    tried = send(visitor, visitor.get("/policies/gold"), "/policies/gold", {"trial_key": "Other", "do": "try"})
    shown = text_of(tried)
    assert "does not name this policy; this is what it would get" in shown
    assert "Payments: rate no access 10 per 60 s" in shown


def test_a_policy_that_refuses_its_keys_is_seen_before_it_is_saved(api: GatewayApi, visitor: Visitor) -> None:
    add_key(api, "a-key", alias="Acme", apply_policies=["gold"])
    tried = send(
        visitor, visitor.get("/policies/gold"), "/policies/gold", {"state": "denied", "trial_key": "Acme", "do": "try"}
    )
    assert "State served refused, as it is inactive" in text_of(tried)
    out = send(
        visitor, visitor.get("/policies/gold"), "/policies/gold", {"right": None, "trial_key": "Acme", "do": "try"}
    )
    assert "Every request served refused: key has no valid policies" in text_of(out)


@pytest.mark.parametrize("key", ["", "nobody"])
def test_a_trial_without_a_key_says_so_at_its_field(key: str, visitor: Visitor) -> None:
    answer = send(visitor, visitor.get("/policies/gold"), "/policies/gold", {"trial_key": key, "do": "try"})
    assert answer.status_code == 422
    assert '<p id="trial_key-said" class="error">' in answer.text


def test_what_may_not_be_meant_so_is_told_on_its_page(api: GatewayApi, visitor: Visitor) -> None:
    api.call("POST", "/tyk/policies", policy("odd", "gone", rate=0, per=60, active=False))
    shown = text_of(visitor.get("/policies/odd"))
    assert "access_rights.gone is no API of this gateway" in shown
    assert "rate is 0, which limits nothing" in shown
    assert "active has no effect" in shown
    assert "no key and no definition names it" in shown


def test_who_comes_late_is_shown_what_they_would_undo_and_keeps_what_they_typed(
    api: GatewayApi, visitor: Visitor
) -> None:
    page = visitor.get("/policies/gold")
    api.call("PUT", "/tyk/policies/gold", {**stored(api, "gold"), "quota_max": 7})
    late = send(visitor, page, "/policies/gold", {"rate": "3", "do": "save"})
    assert late.status_code == 412
    assert "quota_max 7 100" in text_of(late)
    assert fields_of(late, "/policies/gold")["rate"] == "3"
    assert stored(api, "gold")["quota_max"] == 7


def test_json_is_saved_after_it_was_asked_about_and_problems_stand_at_their_line(
    api: GatewayApi, visitor: Visitor
) -> None:
    page = visitor.get("/policies/gold/json")
    text = str(fields_of(page, "/policies/gold/json")["text"])
    bad = send(visitor, page, "/policies/gold/json", {"text": text.replace('"rate": 10', '"rate": "10"')})
    assert bad.status_code == 422
    line = next(number for number, one in enumerate(text.splitlines(), 1) if '"rate": 10' in one)
    assert f"Line {line}</a> <code>/rate</code>" in bad.text
    asked = send(visitor, page, "/policies/gold/json", {"text": text.replace('"rate": 10', '"rate": 11')})
    assert "rate 10 11" in text_of(asked)
    saved = send(visitor, asked, "/policies/gold/json", {"do": "save"})
    assert saved.headers["location"].startswith("/policies/gold/json?done=policy_saved")
    assert stored(api, "gold")["rate"] == 11


def test_a_pasted_policy_is_made(api: GatewayApi, visitor: Visitor) -> None:
    text = json.dumps({"_id": "5f", "name": "Pasted", "access_rights": {}})
    made = send(visitor, visitor.get("/new/policy/json"), "/new/policy/json", {"text": text})
    assert made.headers["location"].startswith("/policies/5f?done=policy_created")


def test_a_policy_of_very_many_apis_is_edited_as_json(api: GatewayApi, visitor: Visitor) -> None:
    api.call("POST", "/tyk/policies", policy("wide", *(f"api-{number}" for number in range(RIGHTS_MAX + 1))))
    page = visitor.get("/policies/wide")
    assert "more than a form can hold" in page.text
    assert 'href="/policies/wide/json"' in page.text


def test_deleting_asks_and_names_what_rests_on_it(api: GatewayApi, visitor: Visitor) -> None:
    add_key(api, "a-key", apply_policies=["gold"])
    page = visitor.get("/policies/gold/delete")
    shown = text_of(page)
    assert "1 key" in shown
    assert "Charges (as default policy)" in shown
    assert send(visitor, page, "/policies/gold/delete").headers["location"] == "/policies?done=policy_deleted"
    assert visitor.get("/policies/gold").status_code == 404


@pytest.mark.parametrize("tab", ["", "/json", "/delete"])
def test_another_organisations_policy_is_as_unknown_as_a_missing_one(tab: str, new_visitor: NewVisitor) -> None:
    stranger = new_visitor(fake_user(org_id="other"))
    stranger.sign_in()
    theirs, missing = stranger.get(f"/policies/gold{tab}"), stranger.get(f"/policies/nothing{tab}")
    assert (theirs.status_code, missing.status_code) == (404, 404)
    assert text_of(theirs) == text_of(missing)
    csrf = fields_of(stranger.get("/new/policy"), "/new/policy")["csrf"]
    assert stranger.send("POST", f"/policies/gold{tab}", {"Origin": ORIGIN}, data={"csrf": csrf}).status_code == 404
    assert "Gold" not in stranger.get("/policies").text


def test_who_may_only_read_is_offered_nothing_to_write(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(fake_user(permissions=Permissions(levels={"policies": "read"})))
    visitor.sign_in()
    assert 'href="/new/policy"' not in visitor.get("/policies").text
    page = visitor.get("/policies/gold").text
    assert ">Save" not in page
    assert ">Delete" not in page
    assert 'name="trial_key"' not in page
