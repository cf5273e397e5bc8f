"""`jwt_source`: what a central JWT API verifies with, out of the forms Tyk takes (J-10, J-11, J-13).

A static HMAC secret in base64, a public key or certificate as PEM or in base64, or the URL of a key set. An issuer's
`key` takes the same forms but for the URL. Verifies and fetches nothing.
"""

import re
from base64 import b64decode
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from propylon.errors import Problem
from propylon.model.document_reader import DocumentReader
from propylon.model.public_keys import PublicKey, is_private_key, is_public_text, load_public_key
from propylon.model.session_secrets import PUBLIC_SECRETS
from propylon.model.signing_families import SigningFamily

FIELD: Final = "jwt_source"
RSA_BITS_MIN: Final = 2048  # RFC 7518 §3.3
HMAC_BYTES_MIN: Final = 32  # RFC 7518 §3.2, of HS256
CURVES: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}

_URL: Final = re.compile(rb"https?://", re.IGNORECASE)
_PEM: Final = b"-----BEGIN"


def read_static_key(
    reader: DocumentReader, path: str, family: SigningFamily, allowed: frozenset[str]
) -> tuple[bytes, list[Problem]]:
    """The secret, or the public key as PEM, at a field that holds no URL; and the warnings."""
    raw = decode_source(reader.text(path))
    if not raw:
        text = "is not base64; encode the secret or PEM, or give the PEM"
        reader.report(path, "jwt_source_undecodable", text)
        return b"", []
    if family != "hmac":
        return _public_key(reader, path, raw, family, allowed), []
    if trouble := hmac_trouble(raw):
        reader.report(path, "jwt_source_is_public_key", trouble)
    return raw, [warning._replace(path=reader.place(path)) for warning in hmac_weakness(raw)]


def _public_key(reader: DocumentReader, path: str, raw: bytes, family: str, allowed: frozenset[str]) -> bytes:
    key = public_key(raw, family)
    if isinstance(key, str):
        is_old = path == FIELD and b"-----BEGIN" not in raw
        hint = f" (a secret kept from before goes with ?clear={FIELD})" if is_old else ""
        reader.report(path, "jwt_source_unfit", key + hint)
        return b""
    algorithm = algorithm_of(key)
    if algorithm and algorithm not in allowed:
        field = "jwt_allowed_algorithms" if path == FIELD else "algorithms"
        text = f"leaves out {algorithm}, the only algorithm of the key in {path}; add it"
        reader.report(field, "jwt_algorithm_unfit", text)
    return pem(key)


def decode_source(text: str) -> bytes | None:
    """A PEM as it stands, anything else from base64; None when that cannot be read."""
    stripped = text.strip()
    try:
        raw = stripped.encode()
        return raw if raw.startswith(_PEM) else b64decode(b"".join(raw.split()), validate=True)
    except ValueError:
        return None


def names_key_set(text: str) -> bool:
    return bool(key_set_url(text))


def key_set_url(text: str) -> str:
    """The URL, given plain or in base64 (F-1: both, on every request); "" when it is none."""
    try:
        plain = text.strip().encode()
    except UnicodeEncodeError:
        return ""
    for form in (plain, decode_source(text) or b""):
        if _URL.match(form):
            return form.decode("latin-1").strip()
    return ""


def hmac_trouble(secret: bytes) -> str:
    """F-4: a public key as HMAC secret is a secret that everybody has; "" when there is none."""
    if is_public_text(secret):
        return 'is a public key, and jwt_signing_method is "hmac"; write its family, or give a secret'
    return ""


def hmac_weakness(secret: bytes) -> list[Problem]:
    """A warning, unless `strict_secrets` says otherwise (design §10)."""
    if secret.decode("latin-1").lower() in PUBLIC_SECRETS:
        return [Problem(FIELD, "secret_public", "is publicly known, so anyone can sign tokens; use a random one")]
    if len(secret) < HMAC_BYTES_MIN:
        text = f"has {len(secret)} bytes; use at least {HMAC_BYTES_MIN} random ones (RFC 7518 §3.2)"
        return [Problem(FIELD, "secret_short", text)]
    return []


def public_key(source: bytes, family: str) -> PublicKey | str:
    """The key that verifies tokens of the family, or the trouble with it."""
    if is_private_key(source):
        return "holds a private key, which must not leave its signer; give the public key"
    key = load_public_key(source)
    if key is None:
        return "is no public key or certificate that can be used; give its PEM, as it stands or in base64"
    return _misfit(key, family) or key


def pem(key: PublicKey) -> bytes:
    """One form, whatever was given: certificates and DER too."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def algorithm_of(key: PublicKey) -> str:
    """What a key of this curve signs with; "" for RSA, where any algorithm of the family may."""
    return CURVES.get(key.curve.name, "") if isinstance(key, EllipticCurvePublicKey) else ""


def _misfit(key: PublicKey, family: str) -> str:
    if family == "eddsa":
        return "" if isinstance(key, Ed25519PublicKey) else "is no Ed25519 key; give one, or choose its signing method"
    if family == "rsa":
        if not isinstance(key, RSAPublicKey):
            return "is no RSA key; give one, or choose its signing method"
        if key.key_size < RSA_BITS_MIN:
            return f"is an RSA key of {key.key_size} bits; make one of at least {RSA_BITS_MIN}"
        return ""
    if not isinstance(key, EllipticCurvePublicKey):
        return "is no elliptic curve key; give one, or choose its signing method"
    return "" if key.curve.name in CURVES else f"is on the curve {key.curve.name}; ES256/384/512 use P-256/384/521"
