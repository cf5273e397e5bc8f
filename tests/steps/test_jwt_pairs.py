"""The same token on two APIs that differ in exactly one setting: what one has verified is nothing to the other.

Each pair is asked in both orders, and each API twice, so that verified tokens are at hand.
"""

from base64 import b64encode
from typing import Any, NamedTuple

import pytest

from propylon.jose.verification import VerificationRecord, from_pem
from propylon.model.field_row import FieldClass
from propylon.model.field_table_jwt import TOKENS
from tests.kit.deciding import PublishedKeys, deciding
from tests.kit.definitions import jwt_api, policy, session
from tests.kit.tokens import SECRET, hs256, public_pem, rsa_key, sign

NOW = 1_800_000_000
OTHER = "another-secret-of-at-least-32-char"
KEYS_URL = "https://idp.example/keys"
BOTH = ("a", "b")


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode()


class Pair(NamedTuple):
    field: str
    token: str
    takes: dict[str, Any]  # members of the API that lets the token in
    refuses: dict[str, Any]  # of the other; what both have in common is written in both
    reason: str


HMAC = hs256({"sub": "alice", "exp": NOW + 100}, kid="good")
GOLD = {"sub": "alice", "pol": "gold"}
CENTRAL = {"jwt_source": encoded(SECRET), "jwt_policy_field_name": "pol"}
NAMED = hs256(GOLD | {"iss": "i", "aud": "x", "scope": "r", "uid": "u"})


def issuer(**members: Any) -> dict[str, Any]:
    entry = {"issuer": "i", "key": encoded(SECRET), "policy_claims": ["pol"], "algorithms": ["HS256"]}
    return {"jwt_issuers": [entry | members]}


def rule(*allowed: Any, **members: Any) -> dict[str, Any]:
    custom = {"sub": {"type": "contains", "allowed_values": list(allowed)} | members}
    return {"jwt_custom_claim_validation": custom}


def rs256(kid: str) -> str:
    return sign(GOLD, rsa_key(), "RS256", kid=kid)


SET = {"jwt_signing_method": "rsa", "jwt_policy_field_name": "pol"}
RSA_SOURCE = {"jwt_signing_method": "rsa", "jwt_source": public_pem(rsa_key()), "jwt_default_policies": ["gold"]}
PAIRS = [
    Pair("jwt_signing_method", HMAC, {}, {"jwt_signing_method": "rsa"}, "jwt_alg_not_allowed"),
    Pair("jwt_allowed_algorithms", HMAC, {}, {"jwt_allowed_algorithms": ["HS512"]}, "jwt_alg_not_allowed"),
    Pair("jwt_source", HMAC, {}, {"jwt_source": encoded(OTHER)}, "jwt_bad_signature"),
    Pair("jwt_source", hs256(GOLD), CENTRAL, CENTRAL | {"jwt_source": encoded(OTHER)}, "jwt_bad_signature"),
    Pair(
        "jwt_jwks_uris",
        rs256("k1"),
        SET | {"jwt_jwks_uris": [{"url": KEYS_URL}]},
        SET | {"jwt_jwks_uris": [{"url": f"{KEYS_URL}/2"}]},
        "jwks_kid_unknown",
    ),
    Pair("jwt_skip_kid", hs256({"sub": "other"}, kid="good"), {}, {"jwt_skip_kid": True}, "jwt_bad_signature"),
    Pair("jwt_require_kid", hs256({"sub": "good"}), {}, {"jwt_require_kid": True}, "jwt_kid_missing"),
    Pair(
        "jwt_identity_base_field",
        hs256({"sub": "good", "uid": "other"}),
        {},
        {"jwt_identity_base_field": "uid"},
        "jwt_bad_signature",
    ),
    *(
        Pair(f"jwt_{name}_validation_skew", hs256(claims, kid="good"), {f"jwt_{name}_validation_skew": 30}, {}, reason)
        for name, claims, reason in [
            ("expires_at", {"exp": NOW - 9}, "jwt_expired"),
            ("issued_at", {"iat": NOW + 9}, "jwt_issued_in_future"),
            ("not_before", {"nbf": NOW + 9}, "jwt_not_yet_valid"),
        ]
    ),
    Pair("jwt_allowed_issuers", HMAC, {}, {"jwt_allowed_issuers": ["i"]}, "jwt_issuer_not_allowed"),
    Pair("jwt_allowed_audiences", HMAC, {}, {"jwt_allowed_audiences": ["x"]}, "jwt_audience_not_allowed"),
    Pair("jwt_allowed_subjects", HMAC, {}, {"jwt_allowed_subjects": ["bob"]}, "jwt_subject_not_allowed"),
    Pair("jwt_allowed_types", HMAC, {}, {"jwt_allowed_types": ["at+jwt"]}, "jwt_type_not_allowed"),
    Pair("jwt_require_exp", hs256({}, kid="good"), {}, {"jwt_require_exp": True}, "jwt_exp_missing"),
    Pair("jwt_lifetime_max_s", HMAC, {}, {"jwt_lifetime_max_s": 60}, "jwt_iat_missing"),
    Pair("jwt_jti_validation", HMAC, {}, {"jwt_jti_validation": {"enabled": True}}, "jwt_jti_missing"),
    Pair("jwt_custom_claim_validation", HMAC, {}, rule("bob"), "jwt_custom_claim"),
    Pair("jwt_custom_claim_validation", HMAC, rule("ali", match="substring"), rule("ali"), "jwt_custom_claim"),
    Pair("jwt_custom_claim_validation", HMAC, rule("x", non_blocking=True), rule("x"), "jwt_custom_claim"),
    Pair("jwt_policy_field_name", hs256(GOLD), CENTRAL, CENTRAL | {"jwt_policy_field_name": "p"}, "jwt_no_policy"),
    Pair("jwt_default_policies", rs256("x"), RSA_SOURCE, RSA_SOURCE | {"jwt_default_policies": []}, "jwt_no_policy"),
    *(
        Pair(f"jwt_issuers.{name}", NAMED, issuer(), issuer(**{name: value}), reason)
        for name, value, reason in [
            ("issuer", "j", "jwt_issuer_unknown"),
            ("key", encoded(OTHER), "jwt_bad_signature"),
            ("algorithms", ["HS512"], "jwt_alg_not_allowed"),
            ("audiences", ["y"], "jwt_audience_not_allowed"),
            ("policy_claims", ["p"], "jwt_no_policy"),
            ("policy_ceiling", ["silver"], "jwt_policy_above_ceiling"),
            ("scope_to_policy", {"r": "none"}, "policy_not_found"),
        ]
    ),
    Pair(
        "jwt_issuers.scope_claim",
        NAMED,
        issuer(policy_claims=["p"], scope_to_policy={"r": "gold"}),
        issuer(policy_claims=["p"], scope_to_policy={"r": "gold"}, scope_claim="aud"),
        "jwt_scope_unmapped",
    ),
    Pair(
        "jwt_issuers.subject_claims",
        hs256(GOLD | {"iss": "i", "uid": ""}),
        issuer(),
        issuer(subject_claims=["uid"]),
        "jwt_no_identity",
    ),
    Pair(
        "jwt_issuers.default_policies",
        hs256({"sub": "alice", "iss": "i"}),
        issuer(default_policies=["gold"]),
        issuer(),
        "jwt_no_policy",
    ),
    Pair(
        "scopes",
        hs256({"sub": "alice", "scope": "r"}),
        CENTRAL | {"scopes": {"jwt": {"scope_to_policy": {"r": "gold"}}}},
        CENTRAL | {"scopes": {"jwt": {"scope_to_policy": {"w": "gold"}}}},
        "jwt_scope_unmapped",
    ),
    Pair(
        "jwt_scope_to_policy_mapping",
        hs256({"sub": "alice", "scope": "r"}),
        CENTRAL | {"jwt_scope_to_policy_mapping": {"r": "gold"}},
        CENTRAL | {"jwt_scope_to_policy_mapping": {"w": "gold"}},
        "jwt_scope_unmapped",
    ),
    Pair(
        "jwt_scope_claim_name",
        hs256({"sub": "alice", "scope": "r", "scp": "x"}),
        CENTRAL | {"jwt_scope_to_policy_mapping": {"r": "gold"}},
        CENTRAL | {"jwt_scope_to_policy_mapping": {"r": "gold"}, "jwt_scope_claim_name": "scp"},
        "jwt_scope_unmapped",
    ),
]
NOT_OF_VERIFICATION = {"jwt_claims_to_headers", "identity_to_headers"}


