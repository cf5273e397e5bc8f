"""Rules that do not block, and what may be kept of a verified token."""

import logging
from typing import Any

import pytest

from tests.kit.deciding import deciding
from tests.kit.definitions import jwt_api, session
from tests.kit.tokens import SECRET, hs256

NOW = 1_800_000_000
KEYS = {"k": session("jwt", jwt_data={"secret": SECRET})}
NOTED = {"jwt_custom_claim_validation": {"role": {"type": "required", "non_blocking": True}}}


def test_what_does_not_block_is_logged_less_and_less_often(caplog: pytest.LogCaptureFixture) -> None:
    with deciding(jwt_api("http://u/", **NOTED), keys=KEYS) as at, caplog.at_level(logging.WARNING, "propylon.jwt"):
        for number in range(20):
            assert at.reason("/jwt/", hs256({"sub": f"canary-{number}"}, kid="k")) == ""
    times = [record.getMessage().rpartition("times: ")[2] for record in caplog.records]
    assert times == ["1)", "2)", "4)", "8)", "16)"]
    assert "custom claim role is required but not present in token" in caplog.records[0].getMessage()
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    ("members", "claims", "after_s", "reason"),
    [
        ({}, {"exp": NOW + 10}, 9, ""),
        ({}, {"exp": NOW + 10}, 10, "jwt_expired"),
        ({"jwt_expires_at_validation_skew": 5}, {"exp": NOW + 10}, 14, ""),
        ({"jwt_expires_at_validation_skew": 5}, {"exp": NOW + 10}, 15, "jwt_expired"),
        ({"jwt_lifetime_max_s": 60}, {"iat": NOW, "exp": NOW + 60}, 59, ""),
        ({}, {}, 10**8, ""),
    ],
)
def test_a_token_seen_before_is_good_until_it_ends(
    members: dict[str, Any], claims: dict[str, Any], after_s: int, reason: str
) -> None:
    with deciding(jwt_api("http://u/", **members), keys=KEYS) as at:
        token = hs256(claims, kid="k")
        assert at.reason("/jwt/", token) == ""
        at.clock.jump(after_s)
        assert at.reason("/jwt/", token) == reason


def test_a_refusal_by_a_rule_is_not_kept() -> None:
    api = jwt_api("http://u/", jwt_allowed_issuers=["i"])
    with deciding(api, keys=KEYS) as at:
        token = hs256({"iss": "j"}, kid="k")
        assert [at.reason("/jwt/", token) for _ in range(2)] == ["jwt_issuer_not_allowed"] * 2
        at.change(at.records.put_api(jwt_api("http://u/", jwt_allowed_issuers=["j"])))
        assert at.reason("/jwt/", token) == ""
