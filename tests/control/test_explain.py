"""POST /tyk/explain: the steps, why the first one refused, and nothing changed by asking."""

from base64 import b64encode
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from propylon.model.charge import Claim, Kind
from tests.control.conftest import GatewayApi, Make
from tests.kit.definitions import jwt_api, keyless_api, policy, session, token_api
from tests.kit.tokens import SECRET, hs256

TARGET = "http://upstream.example/"
NOW = 1_800_000_000
SOURCE = b64encode(SECRET.encode()).decode()
Document = dict[str, Any]


def ask(api: GatewayApi, **question: Any) -> Document:
    answer = api.call("POST", "/tyk/explain", question)
    assert answer.status_code == 200, answer.text
    found: Document = answer.json()
    return found


def refused_step(explanation: Document) -> Document:
    """The only one that failed, which is the last."""
    failed = [step for step in explanation["steps"] if step["failed"]]
    assert failed == explanation["steps"][-1:]
    step: Document = failed[0]
    return step


@pytest.fixture
def gateway(api: GatewayApi) -> GatewayApi:
    """A keyless API, one of tokens, one of JWT keys and one of a central secret, with a key each."""
    for document in (
        keyless_api(TARGET),
        token_api(TARGET),
        jwt_api(TARGET),
        jwt_api(TARGET, "central", jwt_source=SOURCE, jwt_policy_field_name="pol", jwt_default_policies=[]),
    ):
        assert api.call("POST", "/tyk/apis", document).status_code == 200
    api.call("POST", "/tyk/policies", policy("gold", "central", "token", rate=100, per=10))
    api.call("POST", "/tyk/policies", policy("trial", "token", rate=90, per=30))
    api.call("POST", "/tyk/keys/my-token", session(apply_policies=["gold", "trial"], alias="Ada"))
    api.call("POST", "/tyk/keys/acme", session("jwt", jwt_data={"secret": SECRET}, alias="Acme Ltd"))
    return api


def test_a_request_that_passes_is_told_step_by_step(gateway: GatewayApi) -> None:
    told = ask(gateway, api_id="token", key="my-token")
    steps = [
        "route",
        "credential",
        "key",
        "policies",
        "revocation",
        "active",
        "expiry",
        "guards",
        "access",
        "path",
        "rate",
    ]
    assert [step["step"] for step in told["steps"]] == steps
    assert told["verdict"]["passes"]
    assert told["identity"]["name"] == "Ada"
    assert (told["request"]["path"], told["api"]["listen_path"]) == ("/token", "/token")


def test_a_rate_is_told_with_its_winner_and_its_loser(gateway: GatewayApi) -> None:
    told = ask(gateway, api_id="token", key="my-token")["session"]
    expected = "rate 100 per 10 s from policy gold; policy trial lost: 90 per 30 s is lower"
    assert expected in [one["text"] for one in told["provenance"] if one["api_id"] == "token"]
    assert (told["access"]["token"]["rate"], told["policies"]) == (100, ["gold", "trial"])


JWT = hs256({"sub": "alice", "pol": "gold", "exp": NOW + 60}, kid="acme")
REFUSED = [
    ({"path": "/nowhere"}, "route", "no_route", 404),
    ({"api_id": "token"}, "credential", "credential_missing", 401),
    ({"api_id": "token", "key": "nobody"}, "key", "key_unknown", 403),
    ({"api_id": "token", "key": "acme"}, "key", "key_is_identifier", 403),
    ({"api_id": "jwt", "token": "a.b"}, "form", "jwt_malformed", 403),
    ({"api_id": "jwt", "token": hs256({}, kid="acme", alg="RS256")}, "method", "jwt_alg_not_allowed", 403),
    ({"api_id": "jwt", "token": hs256({}, kid="acme", alg="XS256")}, "method", "jwt_alg_unknown", 403),
    ({"api_id": "jwt", "token": hs256({})}, "identity", "jwt_no_identity", 404),
    ({"api_id": "jwt", "token": hs256({}, kid="acm")}, "key", "jwt_unknown_kid", 403),
    ({"api_id": "jwt", "token": hs256({}, kid="my-token")}, "key", "jwt_key_has_no_secret", 403),
    ({"api_id": "jwt", "token": hs256({}, "another secret", kid="acme")}, "signature", "jwt_bad_signature", 403),
    ({"api_id": "jwt", "token": hs256({"exp": NOW - 60}, kid="acme")}, "times", "jwt_expired", 401),
    ({"api_id": "central", "token": hs256({"sub": "a"})}, "policies", "jwt_no_policy", 403),
    ({"api_id": "central", "token": hs256({"pol": "gold"})}, "identity", "jwt_no_identity", 403),
    ({"api_id": "central", "token": hs256({"sub": "a", "pol": "none"})}, "policies", "policy_not_found", 403),
    ({"url": "/token/%00"}, "request", "malformed_request", 400),
]


