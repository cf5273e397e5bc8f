"""What `jwt_source` may hold."""

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, EllipticCurvePublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from propylon.model.jwt_source import (
    algorithm_of,
    decode_source,
    hmac_trouble,
    hmac_weakness,
    names_key_set,
    pem,
    public_key,
)
from tests.kit.tokens import ec_key, public_pem, rsa_key

RSA_PEM = public_pem(rsa_key()).encode()
EC_PEM = public_pem(ec_key()).encode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c2VjcmV0", b"secret"),
        ("c2Vj\ncmV0\n", b"secret"),
        ("-----BEGIN X-----\n", b"-----BEGIN X-----"),
        ("not base64!", None),
        ("c2VjcmV", None),
        ("é", None),
        ("\ud800", None),
    ],
)
def test_a_source_is_base64_or_a_pem_as_it_stands(text: str, expected: bytes | None) -> None:
    assert decode_source(text) == expected


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("https://idp.example/keys", True),
        ("HTTP://idp.example/keys", True),
        (b64encode(b"https://idp.example/keys").decode(), True),
        (b64encode(b"a secret https://").decode(), False),
        ("", False),
        ("\ud800", False),
    ],
)
def test_the_url_of_a_key_set_is_known_plain_and_encoded(text: str, names: bool) -> None:
    assert names_key_set(text) is names


@pytest.mark.parametrize(
    "secret",
    [RSA_PEM, EC_PEM, b"\n" + RSA_PEM, b64encode(RSA_PEM), b"ssh-rsa AAAAB3NzaC1yc2E", b'{"kty":"RSA","n":"AQAB"}'],
)
def test_a_public_key_is_no_hmac_secret(secret: bytes) -> None:
    assert "public key" in hmac_trouble(secret)


def test_a_public_key_in_der_form_is_no_hmac_secret() -> None:
    key = public_key(RSA_PEM, "rsa")
    assert not isinstance(key, str)
    assert hmac_trouble(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


@pytest.mark.parametrize(
    ("secret", "codes"),
    [
        (b"short", ["secret_short"]),
        (b"xxx", ["secret_public"]),
        (b"Your-256-bit-Secret", ["secret_public"]),
        (b"a-shared-secret-of-32-characters", []),
    ],
)
def test_a_weak_secret_is_warned_of(secret: bytes, codes: list[str]) -> None:
    assert hmac_trouble(secret) == ""
    assert [warning.code for warning in hmac_weakness(secret)] == codes


@pytest.mark.parametrize(
    ("source", "family", "word"),
    [
        (EC_PEM, "rsa", "no RSA key"),
        (RSA_PEM, "ecdsa", "no elliptic curve key"),
        (rsa_key().as_pem(private=True), "rsa", "private key"),
        (b"secret", "rsa", "no public key"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "rsa", "no public key"),
    ],
)
def test_a_key_that_does_not_fit_its_family_is_refused(source: bytes, family: str, word: str) -> None:
    trouble = public_key(source, family)
    assert isinstance(trouble, str)
    assert word in trouble


def test_a_short_rsa_key_is_refused() -> None:
    trouble = public_key(pem(rsa.generate_private_key(65537, 1024).public_key()), "rsa")
    assert isinstance(trouble, str)
    assert "1024 bits" in trouble


def test_a_curve_without_an_algorithm_is_refused() -> None:
    key = generate_private_key(SECP256K1()).public_key()
    trouble = public_key(pem(key), "ecdsa")
    assert isinstance(trouble, str)
    assert "secp256k1" in trouble


@pytest.mark.parametrize(("curve", "algorithm"), [("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512")])
def test_a_curve_has_one_algorithm(curve: str, algorithm: str) -> None:
    key = public_key(public_pem(ec_key(curve)).encode(), "ecdsa")
    assert isinstance(key, EllipticCurvePublicKey)
    assert algorithm_of(key) == algorithm
