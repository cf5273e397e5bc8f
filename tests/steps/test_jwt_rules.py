"""The rules of auth.md §3, each by its number: what a token is let in with, and what it is refused with.

J-1, J-15, J-27, J-35 and J-38 speak of what is not here (the OAS form, the Dashboard's registry, stored sessions of
tokens, context variables, the end of their storage); J-18 to J-20 are the issuers' own tests.
"""

from base64 import b64encode
from typing import Any

import pytest

from propylon.jose.verification import VerificationRecord, from_pem, from_secret
from tests.kit.deciding import PublishedKeys, deciding
from tests.kit.definitions import jwt_api, policy, session
from tests.kit.tokens import SECRET, assembled, ec_key, ed_key, hs256, public_pem, rsa_key, secret_key, sign

NOW = 1_800_000_000
URL = "http://u/"
OTHER = "another-secret-of-at-least-32-char"
KEYS_URL = "https://idp.example/keys"
SOURCE = b64encode(SECRET.encode()).decode()
NOT_AUTHORIZED = (403, "Key not authorized")
UNEXPECTED = (403, "Key not authorized: Unexpected signing method")
LET_IN = (200, "")

KEYS = {
    "good": session("jwt", jwt_data={"secret": SECRET}),
    "alice": session("jwt", jwt_data={"secret": SECRET}),
    "rsa": session("jwt", jwt_data={"secret": public_pem(rsa_key())}),
    "ec": session("jwt", jwt_data={"secret": public_pem(ec_key())}),
    "ed": session("jwt", jwt_data={"secret": public_pem(ed_key())}),
    "no-secret": session("jwt"),
    "expired": session("jwt", jwt_data={"secret": SECRET}, expires=NOW - 1),
    "other-api": session("another", jwt_data={"secret": SECRET}),
}
POLICIES = [
    policy("gold", "jwt"),
    policy("silver", "jwt"),
    policy("sleeping", "jwt", is_inactive=True),
    policy("foreign", "jwt", org_id="another"),
]
CLAIMS = {"sub": "alice", "exp": NOW + 100}


def record(key: Any, family: Any) -> VerificationRecord:
    made = from_secret(SECRET.encode(), id="s") if family == "hmac" else from_pem(key, family=family, id="p")
    assert isinstance(made, VerificationRecord)
    return made


PUBLISHED = {("", "k1"): record(public_pem(rsa_key()).encode(), "rsa")}


def answer(token: str, **members: Any) -> tuple[int, str]:
    """Status and text of the second of two requests, which may rest on what the first has left."""
    api = jwt_api(URL, **members)
    with deciding(api, keys=KEYS, policies=POLICIES, issuers=PublishedKeys(PUBLISHED)) as at:
        answers = [at.ask("/jwt/", token).denial for _ in range(2)]
    assert answers[0] == answers[1]
    return (200, "") if answers[0] is None else (answers[0].status, answers[0].message)


def central(**members: Any) -> dict[str, Any]:
    return {"jwt_source": SOURCE, "jwt_policy_field_name": "pol"} | members