@pytest.mark.parametrize(("question", "step", "reason", "status"), REFUSED)
def test_the_step_that_refuses_is_marked(
    gateway: GatewayApi, question: Document, step: str, reason: str, status: int
) -> None:
    told = ask(gateway, **question)
    assert (refused_step(told)["step"], told["verdict"]["reason"], told["verdict"]["status"]) == (step, reason, status)


@pytest.mark.parametrize(
    ("members", "step", "reason"),
    [
        ({"is_inactive": True}, "active", "key_inactive"),
        ({"access_rights": session("keyless")["access_rights"]}, "access", "api_not_granted"),
    ],
)
def test_what_a_key_may_not_do_is_marked(gateway: GatewayApi, members: Document, step: str, reason: str) -> None:
    gateway.call("POST", "/tyk/keys/limited", session("token") | members)
    told = ask(gateway, api_id="token", key="limited")
    assert (refused_step(told)["step"], told["verdict"]["reason"]) == (step, reason)


def test_a_path_that_is_not_granted_is_shown_with_those_that_are(gateway: GatewayApi) -> None:
    body = session("token")
    body["access_rights"]["token"]["allowed_urls"] = [{"url": "/orders", "methods": ["GET"]}]
    gateway.call("POST", "/tyk/keys/limited", body)
    step = refused_step(ask(gateway, api_id="token", key="limited", path="/invoices", method="POST"))
    assert (step["step"], step["input"], step["rule"]) == ("path", "POST /invoices, allowed_urls /orders [GET]", "A-6")


def test_claims_that_are_not_used_in_this_mode_are_noted(gateway: GatewayApi) -> None:
    told = ask(gateway, api_id="jwt", token=JWT)
    assert told["verdict"]["passes"]
    assert "claim `pol` is present but not used in this mode: each key has its own access" in told["notes"]


@pytest.mark.parametrize(("kid", "how"), [("acm", "missing"), ("ACME", "case"), ("acmee", "one too many")])
def test_a_kid_that_is_nearly_right_is_noted(gateway: GatewayApi, kid: str, how: str) -> None:
    (note,) = ask(gateway, api_id="jwt", token=hs256({}, kid=kid))["notes"]
    assert '"acme"' in note
    assert how in note


def test_a_credential_that_is_nearly_right_is_not_noted(gateway: GatewayApi) -> None:
    assert ask(gateway, api_id="token", key="my-toke")["notes"] == []


def test_a_key_of_another_organisation_is_noted(gateway: GatewayApi) -> None:
    gateway.call("POST", "/tyk/apis", token_api(TARGET, "other", org_id="others"))
    gateway.call("POST", "/tyk/keys/elsewhere", session("other", org_id="others"))
    told = ask(gateway, api_id="token", key="elsewhere")
    assert told["notes"] == ['organisation "others" has a key with this ID, but the API is of another']


def test_time_can_be_moved_for_tokens_and_says_so(gateway: GatewayApi) -> None:
    told = ask(gateway, api_id="jwt", token=JWT, at=NOW + 61)
    assert (told["verdict"]["reason"], told["at"]) == ("jwt_expired", NOW + 61)
    assert any("counters are as they stand now" in note for note in told["notes"])
    assert ask(gateway, api_id="jwt", token=JWT)["verdict"]["passes"]


def test_counters_are_shown_and_not_charged(gateway: GatewayApi) -> None:
    gateway.call("POST", "/tyk/keys/counted", session("token", quota_max=5, quota_renewal_rate=60))
    told = [ask(gateway, api_id="token", key="counted")["meters"] for _ in range(7)]
    assert told == [told[0]] * 7
    assert (told[0][0]["limit"], told[0][0]["max"], told[0][0]["remaining"]) == ("quota", 5, 4)
    assert gateway.run(gateway.meters.quotas()) == []


def test_a_change_is_seen_by_the_next_question(gateway: GatewayApi) -> None:
    assert ask(gateway, api_id="token", key="my-token")["verdict"]["passes"]
    gateway.call("DELETE", "/tyk/keys/my-token")
    assert ask(gateway, api_id="token", key="my-token")["verdict"]["reason"] == "key_unknown"


@pytest.mark.parametrize(
    "question",
    [
        {"api_id": "token", "path": "/x/y"},
        {"api_id": "token", "path": "/token/x/y"},
        {"url": "http://gateway.example:8080/token/x/y"},
        {"path": "/token//x/./y"},
    ],
)
def test_a_request_may_be_named_in_several_ways(gateway: GatewayApi, question: Document) -> None:
    assert ask(gateway, **question, key="my-token")["request"]["path"] == "/token/x/y"


def test_a_credential_may_stand_where_the_client_writes_it(gateway: GatewayApi) -> None:
    assert ask(gateway, path="/token/", headers={"authorization": "Bearer my-token"})["verdict"]["passes"]
    told = ask(gateway, path="/token/", headers={"authorization": ["my-token", "another"]})
    assert told["verdict"]["reason"] == "credential_ambiguous"


