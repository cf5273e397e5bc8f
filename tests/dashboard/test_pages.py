"""What each page shows, over what the Gateway API has stored."""

import json
from typing import Any

import pytest

from propylon.control.key_find import SAME_MAX
from propylon.usage.drain import Drain
from propylon.usage.queries import TOTALS_MAX
from tests.control.conftest import GatewayApi
from tests.dashboard.conftest import NewVisitor
from tests.kit.definitions import jwt_api, policy, session, token_api
from tests.kit.fake_people import fake_user
from tests.kit.visitor import Visitor, text_of

TARGET = "http://127.0.0.1:9/"


@pytest.fixture(autouse=True)
def _definitions(api: GatewayApi) -> None:
    assert api.call("POST", "/tyk/apis", token_api(TARGET, name="Payments")).status_code == 200
    assert api.call("POST", "/tyk/apis", jwt_api(TARGET, name="Charges")).status_code == 200


def add_key(api: GatewayApi, key_id: str, **members: Any) -> str:
    """Its hash."""
    answer = api.call("POST", f"/tyk/keys/{key_id}", session("token", **members))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["key_hash"])


def test_the_keys_stand_under_their_alias_and_never_their_id(api: GatewayApi, visitor: Visitor) -> None:
    key_hash = add_key(api, "canary-credential", alias="Warehouse")
    add_key(api, "another-credential")
    page = visitor.get("/keys")
    assert f'<a href="/keys/{key_hash}">Warehouse</a>' in page.text
    assert "no alias – add one" in page.text
    assert "canary-credential" not in page.text


def test_a_long_list_of_keys_has_pages_that_hold_each_key_once(api: GatewayApi, visitor: Visitor) -> None:
    for number in range(30):
        add_key(api, f"key-{number:03}", alias=f"Customer {number:03}")
    first = visitor.get("/keys")
    second = visitor.get("/keys?after=25")
    assert 'href="/keys?after=25" rel="next"' in first.text
    seen = [sum(f">Customer {number:03}<" in page.text for page in (first, second)) for number in range(30)]
    assert seen == [1] * 30
    assert 'rel="next"' not in second.text


def test_a_page_of_the_list_that_is_no_number_is_refused_in_words(visitor: Visitor) -> None:
    answer = visitor.get("/keys?after=x")
    assert answer.status_code == 400
    assert "after must be a whole number" in answer.text


@pytest.mark.parametrize("known_by", ["id", "hash", "alias"])
def test_a_key_is_found_by_whatever_is_known_of_it(known_by: str, api: GatewayApi, visitor: Visitor) -> None:
    key_hash = add_key(api, "canary-credential", alias="Warehouse")
    q = {"id": "canary-credential", "hash": key_hash, "alias": "Warehouse"}[known_by]
    answer = visitor.submit(visitor.get("/keys"), "/keys/find", q=f"  {q} ")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/keys/{key_hash}")


def test_several_keys_of_one_alias_are_listed(api: GatewayApi, visitor: Visitor) -> None:
    hashes = [add_key(api, f"key-{number}", alias="Twin") for number in range(2)]
    answer = visitor.submit(visitor.get("/keys"), "/keys/find", q="Twin")
    assert answer.status_code == 200
    assert all(f"/keys/{key_hash}" in answer.text for key_hash in hashes)


def test_of_more_keys_of_one_alias_than_are_listed_it_is_said(api: GatewayApi, visitor: Visitor) -> None:
    for number in range(SAME_MAX + 1):
        add_key(api, f"key-{number}", alias="Twin")
    shown = text_of(visitor.submit(visitor.get("/keys"), "/keys/find", q="Twin"))
    assert "There are more with this alias; only the first are listed." in shown


def test_what_nobody_is_known_by_is_said_and_not_shown_again(visitor: Visitor) -> None:
    answer = visitor.submit(visitor.get("/keys"), "/keys/find", q="canary-credential")
    assert answer.status_code == 404
    assert "No key and no identity is known by that" in answer.text
    assert "canary-credential" not in answer.text
    assert visitor.submit(visitor.get("/keys"), "/keys/find", q=" ").status_code == 422


def test_the_page_of_a_key_shows_what_is_in_force_and_who_gave_it(api: GatewayApi, visitor: Visitor) -> None:
    assert api.call("POST", "/tyk/policies", policy("gold", "token", rate=7, per=60, quota_max=90)).status_code == 200
    body = {"org_id": "default", "expires": -1, "alias": "Gilded", "apply_policies": ["gold"], "tags": ["eu"]}
    key_hash = api.call("POST", "/tyk/keys/gilded-key", body).json()["key_hash"]
    shown = text_of(visitor.get(f"/keys/{key_hash}"))
    assert "Gilded" in shown
    assert "7 per 60 s" in shown
    assert "90 of 90 left" in shown
    assert "policy gold" in shown
    assert "Payments" in shown
    assert "eu" in shown
    assert "gilded-key" not in shown