RSA = {"jwt_signing_method": "rsa"}
KEY_SET = {**RSA, "jwt_policy_field_name": "pol"}
GOLD = {"sub": "alice", "pol": "gold"}
SIGNED = {
    "rsa": sign(CLAIMS, rsa_key(), "RS256", kid="rsa"),
    "ps512": sign(CLAIMS, rsa_key(), "PS512", kid="rsa"),
    "ec": sign(CLAIMS, ec_key(), "ES256", kid="ec"),
    "ed": sign(CLAIMS, ed_key(), "Ed25519", kid="ed"),
}
RULES: list[tuple[str, dict[str, Any], str, tuple[int, str]]] = [
    ("J-2: no switch leaves out the times", {"jwt_disable_expires_at_validation": True},
     hs256({"exp": NOW - 9}, kid="good"), (401, "Key not authorized: token has expired")),
    ("J-3: there is no jwt_expires", {"jwt_expires": 10**6},
     hs256({"exp": NOW - 9}, kid="good"), (401, "Key not authorized: token has expired")),
    ("J-5: no token", {}, "", (400, "Authorization field missing")),
    ("J-6: two segments", {}, "a.b", NOT_AUTHORIZED),
    ("J-6: an unknown algorithm", {}, assembled({"alg": "HS1", "kid": "good"}, CLAIMS, b"x"), NOT_AUTHORIZED),
    ("J-7: of another family", {}, SIGNED["rsa"], UNEXPECTED),
    ("J-7: none", {}, assembled({"alg": "none", "kid": "good"}, CLAIMS), UNEXPECTED),
    ("J-7: PS512 is of rsa", RSA, SIGNED["ps512"], LET_IN),
    ("J-7: HMAC is not of rsa", RSA, hs256(CLAIMS, kid="good"), UNEXPECTED),
    ("J-7: ecdsa", {"jwt_signing_method": "ecdsa"}, SIGNED["ec"], LET_IN),
    ("J-7: eddsa, ours", {"jwt_signing_method": "eddsa"}, SIGNED["ed"], LET_IN),
    ("J-8: ours: a list narrows the family", {**RSA, "jwt_allowed_algorithms": ["RS256"]}, SIGNED["ps512"], UNEXPECTED),
    ("J-9: a wrong signature", {}, hs256(CLAIMS, OTHER, kid="good"), NOT_AUTHORIZED),
    ("J-9: no kid for a key set", KEY_SET | {"jwt_source": KEYS_URL}, sign(GOLD, rsa_key(), "RS256"), NOT_AUTHORIZED),
    ("J-10: a static public key", KEY_SET | {"jwt_source": public_pem(rsa_key())},
     sign(GOLD, rsa_key(), "RS256"), LET_IN),
    ("J-11: the decoded bytes are the secret", central(), hs256(GOLD), LET_IN),
    ("J-11: the encoded ones are not", central(), hs256(GOLD, SOURCE), NOT_AUTHORIZED),
    ("J-12: a list of key sets", KEY_SET | {"jwt_jwks_uris": [{"url": KEYS_URL}]},
     sign(GOLD, rsa_key(), "RS256", kid="k1"), LET_IN),
    ("J-12: a source beside it is ignored", KEY_SET | {"jwt_jwks_uris": [{"url": KEYS_URL}],
     "jwt_source": public_pem(rsa_key(3072))}, sign(GOLD, rsa_key(3072), "RS256"), NOT_AUTHORIZED),
    ("J-13: a plain URL, twice", KEY_SET | {"jwt_source": KEYS_URL}, sign(GOLD, rsa_key(), "RS256", kid="k1"), LET_IN),
    ("J-13: an encoded URL", KEY_SET | {"jwt_source": b64encode(KEYS_URL.encode()).decode()},
     sign(GOLD, rsa_key(), "RS256", kid="k1"), LET_IN),
    ("J-14: the key's own secret", {}, hs256(CLAIMS, kid="good"), LET_IN),
    ("J-14: the key's own public key", RSA, SIGNED["rsa"], LET_IN),
    ("J-14: no secret, even for what is signed with none", {}, hs256(CLAIMS, "", kid="no-secret"), NOT_AUTHORIZED),
    ("J-16: key sets count on classic definitions", KEY_SET | {"jwt_jwks_uris": [{"url": KEYS_URL}]},
     hs256(CLAIMS, kid="good"), UNEXPECTED),
    ("J-17: a kid is a text", {}, hs256(CLAIMS, kid=7), NOT_AUTHORIZED),
    ("J-17: an unknown kid", KEY_SET | {"jwt_source": KEYS_URL},
     sign(GOLD, rsa_key(), "RS256", kid="k2"), NOT_AUTHORIZED),
    ("J-21: a wrong kid does not fall back", {}, hs256(CLAIMS, kid="gone"), NOT_AUTHORIZED),
    ("J-21: no kid, so the subject", {}, hs256(CLAIMS), LET_IN),
    ("J-21: skipped, so the subject", {"jwt_skip_kid": True}, hs256(CLAIMS, kid="gone"), LET_IN),
    ("J-21: no kid, and one is required", {"jwt_require_kid": True}, hs256(CLAIMS), NOT_AUTHORIZED),
    ("J-22: the base field", {"jwt_identity_base_field": "uid"}, hs256({"uid": "alice"}), LET_IN),
    ("J-22: a nested one", {"jwt_identity_base_field": "user.id"}, hs256({"user": {"id": "alice"}}), LET_IN),
    ("J-22: literally first", {"jwt_identity_base_field": "user.id"},
     hs256({"user.id": "alice", "user": {"id": "x"}}), LET_IN),
    ("J-22: not there, so sub", {"jwt_identity_base_field": "uid"}, hs256(CLAIMS | {"uid": 5}), LET_IN),
    ("J-22: empty", central(jwt_identity_base_field="uid"), hs256({"uid": "", "pol": "gold"}),
     (403, "found an empty user ID in predefined base claim, claim: uid")),
    ("J-22: an empty sub", central(), hs256({"sub": "", "pol": "gold"}), (403, "found an empty user ID in sub claim")),
    ("J-22: none", central(), hs256({"sub": 5, "pol": "gold"}), (403, "no suitable claims for user ID were found")),
    ("J-23: with a source the key's secret is not asked", central(), hs256(CLAIMS, OTHER, kid="good"), NOT_AUTHORIZED),
    ("J-24: no identity in per-key mode", {}, hs256({}), (404, "no suitable claims for user ID were found")),
    ("J-24: the policy claim is not read", {}, hs256(CLAIMS | {"pol": "gone"}, kid="good"), LET_IN),
    ("J-25: another API's key", {}, hs256(CLAIMS, kid="other-api"), (403, "Access to this API has been disallowed")),
    ("J-28: the named policy", central(), hs256(GOLD), LET_IN),
    ("J-28: a list, ours", central(), hs256(GOLD | {"pol": ["gold", "silver"]}), LET_IN),
    ("J-28: a nested one", central(jwt_policy_field_name="a.pol"), hs256({"sub": "x", "a": {"pol": "gold"}}), LET_IN),
    ("J-28: the default", central(jwt_default_policies=["gold"]), hs256(CLAIMS), LET_IN),
    ("J-29: an unknown policy", central(), hs256(GOLD | {"pol": "gone"}),
     (403, "key not authorized: no matching policy")),
    ("J-29: another organisation's", central(), hs256(GOLD | {"pol": "foreign"}),
     (403, "key not authorized: no matching policy")),
    ("J-29: an unknown default", central(jwt_default_policies=["gone"]), hs256(CLAIMS),
     (500, 'failed to create key: policy not found: "gone"')),
    ("J-31: a scope", central(jwt_scope_to_policy_mapping={"r": "gold"}), hs256(CLAIMS | {"scope": "r x"}), LET_IN),
    ("J-31: another claim", central(jwt_scope_claim_name="a.scp", jwt_scope_to_policy_mapping={"r": "gold"}),
     hs256(CLAIMS | {"a": {"scp": ["r"]}}), LET_IN),
    ("J-31: a name with a dot, F-32", central(jwt_scope_claim_name="https://x.y/scp",
     jwt_scope_to_policy_mapping={"r": "gold"}), hs256(CLAIMS | {"https://x.y/scp": "r"}), LET_IN),
    ("J-31: nothing mapped", central(jwt_scope_to_policy_mapping={"r": "gold"}, jwt_default_policies=["gold"]),
     hs256(CLAIMS | {"scope": "w"}), (403, "key not authorized: no matching policy found in scope claim")),
    ("J-32: no policy", central(), hs256(CLAIMS), (403, "key not authorized: no matching policy found")),
    ("J-33: a client id that is no text, F-10", central(), hs256(GOLD | {"client_id": 7, "cid": [1]}), LET_IN),
    ("J-34: this is the identity", central(base_identity_provided_by="jwt_claim"), hs256(GOLD), LET_IN),
    ("J-36: an inactive policy", central(), hs256(GOLD | {"pol": "sleeping"}),
     (403, "Key is inactive, please renew")),
    ("J-37: the key's own end", {}, hs256(CLAIMS, kid="expired"), (401, "Key has expired, please renew")),
    ("F-3: a skew holds to the end", central(jwt_expires_at_validation_skew=60),
     hs256(GOLD | {"exp": NOW - 30}), LET_IN),
]  # fmt: skip


