"""Two gateway nodes and a control node on real stores: one gateway, wherever a request comes in (design §3)."""

import json
from collections.abc import Iterator

import pytest

from tests.kit.client import Response, get
from tests.kit.definitions import jwt_api, session, token_api
from tests.kit.fleet import Fleet, migrate, running_fleet
from tests.kit.gateway import Gateway
from tests.kit.origin import Origin
from tests.kit.tokens import SECRET, hs256

KEY = {"Authorization": "the-key"}


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Origin() as origin, running_fleet() as made:
        for api in (token_api(origin.url), jwt_api(origin.url, jwt_source="")):
            call(made.control, "POST", "/tyk/apis", api)
        yield made


def call(node: Gateway, method: str, path: str, body: object = None) -> Response:
    answer = node.api(method, path, body)
    assert answer.status == 200, answer.body
    return answer


def statuses(fleet: Fleet, path: str, fields: dict[str, str]) -> list[int]:
    return [get(node.url + path, fields).status for node in fleet.nodes]


def test_a_key_opens_every_node_once_its_write_is_answered_and_none_after_its_delete(fleet: Fleet) -> None:
    for number in range(10):
        key = {"Authorization": f"key-{number}"}
        assert statuses(fleet, "/token/", key) == [403, 403]
        call(fleet.control, "POST", f"/tyk/keys/key-{number}", session("token", rate=1000, per=60))
        assert statuses(fleet, "/token/", key) == [200, 200]
        call(fleet.control, "DELETE", f"/tyk/keys/key-{number}")
        assert statuses(fleet, "/token/", key) == [403, 403]


def test_a_rate_and_a_quota_are_one_for_all_nodes(fleet: Fleet) -> None:
    call(fleet.control, "POST", "/tyk/keys/the-key", session("token", rate=6, per=600, quota_max=-1))
    seen = [status for _ in range(5) for status in statuses(fleet, "/token/", KEY)]
    assert seen == [200] * 6 + [429] * 4
    limited = session("token", rate=0, per=0, quota_max=5, quota_renewal_rate=3600)
    call(fleet.control, "POST", "/tyk/keys/quota-key", limited)
    key = {"Authorization": "quota-key"}
    seen = [status for _ in range(4) for status in statuses(fleet, "/token/", key)]
    assert seen == [200] * 5 + [403] * 3
    shown = json.loads(call(fleet.control, "GET", "/tyk/keys/quota-key").body)
    assert shown["quota_remaining"] == 0


def test_a_jwt_key_verifies_on_every_node_by_its_newest_secret(fleet: Fleet) -> None:
    bearer = {"Authorization": f"Bearer {hs256({'sub': 'a'}, kid='signer')}"}
    body = session("jwt", rate=1000, per=60)
    call(fleet.control, "POST", "/tyk/keys/signer", {**body, "jwt_data": {"secret": SECRET}})
    assert statuses(fleet, "/jwt/", bearer) == [200, 200]
    other = {**body, "jwt_data": {"secret": "another-secret-of-32-characters!"}}
    call(fleet.control, "PUT", "/tyk/keys/signer", other)
    assert statuses(fleet, "/jwt/", bearer) == [403, 403]


def test_the_gateway_api_is_served_by_control_alone(fleet: Fleet) -> None:
    assert [node.api("GET", "/tyk/apis").status for node in fleet.nodes] == [404, 404]
    assert fleet.control.api("GET", "/token/").status == 404


def test_a_node_says_that_it_is_ready_and_what_it_has_applied(fleet: Fleet) -> None:
    pages = [json.loads(get(node.url + "/ready").body) for node in fleet.nodes]
    assert [page["status"] for page in pages] == ["pass", "pass"]
    assert [page["details"]["stores"] for page in pages] == ["pass", "pass"]


def test_migrating_what_is_current_changes_nothing(fleet: Fleet) -> None:
    assert migrate(fleet.control) == "The records are current; nothing was changed.\n"
