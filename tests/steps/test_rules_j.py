"""Rules of auth.md §3, each by its number: those parts of them that `test_jwt_rules.py` leaves open.

What a token is given is seen from the policies of its caller, what is refused from status and text.
"""

from base64 import b64encode
from typing import Any

import pytest

from propylon.model.api_definition import parse_api
from tests.jose.key_forms import public_forms
from tests.kit.deciding import deciding
from tests.kit.definitions import jwt_api, policy, session
from tests.kit.tokens import SECRET, assembled, ec_key, hs256, rsa_key, sign

NOW = 1_800_000_000
URL = "http://u/"
SOURCE = b64encode(SECRET.encode()).decode()
LET_IN = (200, "")
NOT_AUTHORIZED = (403, "Key not authorized")
UNEXPECTED = (403, "Key not authorized: Unexpected signing method")
NO_POLICY = (403, "key not authorized: no matching policy found")
ISSUED_LATER = (401, "Key not authorized: token used before issued")
NOT_YET = (401, "Key not authorized: token is not valid yet")
GUARDED = (503, "This API's definition relies on what is not supported: jwt_client_base_field")
NOT_APPLIED = (403, "key not authorized: could not apply new policy")
SEVERAL = (403, "key not authorized: could not apply several policies")
UNMAPPED = (403, "key not authorized: no matching policy found in scope claim")
NOTHING = "key has no valid policies to be applied"
MIXED = "cannot apply multiple policies when some have per_api set and some are partitioned"

KEYS = {"good": session("jwt", jwt_data={"secret": SECRET}), "alice": session("jwt", jwt_data={"secret": SECRET})}
POLICIES = [
    policy("gold", "jwt", tags=["gold"]),
    policy("silver", "jwt", post_expiry_action="delete", post_expiry_grace_period=60),
    policy("empty"),
    policy("per-api", "jwt", partitions={"per_api": True}),
    policy("acl", "jwt", partitions={"acl": True}),
    policy("not-active", "jwt") | {"active": False},
]
ALICE = {"sub": "alice"}
SCOPED = {"jwt_scope_to_policy_mapping": {"r": "gold", "w": "silver", "e": "empty", "x": "gone"}}


def central(**members: Any) -> dict[str, Any]:
    return {"jwt_source": SOURCE, "jwt_policy_field_name": "pol"} | members


def rsa(source: bytes) -> dict[str, Any]:
    return central(jwt_signing_method="rsa", jwt_source=b64encode(source).decode())


def answer(members: dict[str, Any], token: str) -> tuple[int, str]:
    """Status and text of the second of two requests, which may rest on what the first has left."""
    with deciding(jwt_api(URL, **members), keys=KEYS, policies=POLICIES) as at:
        denials = [at.ask("/jwt/", token).denial for _ in range(2)]
    assert denials[0] == denials[1]
    return LET_IN if denials[1] is None else (denials[1].status, denials[1].message)


