"""One JWK: what it may verify, and why it may not."""

from base64 import b64encode, urlsafe_b64encode
from typing import Any

import pytest

from propylon.errors import Problem
from propylon.jose.jwk import record_of_jwk
from propylon.jose.token import Token, parse_token
from propylon.jose.verification import VerificationRecord, verify
from tests.kit.tokens import ec_key, ed_key, public_jwk, public_pem, rsa_key, secret_key, sign

RSA = public_jwk(rsa_key())
WEAK_RSA = {"kty": "RSA", "e": "AQAB", "n": "_" * 170 + "w"}  # 1024 bits
EC = public_jwk(ec_key())
ED = public_jwk(ed_key())
ALL_RSA = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}


def octets(size: int) -> dict[str, Any]:
    return {"kty": "oct", "k": urlsafe_b64encode(bytes(range(size))).decode()}


def made(jwk: object, **options: Any) -> VerificationRecord:
    record = record_of_jwk(jwk, id="k", **options)
    assert isinstance(record, VerificationRecord), record
    return record


def refusal(jwk: object, **options: Any) -> tuple[str, str]:
    problem = record_of_jwk(jwk, id="k", **options)
    assert isinstance(problem, Problem), problem
    return problem.path, problem.code


@pytest.mark.parametrize(
    ("jwk", "family", "algorithms"),
    [
        (RSA, "rsa", ALL_RSA),
        (EC, "ecdsa", {"ES256"}),
        (public_jwk(ec_key("P-384")), "ecdsa", {"ES384"}),
        (public_jwk(ec_key("P-521")), "ecdsa", {"ES512"}),
        (ED, "eddsa", {"EdDSA", "Ed25519"}),
        (RSA | {"alg": "RS512"}, "rsa", {"RS512"}),
        (ED | {"alg": "EdDSA"}, "eddsa", {"EdDSA", "Ed25519"}),
        (RSA | {"use": "sig", "key_ops": ["verify"]}, "rsa", ALL_RSA),
        (RSA | {"n": RSA["n"] + "==", "x5t": "anything", "unheard_of": [1]}, "rsa", ALL_RSA),
    ],
)
def test_a_public_key_verifies_with_what_fits_it_and_its_own_alg(
    jwk: dict[str, Any], family: str, algorithms: set[str]
) -> None:
    """J-8, ours: `alg` counts."""
    record = made(jwk)
    assert (record.family, record.algorithms) == (family, algorithms)


@pytest.mark.parametrize(
    ("key", "alg"), [(rsa_key(), "PS384"), (ec_key("P-521"), "ES512"), (ed_key(), "Ed25519"), (secret_key(), "HS256")]
)
def test_a_token_signed_with_the_other_half_verifies(key: Any, alg: str) -> None:
    token = parse_token(sign({"sub": "anna"}, key, alg))
    assert isinstance(token, Token)
    assert verify(token, made(public_jwk(key) | dict(key.as_dict(private=alg == "HS256")), allow_secret=True)) is None


