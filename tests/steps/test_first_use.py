"""A token that is good once: what uses it up, and what does not."""

from typing import Any

from tests.kit.deciding import deciding
from tests.kit.definitions import jwt_api, policy, session
from tests.kit.tokens import SECRET, hs256

NOW = 1_800_000_000
ONCE = {"jwt_jti_validation": {"once": True}}
API = jwt_api("http://u/", **ONCE)


def key(*api_ids: str, **members: Any) -> dict[str, Any]:
    return session(*api_ids, jwt_data={"secret": SECRET}, **members)


def token(jti: Any = "1", *, kid: str = "k", **claims: Any) -> str:
    return hs256({"jti": jti, "exp": NOW + 100} | claims, kid=kid)


def test_a_token_is_good_for_one_request_and_another_jti_for_another() -> None:
    with deciding(API, keys={"k": key("jwt")}) as at:
        assert [at.reason("/jwt/", token(jti)) for jti in ("1", "1", "2", "2")] == ["", "jwt_replayed"] * 2


def test_the_same_jti_in_another_token_of_that_key_is_used_up_too() -> None:
    with deciding(API, keys={"k": key("jwt")}) as at:
        assert at.reason("/jwt/", token(sub="x")) == ""
        assert at.reason("/jwt/", token(sub="y")) == "jwt_replayed"


def test_another_key_s_jti_is_another_one() -> None:
    with deciding(API, keys={"k": key("jwt"), "l": key("jwt")}) as at:
        assert [at.reason("/jwt/", token(kid=kid)) for kid in "kl"] == ["", ""]


def test_a_replay_is_refused_with_a_reason_of_its_own() -> None:
    with deciding(API, keys={"k": key("jwt")}) as at:
        denials = [at.ask("/jwt/", token()).denial for _ in range(2)]
    assert denials[1] is not None
    assert (denials[1].status, denials[1].message) == (401, "Key not authorized: token has been used before")


def test_what_has_no_rights_does_not_use_a_token_up() -> None:
    with deciding(API, keys={"k": key("another")}) as at:
        assert at.reason("/jwt/", token()) == "api_not_granted"
        at.change(at.records.put_key("k", key("jwt")))
        assert at.reason("/jwt/", token()) == ""


def test_a_replay_costs_nothing() -> None:
    limited = key("jwt", quota_max=2, quota_renewal_rate=3600)
    with deciding(API, keys={"k": limited}) as at:
        reasons = [at.reason("/jwt/", token(jti)) for jti in ("1", "1", "1", "2", "3")]
    assert reasons == ["", "jwt_replayed", "jwt_replayed", "", "quota_exceeded"]


def test_without_an_end_or_a_jti_it_is_refused() -> None:
    with deciding(API, keys={"k": key("jwt")}) as at:
        assert at.reason("/jwt/", hs256({"jti": "1"}, kid="k")) == "jwt_exp_missing"
        assert at.reason("/jwt/", hs256({"exp": NOW + 9}, kid="k")) == "jwt_jti_missing"
        assert at.reason("/jwt/", token("")) == "jwt_jti_missing"
        assert at.reason("/jwt/", token(7)) == "jwt_jti_missing"


def test_it_works_for_subjects_too() -> None:
    from_issuer = jwt_api("http://u/", jwt_source="YS1zaGFyZWQtc2VjcmV0LW9mLTMyLWNoYXJhY3RlcnM=", **ONCE)
    with deciding(from_issuer | {"jwt_default_policies": ["gold"]}, policies=[policy("gold", "jwt")]) as at:
        asked = [at.reason("/jwt/", token(sub=sub)) for sub in ("a", "a", "b")]
    assert asked == ["", "jwt_replayed", ""]
