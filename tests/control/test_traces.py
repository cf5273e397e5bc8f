"""GET /tyk/explain/{trace}: what the log knows of a refusal."""

import pytest

from propylon.telemetry.traces import Traces
from propylon.usage.drain import Drain
from propylon.usage.line import Line, LogEntry, encode
from tests.control.conftest import GatewayApi
from tests.kit.definitions import token_api

NOW = 1_800_000_000
TRACE = Traces(lambda: NOW - 60.0).make()
ENTRY = LogEntry(
    NOW - 60.0, "token", "k1", "ff", "Ada", "GET", "/token/x", 403, "path_not_granted", 5, 0, "203.0.113.7", 1, TRACE
)


@pytest.fixture
def logged(api: GatewayApi) -> GatewayApi:
    api.run(api.meters.enqueue([encode(Line(NOW // 60, [], [ENTRY], {}))]))
    api.run(Drain(api.desk.records, api.meters).run_once())
    return api


def test_a_trace_tells_which_step_refused_whom_and_why(logged: GatewayApi) -> None:
    story = logged.call("GET", f"/tyk/explain/{TRACE}").json()
    assert (story["step"], story["rule"], story["identity"]["name"]) == ("path", "A-6", "Ada")
    assert story["verdict"] == {"status": 403, "reason": "path_not_granted", "passes": False}
    assert (story["request"]["path"], story["at"]) == ("/token/x", NOW - 60.0)


def test_what_a_trace_tells_can_be_asked_of_explain(logged: GatewayApi) -> None:
    logged.call("POST", "/tyk/apis", token_api("http://u/"))
    asked = logged.call("GET", f"/tyk/explain/{TRACE}").json()["explain"]
    told = logged.call(asked["method"], asked["path"], asked["body"] | {"key": "nobody"}).json()
    assert (told["request"]["path"], told["verdict"]["reason"]) == ("/token/x", "key_unknown")


@pytest.mark.parametrize("age_s", [0.0, 4.5, -3.0])
def test_a_trace_that_may_still_come_is_202(api: GatewayApi, age_s: float) -> None:
    answer = api.call("GET", f"/tyk/explain/{Traces(lambda: NOW - age_s).make()}")
    assert (answer.status_code, answer.json()) == (202, {"status": "not_yet"})


@pytest.mark.parametrize("trace", [Traces(lambda: NOW - 6.0).make(), Traces(lambda: NOW + 60.0).make(), "x" * 20, "1"])
def test_a_trace_nobody_knows_is_404(api: GatewayApi, trace: str) -> None:
    answer = api.call("GET", f"/tyk/explain/{trace}")
    assert (answer.status_code, answer.json()["code"]) == (404, "trace_unknown")