def test_a_key_that_opens_nothing_says_that_every_request_is_refused(api: GatewayApi, visitor: Visitor) -> None:
    body = {"org_id": "default", "expires": -1, "apply_policies": ["gone"]}
    key_hash = api.call("POST", "/tyk/keys/orphan", body).json().get("key_hash")
    if key_hash is None:  # it is not even stored
        pytest.skip("a key of a missing policy alone is refused when it is made")
    assert "Every request with this key is refused" in text_of(visitor.get(f"/keys/{key_hash}"))


def test_the_secret_of_a_jwt_key_is_on_no_page(api: GatewayApi, visitor: Visitor) -> None:
    secret = "canary-secret-that-nobody-may-see-on-a-page-0001"
    answer = api.call("POST", "/tyk/keys/acme", session("jwt", alias="Acme", jwt_data={"secret": secret}))
    page = visitor.get(f"/keys/{answer.json()['key_hash']}")
    assert "JWT signing key" in text_of(page)
    assert "acme" in page.text
    assert secret not in page.text
    assert secret not in visitor.get("/keys").text


def test_what_somebody_else_wrote_is_text_and_no_markup(api: GatewayApi, visitor: Visitor) -> None:
    mark = "<img src=x onerror=alert(1)>'\""
    key_hash = add_key(api, "a-key", alias=mark, tags=[mark], meta_data={mark: mark})
    for path in ("/keys", f"/keys/{key_hash}"):
        text = visitor.get(path).text
        assert "<img" not in text
        assert "&lt;img" in text


@pytest.mark.parametrize("name", ["hash", "page of an identity"])
def test_another_organisations_key_is_as_unknown_as_a_missing_one(
    name: str, api: GatewayApi, new_visitor: NewVisitor
) -> None:
    key_hash = add_key(api, "a-key", alias="Theirs")
    stranger = new_visitor(fake_user(org_id="other"))
    stranger.sign_in()
    path = {"hash": f"/keys/{key_hash}", "page of an identity": "/identities/k1"}[name]
    missing = path.replace(key_hash, "0" * 64).replace("k1", "k9")
    answers = [stranger.get(path), stranger.get(missing)]
    assert [one.status_code for one in answers] == [404, 404]
    assert text_of(answers[0]) == text_of(answers[1])
    assert "Theirs" not in stranger.get("/keys").text
    assert "Payments" not in stranger.get("/token-checker").text


def test_the_token_checker_shows_the_steps_and_never_the_token(api: GatewayApi, visitor: Visitor) -> None:
    add_key(api, "canary-credential", alias="Warehouse")
    page = visitor.get("/token-checker")
    good = visitor.submit(page, "/token-checker", api_id="token", token="Bearer canary-credential", method="GET")
    assert "It would be let in" in good.text
    assert "Warehouse" in good.text
    assert "canary-credential" not in good.text
    bad = visitor.submit(page, "/token-checker", api_id="token", token="canary-credentia", method="GET")
    assert "It would be refused" in bad.text
    assert "<code>key_unknown</code>" in bad.text
    assert good.status_code == bad.status_code == 200


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"token": "x"}, "api_id"),
        ({"api_id": "nothing", "token": "x"}, "api_id"),
        ({"api_id": "token", "token": " "}, "token"),
        ({"api_id": "token", "token": "x", "method": "BREW"}, "method"),
        ({"api_id": "token", "token": "x\x00y"}, "token"),
    ],
    ids=str,
)
def test_what_cannot_be_checked_is_said_at_its_field(fields: dict[str, str], field: str, visitor: Visitor) -> None:
    answer = visitor.submit(
        visitor.get("/token-checker"), "/token-checker", **{"api_id": "", "method": "GET", **fields}
    )
    assert answer.status_code == 422
    assert f'<p id="{field}-said" class="error">' in answer.text


def test_the_guide_names_the_apis_of_each_mode(visitor: Visitor) -> None:
    shown = text_of(visitor.get("/jwt-guide"))
    assert "Charges /jwt" in shown
    assert "None of your APIs works in this way" in shown


