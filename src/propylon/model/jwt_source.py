"""`jwt_source`: what a central JWT API verifies with, out of the forms Tyk takes (J-10, J-11, J-13).

A static HMAC secret in base64, a public key or certificate as PEM or in base64, or the URL of a key set, which this
version does not fetch. Verifies nothing.
"""

import re
from base64 import b64decode
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from propylon.errors import Problem
from propylon.model.session_secrets import PUBLIC_SECRETS

FIELD: Final = "jwt_source"
RSA_BITS_MIN: Final = 2048  # RFC 7518 §3.3
HMAC_BYTES_MIN: Final = 32  # RFC 7518 §3.2, of HS256
CURVES: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}

Key = PublicKeyTypes | CertificatePublicKeyTypes

_URL: Final = re.compile(rb"https?://", re.IGNORECASE)
_PEM: Final = b"-----BEGIN"
# PEM and SSH2 armour, OpenSSH blobs (base64 of a length and "ssh-…", "ecdsa-sha2-…", "sk-…"), a JWK or a set of them.
_PUBLIC_TEXT: Final = re.compile(
    rb'---- ?BEGIN |AAAA(?:B3NzaC1|C3NzaC1|E2VjZHNhLXNoYTIt|GnNrLX|InNrLW)|\A\s*[{\[].*"kty"', re.DOTALL
)


def decode_source(text: str) -> bytes | None:
    """A PEM as it stands, anything else from base64; None when that cannot be read."""
    stripped = text.strip()
    try:
        raw = stripped.encode()
        return raw if raw.startswith(_PEM) else b64decode(b"".join(raw.split()), validate=True)
    except ValueError:
        return None


def names_key_set(text: str) -> bool:
    """A URL, plain or in base64 (F-1: both, on every request)."""
    try:
        plain = text.strip().encode()
    except UnicodeEncodeError:
        return False
    return _URL.match(plain) is not None or _URL.match(decode_source(text) or b"") is not None


def hmac_trouble(secret: bytes) -> str:
    """F-4: a public key as HMAC secret is a secret that everybody has; "" when there is none."""
    forms = [secret, secret.rstrip(b"\r\n"), decode_source(secret.decode("latin-1")) or b""]
    if any(_PUBLIC_TEXT.search(form) or not isinstance(_load_public(form), str) for form in forms):
        return 'is a public key, and jwt_signing_method is "hmac"; write "rsa" or "ecdsa", or give a secret'
    return ""


def hmac_weakness(secret: bytes) -> list[Problem]:
    """A warning, unless `strict_secrets` says otherwise (design §10)."""
    if secret.decode("latin-1").lower() in PUBLIC_SECRETS:
        return [Problem(FIELD, "secret_public", "is publicly known, so anyone can sign tokens; use a random one")]
    if len(secret) < HMAC_BYTES_MIN:
        text = f"has {len(secret)} bytes; use at least {HMAC_BYTES_MIN} random ones (RFC 7518 §3.2)"
        return [Problem(FIELD, "secret_short", text)]
    return []


def public_key(source: bytes, family: str) -> Key | str:
    """The key that verifies tokens of the family, or the trouble with it."""
    if b"PRIVATE KEY" in source:
        return "holds a private key, which must not leave its signer; give the public key"
    key = _load_public(source)
    if isinstance(key, str):
        return key
    return _misfit(key, family) or key


def pem(key: Key) -> bytes:
    """One form, whatever was given: certificates and DER too."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def algorithm_of(key: Key) -> str:
    """What a key of this curve signs with; "" for RSA, where any algorithm of the family may."""
    return CURVES.get(key.curve.name, "") if isinstance(key, EllipticCurvePublicKey) else ""


def _misfit(key: Key, family: str) -> str:
    if family == "rsa":
        if not isinstance(key, RSAPublicKey):
            return 'is no RSA key; give one, or set jwt_signing_method to "ecdsa"'
        if key.key_size < RSA_BITS_MIN:
            return f"is an RSA key of {key.key_size} bits; make one of at least {RSA_BITS_MIN}"
        exponent = key.public_numbers().e
        return "" if exponent % 2 and exponent > 1 else f"has the public exponent {exponent}; make one with 65537"
    if not isinstance(key, EllipticCurvePublicKey):
        return 'is no elliptic curve key; give one, or set jwt_signing_method to "rsa"'
    return "" if key.curve.name in CURVES else f"is on the curve {key.curve.name}; ES256/384/512 use P-256/384/521"


def _load_public(source: bytes) -> Key | str:
    """J-10: a public key first, else the key of a certificate."""
    is_pem = source.lstrip().startswith(_PEM)
    loaders = (_key_of_pem, _key_of_pem_certificate) if is_pem else (load_der_public_key, _key_of_der_certificate)
    for load in loaders:
        try:
            return load(source)
        except (ValueError, UnsupportedAlgorithm):
            continue
    return "is no public key or certificate; give its PEM, as it stands or in base64"


def _key_of_pem(source: bytes) -> Key:
    return load_pem_public_key(source)


def _key_of_pem_certificate(source: bytes) -> Key:
    return x509.load_pem_x509_certificate(source).public_key()


def _key_of_der_certificate(source: bytes) -> Key:
    return x509.load_der_x509_certificate(source).public_key()