FORMS = public_forms(rsa_key())
RSA_TOKEN = sign({"sub": "alice", "pol": "gold"}, rsa_key(), "RS256")
RULES: list[tuple[str, dict[str, Any], str, tuple[int, str]]] = [
    ("J-2: no switch leaves out iat", {"jwt_disable_issued_at_validation": True}, hs256({"iat": NOW + 9}, kid="good"),
     ISSUED_LATER),
    ("J-2: nor nbf", {"jwt_disable_not_before_validation": True}, hs256({"nbf": NOW + 9}, kid="good"), NOT_YET),
    ("J-6: four segments", {}, hs256({}, kid="good") + ".x", NOT_AUTHORIZED),
    ("J-6: claims that are no object", {}, assembled({"alg": "HS256", "kid": "good"}, [], b"x"), NOT_AUTHORIZED),
    ("J-7: eddsa is not of hmac", {}, assembled({"alg": "EdDSA", "kid": "good"}, {}, b"x"), UNEXPECTED),
    ("J-7: before the key is looked up", {}, sign({}, ec_key(), "ES256", kid="gone"), UNEXPECTED),
    ("J-7: a name in other letters is not known", {}, assembled({"alg": "hs256", "kid": "good"}, {}, b"x"),
     NOT_AUTHORIZED),
    ("J-10: PEM in base64", rsa(FORMS["PEM"]), RSA_TOKEN, LET_IN),
    ("J-10: DER", rsa(FORMS["DER"]), RSA_TOKEN, LET_IN),
    ("J-10: a certificate", rsa(FORMS["certificate"]), RSA_TOKEN, LET_IN),
    ("J-10: a certificate as DER", rsa(FORMS["DER certificate"]), RSA_TOKEN, LET_IN),
    ("J-10: of another key", rsa(public_forms(rsa_key(3072))["DER"]), RSA_TOKEN, NOT_AUTHORIZED),
    ("J-21: a kid that is no text names nobody, ours", {}, hs256(ALICE, kid=5), NOT_AUTHORIZED),
    ("J-22: a kid is no identity where claims are asked", central(), hs256({"pol": "gold"}, kid="good"),
     (403, "no suitable claims for user ID were found")),
    ("J-23a: iat and nbf of 0", {}, hs256({"iat": 0, "nbf": 0}, kid="good"), LET_IN),
    ("J-23a: iat that is no number", {}, hs256({"iat": "x"}, kid="good"), ISSUED_LATER),
    ("J-23a: nbf that is no number", {}, hs256({"nbf": None}, kid="good"), NOT_YET),
    ("J-24: scopes are not read", SCOPED, hs256({"scope": "gone"}, kid="good"), LET_IN),
    ("J-24: nor are defaults", {"jwt_default_policies": ["gone"]}, hs256({}, kid="good"), LET_IN),
    ("J-24: nor does an identity without a kid need another key", {}, hs256({"sub": "gone"}), NOT_AUTHORIZED),
    ("J-28: policies by client id are not there", {"jwt_source": SOURCE, "jwt_client_base_field": "azp"},
     hs256(ALICE | {"azp": "good"}), GUARDED),
    ("J-28: they would not be asked beside a policy field", central(jwt_client_base_field="azp"),
     hs256(ALICE | {"azp": "good"}), NO_POLICY),
    ("J-29: one of several defaults is not there, ours", central(jwt_default_policies=["gold", "gone"]), hs256(ALICE),
     (500, 'failed to create key: policy not found: "gone"')),
    ("J-30: a policy that gives nothing", central(), hs256(ALICE | {"pol": "empty"}), NOT_APPLIED),
    ("J-32: a mapping, and neither scope nor policy", central(**SCOPED), hs256(ALICE), NO_POLICY),
    ("J-33: nothing is done for a client", central(), hs256(ALICE | {"pol": "gold", "client_id": "c"}), LET_IN),
    ("J-33: nor left", central(idp_client_id_mapping_disabled=True), hs256(ALICE | {"pol": "gold", "cid": "c"}),
     LET_IN),
    ("J-35: context variables reach nothing", central(enable_context_vars=True), hs256(ALICE | {"pol": "gold"}),
     LET_IN),
    ("J-36: active says nothing", central(), hs256(ALICE | {"pol": "not-active"}), LET_IN),
    ("J-7: none in other letters is not known", {}, assembled({"alg": "nOnE", "kid": "good"}, {}), NOT_AUTHORIZED),
    ("J-29: a default that gives nothing", central(jwt_default_policies=["empty"]), hs256(ALICE),
     (500, f"failed to create key: {NOTHING}")),
    ("J-29: defaults that do not mix", central(jwt_default_policies=["per-api", "acl"]), hs256(ALICE),
     (500, f"failed to create key: {MIXED}")),
    ("J-31: a mapped policy that gives nothing", central(**SCOPED), hs256(ALICE | {"scope": "e"}), SEVERAL),
    ("J-31: a mapped policy that is not there", central(**SCOPED), hs256(ALICE | {"scope": "x"}), SEVERAL),
    ("J-31: scopes are parted by blanks alone", central(**SCOPED), hs256(ALICE | {"scope": "q\tr"}), UNMAPPED),
]  # fmt: skip