class OneSet(PublishedKeys):
    """The first key set has a key, others have none."""

    async def record(self, issuer: Any, kid: str | None, alg: str) -> VerificationRecord | str:
        return await super().record(issuer, kid, alg) if issuer.jwks_uris == (KEYS_URL,) else "jwks_kid_unknown"


def published() -> OneSet:
    made = from_pem(public_pem(rsa_key()).encode(), family="rsa", id="k1")
    assert isinstance(made, VerificationRecord)
    return OneSet({("", "k1"): made})


@pytest.mark.parametrize("order", [BOTH, BOTH[::-1]], ids=["taken first", "refused first"])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.field)
def test_what_one_api_has_verified_is_nothing_to_another(pair: Pair, order: tuple[str, str]) -> None:
    apis = [jwt_api("http://u/", "a", **pair.takes), jwt_api("http://u/", "b", **pair.refuses)]
    keys = {
        "good": session(*BOTH, jwt_data={"secret": SECRET}),
        "other": session(*BOTH, jwt_data={"secret": OTHER}),
    }
    expected = {"a": "", "b": pair.reason}
    with deciding(*apis, keys=keys, policies=[policy("gold", *BOTH)], issuers=published()) as at:
        for api_id in [*order, *order]:
            assert at.reason(f"/{api_id}/", pair.token) == expected[api_id]


def test_a_token_that_is_good_once_is_good_once_on_each_api_that_asks_for_it() -> None:
    once = {"jwt_jti_validation": {"once": True}}
    token = hs256({"jti": "1", "exp": NOW + 100}, kid="good")
    keys = {"good": session("a", "b", "c", jwt_data={"secret": SECRET})}
    apis = [jwt_api("http://u/", "a", **once), jwt_api("http://u/", "b"), jwt_api("http://u/", "c", **once)]
    with deciding(*apis, keys=keys) as at:
        asked = [at.reason(f"/{api_id}/", token) for api_id in "abcabc"]
    assert asked == ["", "", "", "jwt_replayed", "", "jwt_replayed"]


def test_every_setting_of_verification_has_a_pair() -> None:
    honoured = {row.path.split(".")[0] for row in TOKENS if row.field_class is FieldClass.HONOURED}
    assert honoured - NOT_OF_VERIFICATION == {pair.field.split(".")[0] for pair in PAIRS}
