"""Tokens and keys for tests. Keys are made once per process; nothing here checks anything."""

import base64
import functools
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

SECRET = "a-shared-secret-of-32-characters"

Key = OctKey | RSAKey | ECKey | OKPKey


@functools.cache
def rsa_key(size: int = 2048) -> RSAKey:
    made = rsa.generate_private_key(public_exponent=65537, key_size=size)
    return RSAKey.import_key(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@functools.cache
def ec_key(curve: str = "P-256") -> ECKey:
    return ECKey.generate_key(curve)


@functools.cache
def ed_key() -> OKPKey:
    return OKPKey.generate_key("Ed25519")


def secret_key(secret: str = SECRET) -> OctKey:
    return OctKey.import_key(secret.encode())


def public_pem(key: RSAKey | ECKey | OKPKey) -> str:
    return key.as_pem(private=False).decode()


def public_jwk(key: Key, **members: str) -> dict[str, Any]:
    """The public half as a JWK, with members such as kid, use and alg added."""
    return dict(key.as_dict(private=False)) | members


def sign(claims: Mapping[str, Any], key: Key, alg: str = "HS256", **header: Any) -> str:
    """A token signed as `alg` says; `header` adds to or replaces members of its header."""
    protected = {"alg": alg, "typ": "JWT"} | header
    return jws.serialize_compact(protected, json.dumps(claims).encode(), key, algorithms=[alg])


def hs256(claims: Mapping[str, Any], secret: str = SECRET, **header: Any) -> str:
    """By hand: a library refuses to sign with the empty secret, which is what an attacker would do."""
    parts = ({"alg": "HS256", "typ": "JWT"} | header, claims)
    signing_input = ".".join(_base64url(json.dumps(part).encode()) for part in parts)
    return f"{signing_input}.{_base64url(hmac.digest(secret.encode(), signing_input.encode(), 'sha256'))}"


def assembled(header: Mapping[str, Any], claims: Mapping[str, Any], signature: bytes = b"") -> str:
    """A token put together without a key: alg none, forged headers and the like."""
    return ".".join(_base64url(part) for part in (json.dumps(header).encode(), json.dumps(claims).encode(), signature))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
