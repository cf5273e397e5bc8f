"""`propylon jwt explain`: the API's explanation as a list that a person can read."""

import json
from pathlib import Path
from typing import Any

from tests.kit.answers import reply
from tests.kit.client import get
from tests.kit.command import Ended, Operator
from tests.kit.definitions import session
from tests.kit.gateway import Gateway
from tests.kit.origin import Origin
from tests.kit.tokens import SECRET

CREDENTIAL = ("credential", "header Authorization", "T-1", "passed", "one was sent, 5 characters long")
TIMES = ("times", "exp", "J-23a", "refused", "it is past its exp (jwt_expired)")


def step(name: str, given: str, rule: str, result: str, because: str) -> dict[str, Any]:
    return {
        "step": name,
        "input": given,
        "rule": rule,
        "result": result,
        "because": because,
        "failed": result != "passed",
    }


REFUSED = {
    "steps": [step(*CREDENTIAL), step(*TIMES)],
    "identity": None,
    "session": None,
    "meters": [],
    "notes": ["claim pol is not used"],
    "verdict": {"status": 401, "reason": "jwt_expired", "message": "Key not authorized", "passes": False},
}
PASSES = {
    "steps": [step(*CREDENTIAL)],
    "identity": {"record": "k17", "kind": "key", "name": "Acme \x1b[2J"},
    "session": {"provenance": [{"field": "rate", "text": "rate 100/10 s from gold; trial lost: 90/30 s is lower"}]},
    "meters": [{"limit": "rate", "max": 100, "remaining": 99, "period_s": 10.0, "refuses": False}],
    "notes": [],
    "verdict": {"status": 200, "reason": "", "message": "would be let through", "passes": True},
}


def explained(document: Any, *arguments: str) -> tuple[Ended, Any]:
    """And what was asked."""
    with Origin({"/tyk/explain": reply(200, json.dumps(document).encode())}) as origin:
        ended = Operator(origin.url, "x")("jwt", "explain", "-", "--api", "payments", *arguments, stdin="a.b.c\n")
        return ended, json.loads(bytes(origin.requests[0].body))


def test_a_refusal_is_1_and_its_step_is_marked() -> None:
    ended, asked = explained(REFUSED)
    assert asked == {"api_id": "payments", "token": "a.b.c", "method": "GET"}
    assert ended.code == 1
    assert [line.split()[0] for line in ended.out.splitlines() if "·" in line] == ["ok", "NO"]
    assert "it is past its exp" in ended.out
    assert "401 jwt_expired" in ended.out
    assert "a.b.c" not in ended.out + ended.err


def test_a_token_that_would_pass_is_0() -> None:
    ended, _ = explained(PASSES)
    assert ended.code == 0
    assert "trial lost: 90/30 s is lower" in ended.out
    assert "rate: 99 of 100 left, per 10 s" in ended.out
    assert "Acme \\x1b[2J (k17)" in ended.out


def test_the_request_and_the_moment_can_be_said() -> None:
    _, asked = explained(REFUSED, "--method", "POST", "--path", "/payments/x", "--at", "2030-01-01")
    assert (asked["method"], asked["path"], asked["at"]) == ("POST", "/payments/x", 1_893_456_000)


def test_json_is_the_explanation_itself() -> None:
    ended, _ = explained(REFUSED, "--json")
    assert (ended.code, ended.json()) == (1, REFUSED)


def test_a_real_gateway_is_asked_and_nothing_is_spent(operator: Operator, gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    body = session("jwt", jwt_data={"secret": SECRET}, quota_max=1, quota_renewal_rate=3600)
    assert gateway.api("POST", "/tyk/keys/explained", body).status == 200
    token = operator.done("jwt", "sign", "--secret-file", str(tmp_path / "secret"), "--kid", "explained").out
    for _ in range(2):
        ended = operator("jwt", "explain", "-", "--api", "jwt", stdin=token)
        assert ended.code == 0, ended
    assert "verdict  200" in ended.out
    assert operator("jwt", "explain", "-", "--api", "token", stdin=token).code == 1
    assert operator("jwt", "explain", "-", "--api", "no-such-api", stdin=token).code == 1


def test_a_refusal_s_trace_says_what_became_of_it(operator: Operator, gateway: Gateway) -> None:
    trace = get(f"{gateway.url}/jwt/", {"Authorization": "Bearer no.jwt"}).value("X-Propylon-Trace") or ""
    ended = operator.done("jwt", "trace", trace)
    assert "jwt_malformed" in ended.out
    assert operator("jwt", "trace", "0" * 20).code == 1
