"""/tyk/keys/{id}/suspend, resume, renew, extend, reset-quota: one thing changes and the rest stays."""

from typing import Any

import pytest

from tests.control.conftest import GatewayApi
from tests.kit.definitions import policy, session, token_api

TARGET = "http://upstream.example/"
NOW = 1_800_000_000
HOUR = 3600
KEY = "/tyk/keys/a-key"


@pytest.fixture
def given(api: GatewayApi) -> GatewayApi:
    api.call("POST", "/tyk/apis", token_api(TARGET))
    return api


def add(api: GatewayApi, **members: Any) -> None:
    assert api.call("POST", KEY, session("token", alias="mine", **members)).status_code == 200


def generation(api: GatewayApi) -> int:
    row = api.run(api.desk.records.key(api.desk.sealing.key_hash("default", "a-key")))
    number: int = row.generation
    return number


def test_a_key_is_suspended_and_resumed_with_all_it_had(given: GatewayApi) -> None:
    add(given, quota_max=10, quota_renewal_rate=HOUR, jwt_data={"secret": "canary-" * 6})
    before, counted = given.call("GET", KEY).json(), generation(given)
    answer = given.call("POST", f"{KEY}/suspend").json()
    assert (answer["key"], answer["status"], answer["action"]) == ("a-key", "ok", "suspended")
    assert given.call("GET", KEY).json() == before | {"is_inactive": True}
    assert given.call("POST", f"{KEY}/resume").json()["action"] == "resumed"
    assert (given.call("GET", KEY).json(), generation(given)) == (before, counted)


def test_what_is_so_already_is_no_revision(given: GatewayApi) -> None:
    add(given)
    given.call("POST", f"{KEY}/suspend")
    revision = given.revision()
    assert given.call("POST", f"{KEY}/suspend").status_code == 200
    assert given.revision() == revision


def test_a_policy_that_suspends_is_named_when_a_key_is_resumed(given: GatewayApi) -> None:
    given.call("POST", "/tyk/policies", policy("asleep", "token", is_inactive=True))
    add(given, apply_policies=["asleep"])
    (warning,) = given.call("POST", f"{KEY}/resume").json()["warnings"]
    assert (warning["code"], '"asleep"' in warning["message"]) == ("policy_inactive", True)


def test_a_renewed_key_lives_as_long_again_and_counts_anew(given: GatewayApi) -> None:
    add(given, expires=NOW + HOUR)
    given.run(given.clock.advance(5 * HOUR))
    assert given.call("POST", f"{KEY}/renew").json()["expires"] == NOW + 6 * HOUR
    assert (given.call("GET", KEY).json()["expires"], generation(given)) == (NOW + 6 * HOUR, NOW + 5 * HOUR)
    given.run(given.clock.advance(HOUR / 2))
    assert given.call("POST", f"{KEY}/renew").json()["expires"] == NOW + 6 * HOUR + HOUR // 2


def test_a_policy_says_how_long_a_renewed_key_lives(given: GatewayApi) -> None:
    given.call("POST", "/tyk/policies", policy("trial", "token", key_expires_in=60))
    add(given, apply_policies=["trial"])
    given.run(given.clock.advance(HOUR))
    assert given.call("POST", f"{KEY}/renew").json()["expires"] == NOW + HOUR + 60


def test_a_key_that_never_expires_stays_so_when_renewed(given: GatewayApi) -> None:
    add(given)
    assert given.call("POST", f"{KEY}/renew").json()["expires"] == -1


@pytest.mark.parametrize(
    ("body", "expires"),
    [
        ({"expires": NOW + 9 * HOUR}, NOW + 9 * HOUR),
        ({"expires": -1}, -1),
        ({"by_s": 60}, NOW + HOUR + 60),
    ],
)
def test_a_life_is_extended_and_counters_stay(given: GatewayApi, body: Any, expires: int) -> None:
    add(given, expires=NOW + HOUR)
    assert given.call("POST", f"{KEY}/extend", body).json()["expires"] == expires
    assert (given.call("GET", KEY).json()["expires"], generation(given)) == (expires, 0)


def test_what_has_ended_is_extended_from_now_on(given: GatewayApi) -> None:
    add(given, expires=NOW + HOUR)
    given.run(given.clock.advance(2 * HOUR))
    assert given.call("POST", f"{KEY}/extend", {"by_s": 60}).json()["expires"] == NOW + 2 * HOUR + 60


@pytest.mark.parametrize(
    "body",
    [{}, {"expires": NOW - 1}, {"expires": 1.5}, {"by_s": 0}, {"by_s": "60"}, {"by_s": 1, "expires": NOW + 5}]
    + [{"until": 5}, {"expires": True}, {"by_s": 10**12}],
)
def test_an_extension_says_one_thing(given: GatewayApi, body: Any) -> None:
    add(given, expires=NOW + HOUR)
    assert given.call("POST", f"{KEY}/extend", body).status_code == 400
    assert given.call("GET", KEY).json()["expires"] == NOW + HOUR


def test_what_never_ends_is_not_extended_by_a_while(given: GatewayApi) -> None:
    add(given)
    assert given.call("POST", f"{KEY}/extend", {"by_s": 60}).json()["code"] == "never_expires"


def test_a_quota_is_reset_by_counting_anew(given: GatewayApi) -> None:
    add(given, quota_max=10, quota_renewal_rate=HOUR)
    assert given.call("POST", f"{KEY}/reset-quota").json()["action"] == "quota_reset"
    assert generation(given) >= NOW


@pytest.mark.parametrize("action", ["suspend", "resume", "renew", "extend", "reset-quota"])
def test_a_key_is_there_and_as_it_was_read(given: GatewayApi, action: str) -> None:
    body = {"expires": -1} if action == "extend" else None
    assert given.call("POST", f"{KEY}/{action}", body).status_code == 404
    add(given)
    assert given.call("POST", f"{KEY}/{action}", body, If_Match='"another"').status_code == 412


def test_a_rotated_key_keeps_its_ring_through_all_of_them(given: GatewayApi) -> None:
    add(given, jwt_data={"secret": "canary-" * 6})
    given.call("POST", f"{KEY}/rotate")
    ring = given.call("GET", f"{KEY}/ring").json()
    for action in ("suspend", "resume", "renew", "reset-quota"):
        given.call("POST", f"{KEY}/{action}")
    assert given.call("GET", f"{KEY}/ring").json() == ring