def test_the_settings_are_masked_and_can_be_narrowed(api: GatewayApi, visitor: Visitor) -> None:
    page = visitor.get("/settings")
    assert "canary-gateway-secret" not in page.text
    assert "set, not shown" in page.text
    narrowed = visitor.get("/settings?q=dashboard_listen")
    assert "<code>dashboard_listen</code>" in narrowed.text
    assert "<code>data_dir</code>" not in narrowed.text
    assert "No setting is called that" in visitor.get("/settings?q=nothing-of-the-kind").text


def test_the_nodes_and_stores_are_shown(visitor: Visitor) -> None:
    shown = text_of(visitor.get("/nodes"))
    assert "a-node" in shown
    assert "Records answering" in shown


@pytest.mark.parametrize("name", ["1h", "24h", "7d", "30d"])
def test_an_overview_without_traffic_says_what_to_do(name: str, visitor: Visitor) -> None:
    shown = text_of(visitor.get(f"/?range={name}"))
    assert "Requests 0" in shown
    assert "No requests yet" in shown
    assert "Nothing was refused" in shown


def test_a_range_that_is_none_is_refused_with_those_that_are(visitor: Visitor) -> None:
    answer = visitor.get("/?range=year")
    assert answer.status_code == 400
    assert "1h, 24h, 7d, 30d" in answer.text


def test_the_overview_adds_up_to_what_the_records_hold(api: GatewayApi, visitor: Visitor) -> None:
    key_hash = add_key(api, "a-key", alias="Warehouse")
    minute = int(api.clock.wall()) // 60
    cells = [
        ["token", "k1", 200, "", "", 1200, 10, 100, {"40": 1200}],
        ["token", "k1", 429, "rate_limited", "", 30, 0, 0, {"20": 30}],
        ["token", "k99", 200, "", "", 5, 0, 0, {"40": 5}],
        ["token", "", 502, "upstream_connect_refused", "", 7, 0, 0, {"60": 7}],
    ]
    use(api, minute, cells)
    page = visitor.get("/")
    shown = text_of(page)
    assert "Requests 1 242" in shown
    assert "Refused 30 2.4 %" in shown
    assert "Failed 7 0.6 %" in shown
    assert f'<a href="/keys/{key_hash}">Warehouse</a>' in page.text
    assert "Payments 1 242 37" in shown
    assert "rate_limited" in shown
    assert "the caller's rate is used up" in page.text.replace("&#39;", "'")
    assert "deleted" in shown, "k99 is no key any more, and its history is kept"
    for name in ("24h", "7d", "30d"):
        assert "Requests 1 242" in text_of(visitor.get(f"/?range={name}"))


def test_the_busiest_of_some_days_are_found_however_many_called_today(api: GatewayApi, visitor: Visitor) -> None:
    key_hash = add_key(api, "a-key", alias="Warehouse")
    minute, others = int(api.clock.wall()) // 60, range(2, TOTALS_MAX + 3)
    use(api, minute - 1440, [passed("k1", 1000)])
    for first in range(0, len(others), 1000):
        use(api, minute, [passed(f"k{number}", 10) for number in others[first : first + 1000]])
    shown = text_of(visitor.get("/?range=7d"))
    assert f"Warehouse token {key_hash[:12]}… 1 000 0" in shown
    assert f"Payments {1000 + 10 * len(others):,}".replace(",", " ") in shown


def test_the_overview_adds_up_however_many_kinds_of_answers_there_were(api: GatewayApi, visitor: Visitor) -> None:
    last, statuses = int(api.clock.wall()) // 60, range(200, 371)
    for minute in range(last - 59, last + 1):
        use(api, minute, [["token", "k1", status, "", "", 1, 0, 0, {}] for status in statuses])
    assert 60 * len(statuses) > TOTALS_MAX
    assert f"Requests {60 * len(statuses):,}".replace(",", " ") in text_of(visitor.get("/"))


def passed(caller: str, number: int) -> list[Any]:
    return ["token", caller, 200, "", "", number, 0, 0, {"40": number}]


def use(api: GatewayApi, minute: int, cells: list[list[Any]]) -> None:
    """As a worker tells what was used, and the records keep it."""
    line = {"minute": minute, "cells": cells, "log": [], "gauges": {"worker": 0}}
    api.run(api.meters.enqueue([json.dumps(line).encode()]))
    api.run(Drain(api.desk.records, api.meters, api.desk.metrics.observe).run_once())


def test_the_name_of_another_organisations_api_is_on_no_page(api: GatewayApi, new_visitor: NewVisitor) -> None:
    key_hash = add_key(api, "a-key-elsewhere", org_id="other", alias="Theirs")
    stranger = new_visitor(fake_user(org_id="other"))
    stranger.sign_in()
    shown = text_of(stranger.get(f"/keys/{key_hash}"))
    assert "token no such API here" in shown
    assert "Payments" not in shown
