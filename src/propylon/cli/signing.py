"""Tokens made as their holder makes them: a header, claims, a key. Anything may be signed; judging is the gateway's."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

ALGORITHMS: Final = (
    *("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
_CURVES: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


class Signer(NamedTuple):
    key: Any  # joserfc's
    algorithms: tuple[str, ...]  # that this key can sign with; the first is the usual one


def secret_signer(secret: bytes) -> Signer:
    """The bytes are the HMAC key as they stand. Not import_key, which warns of short ones: the gateway does."""
    return Signer(OctKey(secret, secret), tuple(name for name in ALGORITHMS if name.startswith("HS")))


def pem_signer(pem: bytes) -> Signer | str:
    """A private key without a password, or why it is none that signs JWTs."""
    try:
        key = load_pem_private_key(pem, None)
    except TypeError:
        return "is under a password; give it without one, from a pipe if need be"
    except (ValueError, UnsupportedAlgorithm):
        return "is no private key in PEM"
    return signer_of(key)


def signer_of(key: object) -> Signer | str:
    if isinstance(key, RSAPrivateKey):
        return Signer(RSAKey(key, key), tuple(name for name in ALGORITHMS if name[:2] in ("RS", "PS")))
    if isinstance(key, EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return Signer(ECKey(key, key), (_CURVES[key.curve.name],))
    if isinstance(key, Ed25519PrivateKey):
        return Signer(OKPKey(key, key), ("EdDSA",))
    return "is a key of a kind that signs no JWTs"


def signed(header: Mapping[str, Any], claims: Mapping[str, Any] | bytes, signer: Signer, algorithm: str = "") -> str:
    """`algorithm` is what is signed with when the header shall say something else."""
    signing_input = f"{_part(header)}.{_part(claims)}"
    signature = JWSRegistry.algorithms[algorithm or header["alg"]].sign(signing_input.encode(), signer.key)
    return f"{signing_input}.{base64url(signature)}"


def assembled(header: Mapping[str, Any], claims: Mapping[str, Any], signature: bytes) -> str:
    """Parts that need not fit."""
    return f"{_part(header)}.{_part(claims)}.{base64url(signature)}"


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _part(value: Mapping[str, Any] | bytes) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return base64url(raw)