@pytest.mark.parametrize(
    ("jwk", "refused"),
    [
        ([], ("", "jwk_malformed")),
        ({}, ("kty", "jwk_kind_unknown")),
        (RSA | {"kty": ["RSA"]}, ("kty", "jwk_kind_unknown")),
        (RSA | {"kty": "rsa"}, ("kty", "jwk_kind_unknown")),
        (WEAK_RSA, ("n", "jwk_weak")),
        (RSA | {"use": "enc"}, ("use", "jwk_not_for_signatures")),
        (RSA | {"key_ops": ["encrypt"]}, ("key_ops", "jwk_not_for_signatures")),
        (RSA | {"key_ops": "verify"}, ("key_ops", "jwk_not_for_signatures")),
        (RSA | {"alg": "RSA-OAEP"}, ("alg", "jwk_algorithm_unfit")),
        (RSA | {"alg": "HS256"}, ("alg", "jwk_algorithm_unfit")),
        (RSA | {"alg": None}, ("alg", "jwk_algorithm_unfit")),
        (EC | {"alg": "ES512"}, ("", "jwt_algorithms_unfit")),
        (rsa_key().as_dict(private=True), ("d", "jwk_is_private")),
        (ec_key().as_dict(private=True), ("d", "jwk_is_private")),
        (ed_key().as_dict(private=True), ("d", "jwk_is_private")),
        (RSA | {"qi": "AQ"}, ("qi", "jwk_is_private")),
        (RSA | {"n": 5}, ("", "jwk_malformed")),
        (RSA | {"n": "not base64!"}, ("", "jwk_malformed")),
        (RSA | {"e": "AQ"}, ("", "jwk_malformed")),
        (RSA | {"e": "BA"}, ("", "jwk_malformed")),
        (EC | {"y": EC["x"]}, ("", "jwk_malformed")),
        (EC | {"crv": "secp256k1"}, ("", "jwk_malformed")),
        (EC | {"crv": {}}, ("", "jwk_malformed")),
        (ED | {"crv": "X25519"}, ("", "jwk_malformed")),
        (ED | {"x": "AQ"}, ("", "jwk_malformed")),
        (octets(64), ("kty", "jwk_secret_published")),
    ],
    ids=lambda value: f"{value[0]}-{value[1]}" if isinstance(value, tuple) else "",
)
def test_what_is_no_sound_public_key_is_a_problem(jwk: object, refused: tuple[str, str]) -> None:
    assert refusal(jwk) == refused


@pytest.mark.parametrize(
    ("jwk", "algorithms"),
    [
        (octets(32), {"HS256"}),
        (octets(48), {"HS256", "HS384"}),
        (octets(64), {"HS256", "HS384", "HS512"}),
        (octets(64) | {"alg": "HS512"}, {"HS512"}),
    ],
)
def test_a_secret_verifies_with_the_hashes_it_is_long_enough_for(jwk: dict[str, Any], algorithms: set[str]) -> None:
    assert made(jwk, allow_secret=True).algorithms == algorithms


@pytest.mark.parametrize(
    ("jwk", "path", "code"),
    [
        (octets(31), "k", "jwk_weak"),
        (octets(0), "k", "jwk_weak"),
        (octets(32) | {"alg": "HS384"}, "k", "jwk_weak"),
        ({"kty": "oct"}, "k", "jwk_malformed"),
    ],
)
def test_a_short_secret_is_a_problem(jwk: dict[str, Any], path: str, code: str) -> None:
    assert refusal(jwk, allow_secret=True) == (path, code)


def test_a_public_key_in_the_place_of_a_secret_is_a_problem() -> None:
    jwk = {"kty": "oct", "k": urlsafe_b64encode(public_pem(rsa_key()).encode()).decode()}
    assert refusal(jwk, allow_secret=True) == ("", "jwt_secret_is_public_key")


def test_algorithms_from_outside_narrow_and_never_widen() -> None:
    assert made(RSA, algorithms={"RS256", "ES256", "HS256"}).algorithms == {"RS256"}
    assert refusal(RSA | {"alg": "RS512"}, algorithms={"RS256"})[1] == "jwt_algorithms_unfit"
    assert refusal(octets(64), algorithms={"RS256"}, allow_secret=True)[1] == "jwt_algorithms_unfit"


def test_an_old_document_with_a_pem_in_x5c_is_read() -> None:
    """J-20 (`TestJWTSessionRSAWithEncodedJWK`)."""
    legacy = {"kty": "RSA", "x5c": [b64encode(public_pem(rsa_key()).encode()).decode()]}
    assert made(legacy).key.raw_value == rsa_key().public_key
    assert refusal(legacy | {"kty": "EC"}) == ("", "jwt_key_unfit")


@pytest.mark.parametrize("chain", [[], ["!"], [5], "text", ["bm8ga2V5"]])
def test_x5c_without_a_key_is_a_problem(chain: object) -> None:
    assert refusal({"kty": "RSA", "x5c": chain}) == ("", "jwk_malformed")


def test_x5c_beside_a_readable_key_is_not_looked_at() -> None:
    other = b64encode(public_pem(ec_key()).encode()).decode()
    assert made(RSA | {"x5c": [other]}).key.raw_value == rsa_key().public_key
