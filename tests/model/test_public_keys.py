"""Public keys, loaded and recognised."""

import base64
import secrets
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from propylon.model.public_keys import is_private_key, is_public_text, load_public_key
from tests.jose.key_forms import EVERY_PUBLIC_FORM, KEYS, AsymmetricKey, certificate, der, modulus, pem, rsa_der
from tests.kit.tokens import ec_key, rsa_key

Form = Callable[[AsymmetricKey], bytes]


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("form", [pem, der])
def test_a_public_key_is_loaded_from_pem_and_der(key: AsymmetricKey, form: Form) -> None:
    assert load_public_key(form(key)) == key.public_key


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_the_key_of_a_certificate_is_loaded(encoding: Encoding) -> None:
    assert load_public_key(certificate(ec_key()).public_bytes(encoding)) == ec_key().public_key


@pytest.mark.parametrize("exponent", [1, 2, 4, 65536, modulus() + 2], ids=["1", "2", "4", "even", "huge"])
def test_an_rsa_key_with_an_impossible_exponent_is_no_key(exponent: int) -> None:
    assert load_public_key(rsa_der(modulus(), 65537)) == rsa_key().public_key
    assert load_public_key(rsa_der(modulus(), exponent)) is None


def test_a_private_key_beside_a_public_one_spoils_it() -> None:
    assert load_public_key(pem(ec_key()) + ec_key().as_pem(private=True)) is None


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize("cover", [NoEncryption(), BestAvailableEncryption(b"password")], ids=["open", "encrypted"])
def test_a_private_key_is_told_from_a_public_one(
    key: AsymmetricKey, encoding: Encoding, cover: KeySerializationEncryption
) -> None:
    assert key.private_key is not None
    data = key.private_key.private_bytes(encoding, PrivateFormat.PKCS8, cover)
    assert is_private_key(data)
    assert load_public_key(data) is None
    assert not is_private_key(der(key))
    assert not is_private_key(pem(key))


@pytest.mark.parametrize("secret", EVERY_PUBLIC_FORM.values(), ids=EVERY_PUBLIC_FORM)
def test_public_text_is_recognised_in_every_form(secret: bytes) -> None:
    assert is_public_text(secret)


@pytest.mark.parametrize("kind", [b"sk-ssh-ed25519@openssh.com", b"sk-ecdsa-sha2-nistp256@openssh.com"])
def test_the_public_key_of_a_security_key_is_recognised(kind: bytes) -> None:
    blob = base64.b64encode(len(kind).to_bytes(4, "big") + kind + bytes(range(64)))
    assert is_public_text(kind + b" " + blob)
    assert is_public_text(blob)


@pytest.mark.parametrize(
    "secret",
    [
        b"a-shared-secret-of-32-characters",
        b"Miss Marple's secret is hers alone",
        b"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
        b"eyes-only: the secret of the house",
        b'{"k": "a secret may look like JSON"}',
        b"0" * 64,
        b"\x30\x82\x01\x22 begins as DER does",
        base64.b64encode(b"\x30" * 48),
    ],
)
def test_a_secret_is_not_taken_for_a_public_key(secret: bytes) -> None:
    assert not is_public_text(secret)


@given(st.integers(1, 64))
def test_random_secrets_are_secrets(size: int) -> None:
    secret = secrets.token_bytes(size)
    assert not is_public_text(secret)
    assert not is_public_text(base64.b64encode(secret))


@given(st.binary() | st.binary().map(lambda data: b"\x30" + data) | st.binary().map(lambda data: b"-----BEGIN " + data))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    is_public_text(data)
    load_public_key(data)
    is_private_key(data)