def test_a_credential_is_put_where_the_api_looks(gateway: GatewayApi) -> None:
    for api_id, auth in (
        ("p", {"use_param": True, "param_name": "k"}),
        ("c", {"use_cookie": True, "cookie_name": "k"}),
    ):
        gateway.call("POST", "/tyk/apis", token_api(TARGET, api_id, auth={"disable_header": True, **auth}))
        gateway.call("POST", f"/tyk/keys/key of {api_id}", session(api_id))
        assert ask(gateway, api_id=api_id, key=f"key of {api_id}")["verdict"]["passes"]


def test_a_body_that_is_announced_too_large_is_refused(make: Make) -> None:
    api = make(request_body_max_bytes=10)
    api.call("POST", "/tyk/apis", keyless_api(TARGET))
    told = ask(api, api_id="keyless", content_length=11, method="POST")
    assert (refused_step(told)["step"], told["verdict"]["status"]) == ("body", 413)


def test_the_clients_address_is_found_as_for_live_traffic(make: Make) -> None:
    api = make(trusted_proxies=["10.0.0.0/8"])
    api.call("POST", "/tyk/apis", keyless_api(TARGET))
    told = ask(api, api_id="keyless", ip="10.0.0.1", headers={"X-Forwarded-For": "203.0.113.7"})
    assert told["request"]["client_ip"] == "203.0.113.7"


def test_an_api_that_is_not_served_says_why(gateway: GatewayApi) -> None:
    gateway.call("POST", "/tyk/apis", keyless_api(TARGET, "off", active=False))
    told = ask(gateway, api_id="off", path="/off/")
    assert told["verdict"]["status"] == 404
    assert told["notes"] == ["the API is internal or not active, so no path leads to it"]


def test_an_api_nobody_knows_is_404(gateway: GatewayApi) -> None:
    assert gateway.call("POST", "/tyk/explain", {"api_id": "none"}).status_code == 404


WRONG = [
    ({}, ""),
    ({"api_id": 7}, "api_id"),
    ({"api_id": "token", "at": "now"}, "at"),
    ({"api_id": "token", "content_length": -1}, "content_length"),
    ({"api_id": "token", "token": "a", "key": "b"}, "token"),
    ({"api_id": "token", "token": "a\r\nX-Other: b"}, "token"),
    ({"api_id": "token", "headers": {"A\nB": "c"}}, "headers.A\nB"),
    ({"api_id": "token", "headers": {"Host": "x"}}, "headers.Host"),
    ({"api_id": "token", "headers": []}, "headers"),
    ({"api_id": "token", "ip": "here"}, "ip"),
    ({"url": "/x", "path": "/y"}, "url"),
    ({"api_id": "token", "apikey": "x"}, "apikey"),
]


@pytest.mark.parametrize(("question", "path"), WRONG)
def test_a_question_that_cannot_be_read_names_the_member(gateway: GatewayApi, question: Document, path: str) -> None:
    answer = gateway.call("POST", "/tyk/explain", question)
    assert answer.status_code == 400
    assert [problem["path"] for problem in answer.json()["problems"]] == [path]


def test_a_throttled_request_is_told_as_it_would_end(gateway: GatewayApi) -> None:
    body = session("token", rate=1, per=1, throttle_interval=2, throttle_retry_limit=3)
    gateway.call("POST", "/tyk/keys/slow", body)
    counter = ask(gateway, api_id="token", key="slow")["meters"][0]
    claim = Claim(counter["meter"].encode(), Kind.SLIDING, 1, round(counter["period_s"] * 1e9), "rate_limited")
    assert gateway.run(gateway.meters.admit((claim,))).refused < 0
    told = ask(gateway, api_id="token", key="slow")
    assert told["verdict"]["passes"]
    assert any("hold the request back for 2 seconds" in note for note in told["notes"])


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
names = st.sampled_from(["alg", "kid", "typ", "crit", "jku", "sub", "exp", "nbf", "iat", "iss", "aud", "pol", "scope"])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["jwt", "central"]), st.dictionaries(names, values), st.dictionaries(names, values))
def test_a_token_of_any_kind_is_explained(gateway: GatewayApi, api_id: str, header: Document, claims: Document) -> None:
    for token in (hs256(claims, **header), hs256(claims, kid="acme")):
        assert ask(gateway, api_id=api_id, token=token)["steps"]


def test_half_a_character_in_a_token_is_explained(gateway: GatewayApi) -> None:
    for api_id in ("jwt", "central"):
        for claims, header in (({"sub": "\ud800", "pol": "gold"}, {}), ({"sub": "a"}, {"kid": "\ud800"})):
            assert ask(gateway, api_id=api_id, token=hs256(claims, **header))["steps"]
