import base64
import json

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.kit.tokens import assembled, ec_key, ed_key, hs256, public_jwk, public_pem, rsa_key, secret_key, sign


@pytest.mark.parametrize(
    ("key", "alg"), [(rsa_key(), "RS256"), (rsa_key(), "PS256"), (ec_key(), "ES256"), (ed_key(), "Ed25519")]
)
def test_a_signed_token_verifies_with_the_public_half(key: RSAKey | ECKey | OKPKey, alg: str) -> None:
    token = sign({"sub": "a"}, key, alg, kid="k")
    public = type(key).import_key(public_jwk(key, kid="k"))
    verified = jws.deserialize_compact(token, public, algorithms=[alg])
    assert json.loads(verified.payload or b"") == {"sub": "a"}
    assert verified.protected == {"alg": alg, "typ": "JWT", "kid": "k"}
    assert "PRIVATE" not in public_pem(key)
    assert "d" not in public_jwk(key)


def test_a_shared_secret_verifies_what_it_signed() -> None:
    assert jws.deserialize_compact(hs256({"a": 1}), secret_key(), algorithms=["HS256"]).payload == b'{"a": 1}'


def test_a_token_can_be_assembled_without_a_key() -> None:
    header, claims, signature = assembled({"alg": "none"}, {"sub": "a"}).split(".")
    assert (json.loads(base64.b64decode(header + "==")), signature) == ({"alg": "none"}, "")
    assert json.loads(base64.b64decode(claims + "==")) == {"sub": "a"}


def test_keys_are_made_once() -> None:
    assert rsa_key() is rsa_key()
    assert ec_key("P-384") is not ec_key()
