"""What is counted and what the client is told of it, on the wire. The counting itself is the meters' suite."""

from typing import Any

import pytest

from tests.kit.client import Response, get
from tests.kit.data_path import DataPath, data_path
from tests.kit.definitions import keyless_api, policy, session, token_api
from tests.kit.origin import Origin

NOW = 1_800_000_000
RATES = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


def call(path: DataPath, target: str = "/token/", key: str = "k-1") -> Response:
    return get(path.url + target, {"Authorization": key})


def rates(answer: Response) -> list[str | None]:
    return [answer.value(name) for name in RATES]


def error(text: str) -> bytes:
    return f'{{\n    "error": "{text}"\n}}'.encode()


def test_a_key_over_its_rate_is_told_when_to_come_back_and_let_in_then() -> None:
    keys = {"k-1": session("token", rate=2, per=16)}
    with Origin() as origin, data_path(token_api(origin.url), keys=keys) as path:
        assert [call(path).status for _ in range(2)] == [200, 200]
        refused = call(path)
        assert (refused.status, refused.body) == (429, error("Rate Limit Exceeded"))
        wait = int(refused.value("retry-after") or 0)
        assert 16 <= wait <= 17
        path.advance(wait)
        assert call(path).status == 200
        assert len(origin.requests) == 3


@pytest.mark.parametrize("status", [403, 429])
def test_a_key_without_quota_left_is_refused_until_it_renews(status: int) -> None:
    keys = {"k-1": session("token", quota_max=2, quota_renewal_rate=60)}
    with Origin() as origin, data_path(token_api(origin.url), keys=keys, quota_exceeded_status=status) as path:
        assert rates(call(path)) == ["2", "1", str(NOW + 60)]
        assert rates(call(path)) == ["2", "0", str(NOW + 60)]
        refused = call(path)
        assert (refused.status, refused.body, refused.value("retry-after")) == (status, error("Quota exceeded"), "60")
        path.advance(61)
        assert rates(call(path)) == ["2", "1", str(NOW + 121)]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, ["0", "0", "0"]),
        ({"quota_max": -1}, ["-1", "-1", "0"]),
        ({"rate": 5, "per": 10}, ["0", "0", "0"]),
        ({"quota_max": 3, "quota_renewal_rate": 0}, ["3", "2", "0"]),
    ],
)
def test_the_rate_fields_speak_of_the_quota(limits: dict[str, Any], expected: list[str]) -> None:
    keys = {"k-1": session("token", **limits)}
    with Origin() as origin, data_path(token_api(origin.url), keys=keys) as path:
        assert rates(call(path)) == expected


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"rate": 5, "per": 10}, ["5", "4"]),
        ({"rate": 5, "per": 10, "quota_max": 3, "quota_renewal_rate": 60}, ["5", "4"]),
        ({"quota_max": 3, "quota_renewal_rate": 60}, [None, None]),
        ({}, [None, None]),
    ],
)
def test_the_rate_fields_speak_of_the_rate_where_that_is_wished(limits: dict[str, Any], expected: list[str]) -> None:
    keys = {"k-1": session("token", **limits)}
    with Origin() as origin, data_path(token_api(origin.url), keys=keys, rate_headers_of_quota=False) as path:
        answer = call(path)
        assert answer.status == 200
        assert rates(answer)[:2] == expected
        reset = answer.value("x-ratelimit-reset")
        assert reset is None or NOW <= int(reset) <= NOW + 11


def test_a_refusal_by_the_rate_carries_its_fields_where_that_is_wished() -> None:
    keys = {"k-1": session("token", rate=1, per=10)}
    with Origin() as origin, data_path(token_api(origin.url), keys=keys, rate_headers_of_quota=False) as path:
        assert [call(path).status for _ in range(2)] == [200, 429]
        assert rates(call(path))[:2] == ["1", "0"]


def test_a_request_refused_by_its_rate_costs_no_quota() -> None:
    keys = {"k-1": session("token", rate=1, per=10, quota_max=10, quota_renewal_rate=3600)}
    with Origin() as origin, data_path(token_api(origin.url), keys=keys) as path:
        assert [call(path).status for _ in range(4)] == [200, 429, 429, 429]
        path.advance(11)
        assert call(path).value("x-ratelimit-remaining") == "8"


