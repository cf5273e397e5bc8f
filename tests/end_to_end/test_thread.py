"""The forum thread, replayed: its own key body, its own ids, and the answers it should have had."""

import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.client import get
from tests.kit.definitions import jwt_api, token_api
from tests.kit.front import FRONTS, Front, running_front
from tests.kit.origin import Origin
from tests.kit.tokens import hs256

THREAD_KEY: dict[str, Any] = json.loads((Path(__file__).parent.parent / "data" / "thread-key.json").read_text())
API_ID = next(iter(THREAD_KEY["access_rights"]))
ORG_ID = THREAD_KEY["org_id"]
KEY_ID = "aaa-bbb-999"


@pytest.fixture(scope="module", params=FRONTS)
def gateway(request: pytest.FixtureRequest) -> Iterator[Front]:
    with Origin() as origin:
        jwt = jwt_api(origin.url, API_ID, org_id=ORG_ID)
        token = token_api(origin.url, "plain", org_id=ORG_ID)
        with running_front(request.param, [jwt, token]) as running:
            answer = running.api("POST", f"/tyk/keys/{KEY_ID}", THREAD_KEY)
            assert answer.status == 200, answer
            yield running


def with_token(gateway: Front, kid: str, secret: str = "xxx") -> int:
    token = hs256({"sub": "1234567890"}, secret, kid=kid)
    return get(f"{gateway.url}/{API_ID}/x", {"Authorization": f"Bearer {token}"}).status


def other_spellings() -> list[str]:
    """Every one-character change, every shorter and some longer forms, and the id with the organisation before it."""
    changed = [
        KEY_ID[:i] + c + KEY_ID[i + 1 :]
        for i in range(len(KEY_ID))
        for c in "-09azAZ_" + string.digits
        if c != KEY_ID[i]
    ]
    removed = [KEY_ID[:i] + KEY_ID[i + 1 :] for i in range(len(KEY_ID))]
    shorter = [KEY_ID[:i] for i in range(1, len(KEY_ID))]
    longer = [KEY_ID + extra for extra in ("9", "99", "999", "abc", "-")] + ["a" + KEY_ID, ORG_ID + KEY_ID]
    return sorted({*changed, *removed, *shorter, *longer} - {KEY_ID})


def test_the_thread_s_own_key_body_lets_its_own_token_in(gateway: Front) -> None:
    """J-25."""
    assert with_token(gateway, KEY_ID) == 200


def test_no_other_spelling_of_the_kid_is_let_in(gateway: Front) -> None:
    assert {kid: status for kid in other_spellings() if (status := with_token(gateway, kid)) != 403} == {}


def test_no_other_spelling_of_a_plain_token_is_let_in(gateway: Front) -> None:
    body = THREAD_KEY | {"jwt_data": {}, "access_rights": {"plain": {"api_id": "plain", "versions": ["Default"]}}}
    assert gateway.api("POST", "/tyk/keys/ccc-ddd-999", body).status == 200
    spellings = [kid.replace("aaa-bbb", "ccc-ddd") for kid in other_spellings() if "aaa-bbb" in kid]
    statuses = {
        key: get(f"{gateway.url}/plain/x", {"Authorization": key}).status
        for key in {*spellings, "ccc-ddd-99", "ccc-ddd-9999"} - {"ccc-ddd-999"}
    }
    assert get(f"{gateway.url}/plain/x", {"Authorization": "ccc-ddd-999"}).status == 200
    assert {key: status for key, status in statuses.items() if status != 403} == {}


def test_the_id_of_a_jwt_key_is_no_plain_token(gateway: Front) -> None:
    both = THREAD_KEY | {"access_rights": {"plain": {"api_id": "plain", "versions": ["Default"]}}}
    assert gateway.api("POST", "/tyk/keys/jwt-key-1", both).status == 200
    assert get(f"{gateway.url}/plain/x", {"Authorization": "jwt-key-1"}).status == 403