@pytest.mark.parametrize(("members", "token", "expected"), [row[1:] for row in RULES], ids=[row[0] for row in RULES])
def test_rule(members: dict[str, Any], token: str, expected: tuple[int, str]) -> None:
    assert answer(token, **members) == expected


TIMES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("exp is past", {"exp": NOW}, {}, "token has expired"),
    ("exp with skew", {"exp": NOW - 9}, {"jwt_expires_at_validation_skew": 10}, ""),
    ("exp at the end of the skew", {"exp": NOW - 10}, {"jwt_expires_at_validation_skew": 10}, "token has expired"),
    ("iat is ahead", {"iat": NOW + 1}, {}, "token used before issued"),
    ("iat with skew", {"iat": NOW + 10}, {"jwt_issued_at_validation_skew": 10}, ""),
    ("nbf is ahead", {"nbf": NOW + 1}, {}, "token is not valid yet"),
    ("nbf with skew", {"nbf": NOW + 10}, {"jwt_not_before_validation_skew": 10}, ""),
    ("the last one speaks", {"exp": NOW, "nbf": NOW + 1}, {}, "token is not valid yet"),
    ("a huge skew", {"exp": 1}, {"jwt_expires_at_validation_skew": 2_000_000_000}, ""),
    ("exp is no number", {"exp": "x"}, {}, "token has expired"),
    ("exp is missing", {}, {"jwt_require_exp": True}, "expiration (exp) claim is required but not present in token"),
    ("lives too long", {"iat": NOW, "exp": NOW + 61}, {"jwt_lifetime_max_s": 60},
     "token is valid for longer than 60 seconds"),
    ("lives as long as it may", {"iat": NOW, "exp": NOW + 60}, {"jwt_lifetime_max_s": 60}, ""),
    ("nobody knows how long", {"exp": NOW + 9}, {"jwt_lifetime_max_s": 60},
     "issued at (iat) claim is required but not present in token"),
]  # fmt: skip