def test_a_request_refused_for_want_of_rights_costs_nothing() -> None:
    narrow = {
        "token": {"api_id": "token", "versions": ["Default"], "allowed_urls": [{"url": "/a", "methods": ["GET"]}]}
    }
    keys = {"k-1": session("token", access_rights=narrow, quota_max=10, quota_renewal_rate=3600)}
    with Origin() as origin, data_path(token_api(origin.url), keys=keys) as path:
        assert [call(path, "/token/b").status for _ in range(3)] == [403] * 3
        assert call(path, "/token/a").value("x-ratelimit-remaining") == "9"


def test_an_api_s_own_limit_holds_for_all_callers_together() -> None:
    keys = {"k-1": session("token"), "k-2": session("token")}
    api = {"global_rate_limit": {"rate": 2, "per": 60}}
    with Origin() as origin, data_path(token_api(origin.url, **api), keys=keys) as path:
        assert [call(path, key=key).status for key in ("k-1", "k-2", "k-1")] == [200, 200, 429]
        assert call(path).body == error("API Rate Limit Exceeded")


def test_an_api_s_own_limit_holds_without_keys() -> None:
    with Origin() as origin:
        api = keyless_api(origin.url, global_rate_limit={"rate": 1, "per": 60})
        with data_path(api) as path:
            assert [get(path.url + "/keyless/").status for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("switch", ["disable_rate_limit", "disable_quota"])
def test_an_api_may_switch_a_kind_of_limit_off(switch: str) -> None:
    limits = {"rate": 1, "per": 60} if switch == "disable_rate_limit" else {"quota_max": 1, "quota_renewal_rate": 60}
    keys = {"k-1": session("token", **limits)}
    with Origin() as origin, data_path(token_api(origin.url, **{switch: True}), keys=keys) as path:
        assert [call(path).status for _ in range(3)] == [200] * 3


def test_an_endpoint_s_limit_takes_the_place_of_the_key_s_there() -> None:
    endpoint = {"path": "/slow", "methods": [{"name": "GET", "limit": {"rate": 1, "per": 60}}]}
    rights = {"token": {"api_id": "token", "versions": ["Default"], "endpoints": [endpoint]}}
    keys = {"k-1": session("token", access_rights=rights, rate=3, per=60)}
    with Origin() as origin, data_path(token_api(origin.url), keys=keys) as path:
        assert [call(path, "/token/slow").status for _ in range(2)] == [200, 429]
        assert [call(path, "/token/fast").status for _ in range(4)] == [200, 200, 200, 429]


def test_callers_of_one_policy_have_counters_of_their_own() -> None:
    keys = {name: session(apply_policies=["gold"]) for name in ("k-1", "k-2")}
    gold = policy("gold", "token", quota_max=1, quota_renewal_rate=60)
    with Origin() as origin, data_path(token_api(origin.url), keys=keys, policies=[gold]) as path:
        assert [call(path, key=key).status for key in ("k-1", "k-2", "k-1", "k-2")] == [200, 200, 403, 403]


def test_a_key_made_again_inherits_nothing() -> None:
    """P-29, ours: meters are named by record and generation."""
    limited = session("token", quota_max=1, quota_renewal_rate=60)
    with Origin() as origin, data_path(token_api(origin.url), keys={"k-1": limited}) as path:
        assert [call(path).status for _ in range(2)] == [200, 403]
        path.delete_key("k-1")
        path.put_key("k-1", limited)
        assert call(path).status == 200


def test_a_throttled_request_waits_and_is_charged_once() -> None:
    limits = {"rate": 1, "per": 8, "throttle_interval": 4, "throttle_retry_limit": 5}
    keys = {"k-1": session("token", **limits, quota_max=10, quota_renewal_rate=3600)}
    with Origin() as origin, data_path(token_api(origin.url), keys=keys) as path:
        assert call(path).status == 200
        answer = path.in_background(lambda: call(path))
        path.run(path.until_someone_sleeps())
        for _ in range(3):
            path.advance(4)
        assert answer.result(30).value("x-ratelimit-remaining") == "8"


def test_a_throttled_request_gives_up_after_its_tries() -> None:
    limits = {"rate": 1, "per": 100, "throttle_interval": 1, "throttle_retry_limit": 2}
    with Origin() as origin, data_path(token_api(origin.url), keys={"k-1": session("token", **limits)}) as path:
        assert call(path).status == 200
        answer = path.in_background(lambda: call(path))
        path.run(path.until_someone_sleeps())
        path.advance(10)
        assert answer.result(30).status == 429
