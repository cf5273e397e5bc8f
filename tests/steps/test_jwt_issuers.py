"""Named issuers: who vouches for a token, with which key, and how far that reaches."""

from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from propylon.errors import Denial
from propylon.jose.verification import VerificationRecord, from_pem
from propylon.model.jwt_settings import IssuerSettings
from propylon.steps.subjects import policies_of
from tests.kit.deciding import PublishedKeys, deciding
from tests.kit.definitions import jwt_api, policy
from tests.kit.tokens import SECRET, assembled, ec_key, hs256, public_pem, rsa_key, sign

GOLD, SILVER = policy("gold", "jwt"), policy("silver", "jwt")
OTHER = "another-secret-of-at-least-32-char"


def record(pem: str, family: Any, kid: str) -> VerificationRecord:
    made = from_pem(pem.encode(), family=family, id=kid)
    assert isinstance(made, VerificationRecord)
    return made


def published() -> PublishedKeys:
    """Both publish a key under the same kid."""
    return PublishedKeys(
        {
            ("a", "k"): record(public_pem(rsa_key()), "rsa", "k"),
            ("b", "k"): record(public_pem(rsa_key(3072)), "rsa", "k"),
        }
    )


def api(*entries: dict[str, Any], **members: Any) -> dict[str, Any]:
    common = {"policy_claims": ["pol"], "algorithms": ["RS256", "ES256"]}
    issuers = [{"jwks_uri": f"https://{entry['issuer']}.example/keys"} | common | entry for entry in entries]
    return jwt_api("http://u/", **({"jwt_signing_method": "", "jwt_issuers": issuers} | members))


A = {"issuer": "a", "policy_ceiling": ["silver"]}
B = {"issuer": "b", "policy_ceiling": ["gold", "silver"]}


def token(
    issuer: Any, key: Any = None, *, pol: Any = "silver", kid: str = "k", alg: str = "RS256", **claims: Any
) -> str:
    return sign({"iss": issuer, "sub": "s", "pol": pol} | claims, key or rsa_key(), alg, kid=kid)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (token("a"), ""),
        (token("b", rsa_key(3072)), ""),
        (token("b"), "jwt_bad_signature"),
        (token("a", rsa_key(3072)), "jwt_bad_signature"),
        (token("a", pol="gold"), "jwt_policy_above_ceiling"),
        (token("a", pol=["silver", "gold"]), "jwt_policy_above_ceiling"),
        (token("b", rsa_key(3072), pol="gold"), ""),
        (token("c"), "jwt_issuer_unknown"),
        (token("a/"), "jwt_issuer_unknown"),
        (token("A"), "jwt_issuer_unknown"),
        (token(["a"]), "jwt_issuer_unknown"),
        (token(None), "jwt_issuer_unknown"),
        (token("a", kid="k2"), "jwks_kid_unknown"),
        (token("a", ec_key(), alg="ES256"), "jwt_alg_not_allowed"),
        (token("a", alg="PS256"), "jwt_alg_not_allowed"),
        (hs256({"iss": "a", "sub": "s", "pol": "silver"}, public_pem(rsa_key()), kid="k"), "jwt_alg_not_allowed"),
        (assembled({"alg": "none", "kid": "k"}, {"iss": "a", "sub": "s"}), "jwt_alg_not_allowed"),
    ],
)
def test_a_key_is_chosen_by_issuer_kid_and_family_and_opens_no_more_than_its_issuer_may(
    asked: str, reason: str
) -> None:
    with deciding(api(A, B), policies=[GOLD, SILVER], issuers=published()) as at:
        assert [at.reason("/jwt/", asked) for _ in range(2)] == [reason, reason]


def test_no_keys_are_asked_for_the_tokens_of_a_stranger() -> None:
    keys = published()
    with deciding(api(A, B), policies=[GOLD, SILVER], issuers=keys) as at:
        for issuer in ("c", "https://attacker.example/", "", 7):
            assert at.reason("/jwt/", token(issuer)) == "jwt_issuer_unknown"
    assert keys.asked == []