@pytest.mark.parametrize(("claims", "members", "text"), [row[1:] for row in TIMES], ids=[row[0] for row in TIMES])
def test_j23a_times(claims: dict[str, Any], members: dict[str, Any], text: str) -> None:
    """J-23a."""
    expected = (401, f"Key not authorized: {text}") if text else LET_IN
    assert answer(hs256(claims, kid="good"), **members) == expected


def custom(kind: str, *allowed: Any, **members: Any) -> dict[str, Any]:
    return {"jwt_custom_claim_validation": {"c.d": {"type": kind, "allowed_values": list(allowed)} | members}}


RULES_OF_CLAIMS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"jwt_allowed_issuers": ["i"]}, {}, "issuer claim is required but not present in token"),
    ({"jwt_allowed_issuers": ["i"]}, {"iss": 1}, "issuer claim must be a string"),
    ({"jwt_allowed_issuers": ["i"]}, {"iss": "i/"}, "invalid issuer claim: i/"),
    ({"jwt_allowed_issuers": ["i", "j"]}, {"iss": "j"}, ""),
    ({"jwt_allowed_audiences": ["a"]}, {}, "audience claim is required but not present in token"),
    ({"jwt_allowed_audiences": ["a"]}, {"aud": 1}, "invalid audience claim format"),
    ({"jwt_allowed_audiences": ["a"]}, {"aud": ["ab", "b"]}, "no matching audience found in token: [ab b]"),
    ({"jwt_allowed_audiences": ["a"]}, {"aud": ["a", "b"]}, ""),
    ({"jwt_allowed_audiences": ["a"]}, {"aud": "a"}, ""),
    ({"jwt_jti_validation": {"enabled": True}}, {}, "JWT ID (jti) claim is required but not present in token"),
    ({"jwt_jti_validation": {"enabled": True}}, {"jti": "1"}, ""),
    ({"jwt_allowed_subjects": ["good"]}, {"sub": "x"}, "invalid subject value: x"),
    ({"jwt_allowed_subjects": ["x"]}, {"sub": "x"}, ""),
    ({"jwt_allowed_subjects": ["x"]}, {}, "no suitable claims for user ID were found"),
    ({"jwt_allowed_subjects": ["x"], "jwt_identity_base_field": "uid"}, {"uid": "x", "sub": "y"}, ""),
    ({"jwt_allowed_types": ["at+jwt"]}, {}, "invalid token type: JWT"),
    (custom("required"), {}, "custom claim c.d is required but not present in token"),
    (custom("required"), {"c": {"d": None}}, "custom claim c.d expects a non nil value"),
    (custom("required"), {"c": {"d": 0}}, ""),
    (custom("required"), {"c.d": 0}, ""),
    (custom("exact_match", "x", 1), {"c": {"d": "y"}}, "claim c.d value does not match any expected values"),
    (custom("exact_match", "x", 1), {"c": {"d": True}}, "claim c.d value does not match any expected values"),
    (custom("exact_match", [1, {"a": 2}]), {"c": {"d": [1.0, {"a": 2}]}}, ""),
    (custom("contains", "admin"), {"c": {"d": "not-admin"}}, "claim c.d value does not contain any expected values"),
    (custom("contains", "admin"), {"c": {"d": "user admin"}}, ""),
    (custom("contains", "admin", match="substring"), {"c": {"d": "not-admin"}}, ""),
    (custom("contains", "admin"), {"c": {"d": ["user", "admin"]}}, ""),
    (custom("contains", "admin"), {"c": {"d": ["not-admin"]}}, "claim c.d value does not contain any expected values"),
    (custom("contains", 1, 2), {"c": {"d": 1}}, ""),
    (custom("contains", "x", non_blocking=True), {"c": {"d": "y"}}, ""),
    (custom("contains", "x", nonBlocking=True), {}, ""),
]


