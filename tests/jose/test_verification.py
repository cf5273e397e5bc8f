"""Verification records decide; tokens only say."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import OKPKey

from propylon.errors import Problem
from propylon.jose.token import Token, parse_token
from propylon.jose.verification import Family, VerificationRecord, family_of, from_pem, from_secret, verify
from tests.jose.key_forms import EVERY_PUBLIC_FORM, certificate, der, modulus, pem, rsa_der
from tests.jose.raw_tokens import SECRET, raw_token
from tests.kit.tokens import ec_key, ed_key, hs256, rsa_key, secret_key, sign

CLAIMS = {"sub": "anna"}
CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
BY_FAMILY: dict[str, frozenset[str]] = {
    "hmac": frozenset({"HS256", "HS384", "HS512"}),
    "rsa": frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "eddsa": frozenset({"EdDSA", "Ed25519"}),
}


def parsed(text: str) -> Token:
    token = parse_token(text)
    assert isinstance(token, Token), token
    return token


def record(made: VerificationRecord | Problem) -> VerificationRecord:
    assert isinstance(made, VerificationRecord), made
    return made


def hmac_record(*algorithms: str) -> VerificationRecord:
    return record(from_secret(SECRET, id="k1", algorithms=algorithms or None))


def rsa_record(*algorithms: str) -> VerificationRecord:
    return record(from_pem(pem(rsa_key()), family="rsa", id="k1", algorithms=algorithms or None))


@pytest.mark.parametrize("alg", sorted(BY_FAMILY["hmac"]))
def test_a_secret_verifies_each_hash(alg: str) -> None:
    good, other = sign(CLAIMS, secret_key(), alg), sign(CLAIMS, secret_key("x" * 64), alg)
    assert verify(parsed(good), hmac_record()) is None
    assert verify(parsed(other), hmac_record()) == "jwt_bad_signature"


@pytest.mark.parametrize("alg", sorted(BY_FAMILY["rsa"]))
def test_an_rsa_key_verifies_both_paddings(alg: str) -> None:
    good, other = sign(CLAIMS, rsa_key(), alg), sign(CLAIMS, rsa_key(2049), alg)
    assert verify(parsed(good), rsa_record()) is None
    assert verify(parsed(other), rsa_record()) == "jwt_bad_signature"


@pytest.mark.parametrize(("curve", "alg"), CURVES.items())
def test_the_curve_decides_the_algorithm(curve: str, alg: str) -> None:
    made = record(from_pem(pem(ec_key(curve)), family="ecdsa", id="k1"))
    assert made.algorithms == {alg}
    assert verify(parsed(sign(CLAIMS, ec_key(curve), alg)), made) is None
    other = next(name for name in CURVES if name != curve)
    assert verify(parsed(sign(CLAIMS, ec_key(other), CURVES[other])), made) == "jwt_alg_not_allowed"


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # by joserfc, when it signs; we verify what is out there
@pytest.mark.parametrize("alg", sorted(BY_FAMILY["eddsa"]))
def test_an_ed25519_key_verifies_under_both_its_names(alg: str) -> None:
    made = record(from_pem(der(ed_key()), family="eddsa", id="k1"))
    assert verify(parsed(sign(CLAIMS, ed_key(), alg)), made) is None
    assert verify(parsed(sign(CLAIMS, OKPKey.generate_key("Ed25519"), alg)), made) == "jwt_bad_signature"


def test_a_record_knows_what_it_is() -> None:
    made = rsa_record()
    assert (made.id, made.family, made.algorithms) == ("k1", "rsa", BY_FAMILY["rsa"])
    assert (hmac_record().family, hmac_record().algorithms) == ("hmac", BY_FAMILY["hmac"])


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_a_certificate_stands_for_its_key(encoding: Encoding) -> None:
    made = record(from_pem(certificate(rsa_key()).public_bytes(encoding), family="rsa", id="k1"))
    assert verify(parsed(sign(CLAIMS, rsa_key(), "RS256")), made) is None


def test_algorithms_narrow_a_record() -> None:
    assert rsa_record("PS256", "RS384", "ES256").algorithms == {"PS256", "RS384"}
    assert verify(parsed(sign(CLAIMS, rsa_key(), "PS256")), rsa_record("RS256")) == "jwt_alg_not_allowed"
    assert verify(parsed(sign(CLAIMS, secret_key(), "HS256")), hmac_record("HS512")) == "jwt_alg_not_allowed"


@pytest.mark.parametrize("algorithms", [(), ("ES256",), ("none",), ("rs256",)])
def test_a_record_that_could_verify_nothing_is_a_problem(algorithms: tuple[str, ...]) -> None:
    made = from_pem(pem(rsa_key()), family="rsa", id="k1", algorithms=algorithms)
    assert isinstance(made, Problem)
    assert made.code == "jwt_algorithms_unfit"


@pytest.mark.parametrize("secret", EVERY_PUBLIC_FORM.values(), ids=EVERY_PUBLIC_FORM)
def test_a_public_key_never_becomes_a_secret(secret: bytes) -> None:
    made = from_secret(secret, id="k1")
    assert isinstance(made, Problem)
    assert made.code == "jwt_secret_is_public_key"


def test_an_empty_secret_never_verifies() -> None:
    made = from_secret(b"", id="k1")
    assert isinstance(made, Problem)
    assert made.code == "jwt_secret_empty"


def test_a_short_secret_verifies() -> None:
    assert verify(parsed(raw_token({"alg": "HS256"}, CLAIMS, b"xxx")), record(from_secret(b"xxx", id="k1"))) is None


def _public(key: Any, encoding: Encoding = Encoding.PEM) -> bytes:
    data = key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    assert isinstance(data, bytes)
    return data


UNFIT: dict[str, tuple[bytes, Family, str]] = {
    "nothing": (b"", "rsa", "jwt_key_unreadable"),
    "a secret": (SECRET, "rsa", "jwt_key_unreadable"),
    "broken PEM": (pem(rsa_key())[:90] + b"\n-----END PUBLIC KEY-----\n", "rsa", "jwt_key_unreadable"),
    "exponent 1": (rsa_der(modulus(), 1), "rsa", "jwt_key_unreadable"),
    "private PEM": (rsa_key().as_pem(private=True), "rsa", "jwt_key_is_private"),
    "private DER": (rsa_key().as_der(private=True), "rsa", "jwt_key_is_private"),
    "private EC key": (ec_key().as_pem(private=True), "ecdsa", "jwt_key_is_private"),
    "RSA of 1024 bits": (_public(rsa.generate_private_key(65537, 1024)), "rsa", "jwt_key_weak"),
    "RSA of 2047 bits": (rsa_der(modulus() >> 1 | 1, 65537), "rsa", "jwt_key_weak"),
    "RSA for ecdsa": (pem(rsa_key()), "ecdsa", "jwt_key_unfit"),
    "EC for rsa": (pem(ec_key()), "rsa", "jwt_key_unfit"),
    "EC for eddsa": (pem(ec_key()), "eddsa", "jwt_key_unfit"),
    "Ed25519 for ecdsa": (pem(ed_key()), "ecdsa", "jwt_key_unfit"),
    "Ed448": (_public(ed448.Ed448PrivateKey.generate()), "eddsa", "jwt_key_unfit"),
    "a curve without an algorithm": (_public(ec.generate_private_key(ec.SECP256K1())), "ecdsa", "jwt_key_unfit"),
    "any key for hmac": (pem(rsa_key()), "hmac", "jwt_key_unfit"),
}


@pytest.mark.parametrize(("data", "family", "code"), UNFIT.values(), ids=UNFIT)
def test_a_key_that_is_not_fit_is_a_problem(data: bytes, family: Family, code: str) -> None:
    made = from_pem(data, family=family, id="k1")
    assert isinstance(made, Problem)
    assert made.code == code


def test_a_key_with_an_exponent_of_three_is_fit() -> None:
    assert isinstance(from_pem(rsa_der(modulus(), 3), family="rsa", id="k1"), VerificationRecord)


@pytest.mark.parametrize(
    ("alg", "family"),
    [
        *(("HS512", "hmac"), ("PS256", "rsa"), ("RS384", "rsa"), ("ES512", "ecdsa"), ("EdDSA", "eddsa")),
        *((alg, None) for alg in ("none", "None", "", "hs256", "HS256 ", "RSA1_5", "PBES2-HS256+A128KW", "ES256K")),
    ],
)
def test_an_algorithm_belongs_to_one_family(alg: str, family: str | None) -> None:
    assert family_of(alg) == family


def test_a_token_of_the_kit_verifies() -> None:
    assert verify(parsed(hs256(CLAIMS)), hmac_record("HS256")) is None
