"""One JSON Web Key (RFC 7517, 7518 §6, 8037) made a verification record, or the Problem for which it is not used.

Strict where a mistake would let somebody in: a key that publishes its private half, that is for encryption, that is
weak or of an unknown kind verifies nothing. Knows no set, no issuer and no token.
"""

from base64 import b64decode
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from propylon.errors import Problem
from propylon.jose.verification import Family, VerificationRecord, from_public_key, from_secret
from propylon.model.public_keys import PublicKey, load_public_key
from propylon.model.signing_families import FAMILIES

FAMILY_BY_KIND: Final[Mapping[str, Family]] = {"RSA": "rsa", "EC": "ecdsa", "OKP": "eddsa", "oct": "hmac"}
PRIVATE_MEMBERS: Final = ("d", "p", "q", "dp", "dq", "qi", "oth")  # RFC 7518 §6.2.2, §6.3.2; RFC 8037 §2
HASH_BYTES: Final = {"HS256": 32, "HS384": 48, "HS512": 64}  # RFC 7518 §3.2: a key is no shorter than its hash
_CURVES: Final = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}


def record_of_jwk(
    jwk: object, *, id: str, algorithms: Collection[str] | None = None, allow_secret: bool = False
) -> VerificationRecord | Problem:
    """`algorithms` narrows what the key may be used with (None = all that fit), and so does its own `alg`."""
    if not isinstance(jwk, dict):
        return Problem("", "jwk_malformed", "is no JSON object; write a JWK (RFC 7517)")
    family = FAMILY_BY_KIND.get(jwk["kty"]) if isinstance(jwk.get("kty"), str) else None
    if family is None:
        return Problem("kty", "jwk_kind_unknown", f"is none of {', '.join(FAMILY_BY_KIND)}; give a key of those kinds")
    trouble = _purpose_trouble(jwk) or _algorithm_trouble(jwk, family)
    if trouble is not None:
        return trouble
    allowed = _allowed(jwk, family, algorithms)
    if family == "hmac":
        return _secret(jwk, id, allowed, allow_secret=allow_secret)
    return _public(jwk, family, id, allowed)


def _purpose_trouble(jwk: Mapping[str, Any]) -> Problem | None:
    if jwk.get("use", "sig") != "sig":
        return Problem(
            "use", "jwk_not_for_signatures", 'is not "sig", so the key verifies no tokens; give one that does'
        )
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return Problem("key_ops", "jwk_not_for_signatures", 'leaves out "verify"; give a key that may verify')
    return None


def _algorithm_trouble(jwk: Mapping[str, Any], family: Family) -> Problem | None:
    if "alg" in jwk and jwk["alg"] not in FAMILIES[family]:
        text = f"is no algorithm of this kind of key; leave it out or write one of {', '.join(FAMILIES[family])}"
        return Problem("alg", "jwk_algorithm_unfit", text)
    return None


def _allowed(jwk: Mapping[str, Any], family: Family, algorithms: Collection[str] | None) -> Collection[str]:
    fitting = set(FAMILIES[family] if algorithms is None else algorithms)
    if "alg" not in jwk:
        return fitting
    return fitting & (set(FAMILIES["eddsa"]) if family == "eddsa" else {jwk["alg"]})  # EdDSA has two names


def _secret(
    jwk: Mapping[str, Any], id: str, allowed: Collection[str], *, allow_secret: bool
) -> VerificationRecord | Problem:
    if not allow_secret:
        text = "is a shared secret, and whoever can read it can sign; publish a public key"
        return Problem("kty", "jwk_secret_published", text)
    secret = _octets(jwk, "k")
    if secret is None:
        return Problem("k", "jwk_malformed", "is no base64url; write the secret so")
    long_enough = {name for name in allowed if HASH_BYTES.get(name, 0) <= len(secret)}
    if allowed and not long_enough:
        needed = min(HASH_BYTES.get(name, 0) for name in allowed)
        return Problem("k", "jwk_weak", f"has {len(secret)} bytes; make a secret of at least {needed} (RFC 7518 §3.2)")
    return from_secret(secret, id=id, algorithms=long_enough)


def _public(jwk: Mapping[str, Any], family: Family, id: str, allowed: Collection[str]) -> VerificationRecord | Problem:
    leaked = [name for name in PRIVATE_MEMBERS if name in jwk]
    if leaked:
        text = (
            "is part of the private key, so anyone who read it can sign; withdraw this key and publish its public half"
        )
        return Problem(leaked[0], "jwk_is_private", text)
    try:
        key = _READERS[family](jwk)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    key = key or _legacy_key(jwk)
    if key is None:
        return Problem(
            "", "jwk_malformed", f"holds no key of kind {jwk['kty']} that can be read; write it as RFC 7518 §6 says"
        )
    record = from_public_key(key, family=family, id=id, algorithms=allowed)
    if isinstance(record, Problem) and record.code == "jwt_key_weak":
        return record._replace(path="n", code="jwk_weak")
    return record


def _octets(jwk: Mapping[str, Any], member: str) -> bytes | None:
    """Base64url; padding, which RFC 7515 §2 forbids and some issuers write, changes nothing."""
    text = jwk.get(member)
    if not isinstance(text, str):
        return None
    bare = text.rstrip("=")
    try:
        return b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None


def _number(jwk: Mapping[str, Any], member: str) -> int:
    octets = _octets(jwk, member)
    if octets is None:
        raise ValueError(f"{member} is no base64url")
    return int.from_bytes(octets)


def _rsa(jwk: Mapping[str, Any]) -> PublicKey:
    return rsa.RSAPublicNumbers(_number(jwk, "e"), _number(jwk, "n")).public_key()


def _elliptic(jwk: Mapping[str, Any]) -> PublicKey:
    """cryptography refuses a point that is not on the curve (RFC 8725 §3.4)."""
    curve = _CURVES.get(jwk["crv"]) if isinstance(jwk.get("crv"), str) else None
    if curve is None:
        raise ValueError("no curve of ours")
    return ec.EllipticCurvePublicNumbers(_number(jwk, "x"), _number(jwk, "y"), curve).public_key()


def _edwards(jwk: Mapping[str, Any]) -> PublicKey:
    if jwk.get("crv") != "Ed25519":
        raise ValueError("no curve of ours")
    return ed25519.Ed25519PublicKey.from_public_bytes(_octets(jwk, "x") or b"")


_READERS: Final[Mapping[Family, Callable[[Mapping[str, Any]], PublicKey]]] = {
    "rsa": _rsa,
    "ecdsa": _elliptic,
    "eddsa": _edwards,
}


def _legacy_key(jwk: Mapping[str, Any]) -> PublicKey | None:
    """J-20: where RFC 7518's members cannot be read, the first of `x5c` may be a PEM or a certificate in base64."""
    chain = jwk.get("x5c")
    if not isinstance(chain, list) or not chain or not isinstance(chain[0], str):
        return None
    try:
        return load_public_key(b64decode(chain[0], validate=True))
    except ValueError:
        return None