@pytest.mark.parametrize(("members", "claims", "text"), RULES_OF_CLAIMS)
def test_j23b_claims(members: dict[str, Any], claims: dict[str, Any], text: str) -> None:
    """J-23b; J-23c: on classic definitions too, which is ours."""
    expected = (401, f"Key not authorized: {text}") if text else LET_IN
    assert answer(hs256(claims, kid="good"), **members) == expected


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_a_pinned_type_is_told_apart_without_case_and_prefix(typ: str) -> None:
    token = sign(CLAIMS, secret_key(), typ=typ, kid="good")
    assert answer(token, jwt_allowed_types=["at+jwt"]) == LET_IN


def test_j26_equal_subjects_of_one_issuer_are_one_identity_on_every_api() -> None:
    """J-26, ours: of another issuer it is another one."""
    apis = [jwt_api(URL, name, **central()) for name in ("one", "two")]
    with deciding(*apis, policies=[policy("gold", "one", "two")]) as at:
        callers = [at.ask(f"/{name}/", hs256(GOLD | {"iss": "i"})).caller for name in ("one", "two")]
        other = at.ask("/one/", hs256(GOLD | {"iss": "j"})).caller
    records = [caller.identity.record for caller in (*callers, other) if caller is not None]
    assert len(records) == 3
    assert records[0] == records[1] != records[2]


def test_j30_another_policy_in_the_next_token_holds_at_once() -> None:
    """J-30."""
    limited = [policy("gold", "jwt"), policy("none", "another")]
    with deciding(jwt_api(URL, **central()), policies=limited) as at:
        assert at.reason("/jwt/", hs256(GOLD)) == ""
        assert at.reason("/jwt/", hs256(GOLD | {"pol": "none"})) == "api_not_granted"
        assert at.reason("/jwt/", hs256(GOLD)) == ""
