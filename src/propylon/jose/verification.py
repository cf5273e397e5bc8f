"""Verification records: a key and the algorithms it may be used with, and the check of a token against one.

The record decides the algorithm, never the token: what a token's header says is only compared with the record's set
(RFC 8725 §3.1). Signatures are joserfc's; the checks of keys around them are ours. Where keys come from is not known.
"""

from collections.abc import Collection
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from propylon.errors import Problem
from propylon.jose.token import Token
from propylon.model.public_keys import PublicKey, is_private_key, is_public_text, load_public_key
from propylon.model.signing_families import FAMILIES, FAMILY_BY_ALGORITHM, SigningFamily

Family = SigningFamily

RSA_MIN_BITS: Final = 2048  # RFC 7518 §3.3

_ALGORITHM_BY_CURVE: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_CHECKS: Final = {name: JWSRegistry.algorithms[name].verify for name in FAMILY_BY_ALGORITHM}


class VerificationRecord:
    """Made by `from_secret` and `from_pem` only, which see to it that key and algorithms fit."""

    __slots__ = ("algorithms", "family", "id", "key")

    def __init__(self, id: str, family: Family, algorithms: frozenset[str], key: Any) -> None:
        self.id = id
        self.family = family
        self.algorithms = algorithms
        self.key = key  # joserfc's; for `verify` alone


def from_secret(secret: bytes, *, id: str, algorithms: Collection[str] | None = None) -> VerificationRecord | Problem:
    """The bytes are the HMAC key as they stand (J-11, J-14)."""
    if not secret:  # F-2: everybody can sign with it
        return Problem("", "jwt_secret_empty", "is empty; give a secret of at least 32 random bytes")
    if is_public_text(secret):
        text = "is a public key, so anyone could sign with it; choose the signing method rsa or ecdsa, or give a secret"
        return Problem("", "jwt_secret_is_public_key", text)
    # Not import_key: it parses the secret six times over, and warns where we have refused.
    return _record(id, "hmac", FAMILIES["hmac"], algorithms, OctKey(secret, secret))


def from_pem(
    data: bytes, *, family: Family, id: str, algorithms: Collection[str] | None = None
) -> VerificationRecord | Problem:
    """A public key or certificate, PEM or DER (J-10)."""
    key = load_public_key(data)
    return _unreadable(data) if key is None else from_public_key(key, family=family, id=id, algorithms=algorithms)


def from_public_key(
    key: PublicKey, *, family: Family, id: str, algorithms: Collection[str] | None = None
) -> VerificationRecord | Problem:
    """A key that has been read, from whatever form."""
    if family == "rsa" and isinstance(key, RSAPublicKey):
        return _rsa_trouble(key) or _record(id, family, FAMILIES["rsa"], algorithms, RSAKey(key, key))
    if family == "ecdsa" and isinstance(key, EllipticCurvePublicKey) and key.curve.name in _ALGORITHM_BY_CURVE:
        return _record(id, family, (_ALGORITHM_BY_CURVE[key.curve.name],), algorithms, ECKey(key, key))
    if family == "eddsa" and isinstance(key, Ed25519PublicKey):
        return _record(id, family, FAMILIES["eddsa"], algorithms, OKPKey(key, key))
    text = f"is {_kind_of(key)}, which {family} does not use; give another key or choose its signing method"
    return Problem("", "jwt_key_unfit", text)


def verify(token: Token, record: VerificationRecord) -> str | None:
    """None when the record's key has signed this token, else the reason."""
    if token.alg not in record.algorithms:
        return "jwt_alg_not_allowed"
    # HMACs are compared in constant time. An ECDSA signature is r and s at the curve's full length, each in [1, n-1].
    good = _CHECKS[token.alg](token.signing_input, token.signature, record.key)
    return None if good else "jwt_bad_signature"


def family_of(alg: str) -> Family | None:
    """J-7. None for `none` and for any name we do not know; names are told apart by case."""
    return FAMILY_BY_ALGORITHM.get(alg)


def _record(
    id: str, family: Family, fitting: Collection[str], allowed: Collection[str] | None, key: Any
) -> VerificationRecord | Problem:
    algorithms = frozenset(fitting if allowed is None else set(fitting) & set(allowed))
    if not algorithms:
        text = f"allows none of the algorithms that the key can be used with; add one of {', '.join(fitting)}"
        return Problem("", "jwt_algorithms_unfit", text)
    return VerificationRecord(id, family, algorithms, key)


def _unreadable(data: bytes) -> Problem:
    if is_private_key(data):
        return Problem("", "jwt_key_is_private", "is a private key, which belongs to the signer; give the public key")
    return Problem("", "jwt_key_unreadable", "is no public key and no certificate; give one as PEM or DER")


def _rsa_trouble(key: RSAPublicKey) -> Problem | None:
    if key.key_size >= RSA_MIN_BITS:
        return None
    return Problem("", "jwt_key_weak", f"has {key.key_size} bits; make an RSA key of at least {RSA_MIN_BITS}")


def _kind_of(key: PublicKey) -> str:
    if isinstance(key, EllipticCurvePublicKey):
        return f"an elliptic curve key on {key.curve.name}"
    return "an RSA key" if isinstance(key, RSAPublicKey) else "a key of another kind"