def test_a_key_that_left_the_set_takes_its_verified_tokens_with_it() -> None:
    keys = published()
    with deciding(api(A), policies=[SILVER], issuers=keys) as at:
        assert at.reason("/jwt/", token("a")) == ""
        gone = keys.records.pop(("a", "k"))
        assert at.reason("/jwt/", token("a")) == "jwks_kid_unknown"
        keys.records[("a", "k")] = gone
        assert at.reason("/jwt/", token("a")) == ""


def test_another_key_under_the_same_kid_is_another_key() -> None:
    keys = published()
    with deciding(api(A), policies=[SILVER], issuers=keys) as at:
        assert at.reason("/jwt/", token("a")) == ""
        keys.records[("a", "k")] = keys.records[("b", "k")]
        assert at.reason("/jwt/", token("a")) == "jwt_bad_signature"


def test_a_verified_token_costs_no_further_search() -> None:
    keys = published()
    with deciding(api(A), policies=[SILVER], issuers=keys) as at:
        for _ in range(3):
            assert at.reason("/jwt/", token("a")) == ""
    assert len(keys.asked) == 1


def test_an_issuer_with_a_key_of_its_own_needs_no_set_and_no_kid() -> None:
    keys = PublishedKeys()
    entry = {"issuer": "a", "jwks_uri": None, "key": b64encode(SECRET.encode()).decode(), "algorithms": ["HS256"]}
    claims = {"iss": "a", "sub": "s", "pol": "silver"}
    with deciding(api(entry), policies=[SILVER], issuers=keys) as at:
        assert [at.reason("/jwt/", hs256(claims)) for _ in range(2)] == ["", ""]
        assert at.reason("/jwt/", hs256(claims, OTHER)) == "jwt_bad_signature"
    assert keys.asked == []


def test_one_issuer_s_algorithm_is_not_another_s() -> None:
    entries = [A | {"algorithms": ["RS256"]}, B | {"algorithms": ["PS256"]}]
    with deciding(api(*entries), policies=[SILVER], issuers=published()) as at:
        assert at.reason("/jwt/", token("a", alg="RS256")) == ""
        assert at.reason("/jwt/", token("a", alg="PS256")) == "jwt_alg_not_allowed"
        assert at.reason("/jwt/", token("b", rsa_key(3072), alg="PS256")) == ""


def test_equal_subjects_of_two_issuers_are_two_callers() -> None:
    with deciding(api(A, B), policies=[SILVER], issuers=published()) as at:
        callers = [at.ask("/jwt/", one).caller for one in (token("a"), token("b", rsa_key(3072)))]
    assert len({caller.identity.record for caller in callers if caller is not None}) == 2


@pytest.mark.parametrize(("issuer", "key"), [("a", rsa_key()), ("b", rsa_key(3072))])
def test_each_issuer_s_tokens_are_judged_by_its_own_rules(issuer: str, key: Any) -> None:
    apis = api(A | {"audiences": ["of-a"]}, B | {"audiences": ["of-b"]})
    with deciding(apis, policies=[SILVER], issuers=published()) as at:
        assert at.reason("/jwt/", token(issuer, key, aud=f"of-{issuer}")) == ""
        other = {"a": "of-b", "b": "of-a"}[issuer]
        assert at.reason("/jwt/", token(issuer, key, aud=other)) == "jwt_audience_not_allowed"


names = st.sampled_from(["p", "q", "r", "s"])
claimed = names | st.lists(names, max_size=3) | st.none() | st.integers()
issuers = st.builds(
    IssuerSettings,
    issuer=st.just("a"),
    policy_claims=st.sampled_from([(), ("pol",), ("pol", "pol2")]),
    scope_to_policy=st.dictionaries(names, st.lists(names, min_size=1, max_size=2).map(tuple), max_size=3),
    default_policies=st.lists(names, max_size=2).map(tuple),
    policy_ceiling=st.frozensets(names, min_size=1),
)


@settings(max_examples=300)
@given(issuers, claimed, claimed, claimed)
def test_no_token_gets_a_policy_above_its_issuer_s_ceiling(
    issuer: IssuerSettings, pol: Any, pol2: Any, scope: Any
) -> None:
    chosen = policies_of(issuer, {"pol": pol, "pol2": pol2, "scope": scope})
    assert issuer.policy_ceiling is not None
    assert isinstance(chosen, Denial) or issuer.policy_ceiling.issuperset(chosen[0])