@pytest.mark.parametrize(("members", "token", "expected"), [row[1:] for row in RULES], ids=[row[0] for row in RULES])
def test_rule(members: dict[str, Any], token: str, expected: tuple[int, str]) -> None:
    assert answer(members, token) == expected


@pytest.mark.parametrize(
    ("method", "source", "code"),
    [
        ("rsa", "bm8ga2V5", "jwt_source_unfit"),
        ("rsa", "no base64!", "jwt_source_undecodable"),
        ("hmac", FORMS["base64 of PEM"].decode(), "jwt_source_is_public_key"),
        ("HMAC", SOURCE, "jwt_signing_method_unknown"),
        ("", SOURCE, "jwt_signing_method_unknown"),
    ],
)
def test_j7_j10_j13_what_could_verify_nothing_is_refused_when_it_is_written(
    method: str, source: str, code: str
) -> None:
    """J-7, J-10, J-13: in Tyk each token is refused, or HMAC is meant."""
    document = jwt_api(URL, **central(jwt_signing_method=method, jwt_source=source))
    assert [one.code for one in parse_api(document, default_org_id="default").problems] == [code]


@pytest.mark.parametrize("named", ["auth_token", "hmac_key", "anything"])
def test_j34_an_identity_of_another_mode_is_refused_when_it_is_written(named: str) -> None:
    """J-34: in Tyk nobody would have a session."""
    document = jwt_api(URL, **central(base_identity_provided_by=named))
    assert parse_api(document, default_org_id="default").definition is None


GIVEN: list[tuple[str, dict[str, Any], dict[str, Any], list[str]]] = [
    ("J-4: the old mapping", SCOPED, {"scope": "r"}, ["gold"]),
    ("J-4: not beside the new one", SCOPED | {"scopes": {"jwt": {"scope_to_policy": {"r": "silver"}}}}, {"scope": "r"},
     ["silver"]),
    ("J-28: the claim goes before the defaults", {"jwt_default_policies": ["silver"]}, {"pol": "gold"}, ["gold"]),
    ("J-28: all defaults", {"jwt_default_policies": ["gold", "silver"]}, {}, ["gold", "silver"]),
    ("J-28: a claim that is no text is not there", {"jwt_default_policies": ["silver"]}, {"pol": 5}, ["silver"]),
    ("J-28: nor is one of other things", {"jwt_default_policies": ["silver"]}, {"pol": [{"id": "gold"}]}, ["silver"]),
    ("J-31: the claim's and the scopes'", SCOPED, {"pol": "gold", "scope": "w"}, ["gold", "silver"]),
    ("J-31: the defaults go", SCOPED | {"jwt_default_policies": ["gold"]}, {"scope": "w"}, ["silver"]),
    ("J-31: no scope, so the defaults stay", SCOPED | {"jwt_default_policies": ["gold"]}, {}, ["gold"]),
    ("J-31: what is not mapped is passed over", SCOPED, {"scope": "q r"}, ["gold"]),
    ("J-31: a list", SCOPED, {"scope": ["w", "r"]}, ["silver", "gold"]),
    ("J-31: nothing mapped beside the claim's", SCOPED, {"pol": "gold", "scope": "q"}, ["gold"]),
    ("J-31: another claim name", {"scopes": {"jwt": {"scope_claim_name": "scp", "scope_to_policy": {"r": "gold"}}}},
     {"scope": "w", "scp": "r"}, ["gold"]),
    ("J-38: what follows the end is carried", {}, {"pol": "silver"}, ["silver"]),
]  # fmt: skip


@pytest.mark.parametrize(("members", "claims", "policies"), [row[1:] for row in GIVEN], ids=[row[0] for row in GIVEN])
def test_given(members: dict[str, Any], claims: dict[str, Any], policies: list[str]) -> None:
    with deciding(jwt_api(URL, **central(**members)), policies=POLICIES) as at:
        exchange = at.ask("/jwt/", hs256(ALICE | claims))
    assert exchange.denial is None
    assert exchange.caller is not None
    assert list(exchange.caller.session.policy_ids) == policies
    assert exchange.caller.identity.name == "alice"