@pytest.mark.parametrize("gateway", ["machine"], indirect=True)  # a fleet takes the same way, and longer
def test_a_thousand_ids_in_a_row_stay_a_thousand_keys(gateway: Front) -> None:
    hashes = set()
    for number in range(1000):
        answer = gateway.api("POST", f"/tyk/keys/eee-fff-{number:03}", THREAD_KEY | {"alias": f"client {number}"})
        assert answer.status == 200
        hashes.add(answer.json()["key_hash"])
    assert len(hashes) == 1000
    one = gateway.api("GET", f"/tyk/keys/eee-fff-500?org_id={ORG_ID}").json()
    assert one["alias"] == "client 500"


def test_sub_and_pol_are_not_consulted_in_per_key_mode(gateway: Front) -> None:
    token = hs256({"sub": "somebody else", "pol": "no such policy"}, "xxx", kid=KEY_ID)
    assert get(f"{gateway.url}/{API_ID}/x", {"Authorization": f"Bearer {token}"}).status == 200


def test_another_secret_is_refused(gateway: Front) -> None:
    assert with_token(gateway, KEY_ID, "xxy") == 403


def test_a_token_signed_with_the_empty_secret_is_refused(gateway: Front) -> None:
    no_secret = THREAD_KEY | {"jwt_data": {"secret": ""}}
    assert gateway.api("POST", "/tyk/keys/no-secret", no_secret).status == 200
    for secret in ("", "xxx"):
        forged = hs256({"sub": "x"}, secret, kid="no-secret")
        assert get(f"{gateway.url}/{API_ID}/x", {"Authorization": f"Bearer {forged}"}).status == 403


def test_rate_limit_and_quota_of_the_key_are_enforced_and_shown(gateway: Front) -> None:
    limited = THREAD_KEY | {"rate": 3, "per": 60, "quota_max": 100, "quota_renewal_rate": 3600}
    assert gateway.api("POST", "/tyk/keys/limited", limited).status == 200
    token = hs256({}, "xxx", kid="limited")
    answers = [get(f"{gateway.url}/{API_ID}/x", {"Authorization": f"Bearer {token}"}) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert [answer.value("X-RateLimit-Remaining") for answer in answers[:3]] == ["99", "98", "97"]
    assert int(answers[3].value("Retry-After") or "0") >= 1
    shown = gateway.api("GET", f"/tyk/keys/limited?org_id={ORG_ID}").json()
    assert shown["quota_remaining"] == 97


def test_a_spent_quota_is_403_with_retry_after(gateway: Front) -> None:
    tight = THREAD_KEY | {"quota_max": 2, "quota_renewal_rate": 3600}
    assert gateway.api("POST", "/tyk/keys/tight", tight).status == 200
    token = hs256({}, "xxx", kid="tight")
    answers = [get(f"{gateway.url}/{API_ID}/x", {"Authorization": f"Bearer {token}"}) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 403]
    assert answers[2].json() == {"error": "Quota exceeded"}
    assert 0 < int(answers[2].value("Retry-After") or "0") <= 3600


def test_the_very_next_request_after_delete_is_refused(gateway: Front) -> None:
    for round_ in range(20):
        assert gateway.api("POST", "/tyk/keys/short-lived", THREAD_KEY).status == 200
        assert with_token(gateway, "short-lived") == 200, f"grant of round {round_}"
        assert gateway.api("DELETE", f"/tyk/keys/short-lived?org_id={ORG_ID}").status == 200
        assert with_token(gateway, "short-lived") == 403, f"revocation of round {round_}"
    assert gateway.api("DELETE", f"/tyk/keys/short-lived?org_id={ORG_ID}").status == 404


def test_the_thread_s_traps_are_named_in_warnings(gateway: Front) -> None:
    answer = gateway.api("POST", "/tyk/keys/warned-about", THREAD_KEY).json()
    assert {warning["path"] for warning in answer["warnings"]} >= {"quota_renews", "jwt_data.secret"}
    assert answer["key"] == "warned-about"
