"""Tokens that no gateway may let in, minted for one API. Only makes them; what becomes of them is `audit_issuers`.

Each is as good as can be but for one thing. How good that is depends on what was given: a sound token to start from,
or the true signing key, with which a signature is right and only the rest is wrong.
"""

import hmac
import json
from collections.abc import Iterator, Mapping
from secrets import token_bytes
from typing import Any, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from propylon.cli.signing import ALGORITHMS, Signer, assembled, base64url, secret_signer, signed, signer_of
from propylon.model.session_secrets import PUBLIC_SECRETS

HUGE: Final = 2000  # characters; the head stays one that gateways take
YEARS_S: Final = 10 * 365 * 86_400
SIGNATURE_BYTES: Final = {"RS256": 256, "PS256": 256, "ES256": 64, "ES384": 96, "ES512": 132, "EdDSA": 64}


class Aim(NamedTuple):
    """What a sound token for the API looks like, as far as that is known."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    token: str  # "" when none was given
    signer: Signer | None  # the true key, None when it was not given
    public_keys: tuple[bytes, ...]  # verifying keys that everybody can read, in the forms they are written in
    issuers: tuple[str, ...]  # that the API names, other than the sound token's
    decoy_url: str  # of a key set that nothing may fetch


class Hostile(NamedTuple):
    attack: str
    token: str


class Stranger:
    """Somebody with keys of every kind, none of which the API trusts."""

    def __init__(self) -> None:
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        keys = (self.rsa, *(ec.generate_private_key(curve()) for curve in (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)))
        made = [signer_of(key) for key in (*keys, ed25519.Ed25519PrivateKey.generate())]
        self._signers = [*(one for one in made if isinstance(one, Signer)), secret_signer(token_bytes(64))]

    def signer(self, algorithm: str) -> Signer:
        return next(one for one in self._signers if algorithm in one.algorithms)


def hostile_tokens(aim: Aim, now: int) -> Iterator[Hostile]:
    stranger = Stranger()
    yield from _unsigned(aim)
    yield from _by_a_stranger(aim, stranger)
    yield from _by_a_public_key(aim)
    yield from _by_a_known_secret(aim)
    yield from _bringing_its_key(aim, stranger)
    yield from _altered(aim)
    if aim.signer is not None:
        yield from _signed_truly(aim, aim.signer, now)


def sound_token(aim: Aim) -> str:
    """One that must pass, so that the refusals of the others mean something; "" when nothing was given to make it."""
    if aim.token or aim.signer is None:
        return aim.token
    return signed(aim.header, aim.claims, aim.signer)


def _unsigned(aim: Aim) -> Iterator[Hostile]:
    for alg in ("none", "None", "NONE", "nOnE", ""):
        yield Hostile("alg none", assembled({**aim.header, "alg": alg}, aim.claims, b""))
    yield Hostile("no signature", assembled(aim.header, aim.claims, b""))
    for alg, size in SIGNATURE_BYTES.items():
        yield Hostile("signature of zeros", assembled({**aim.header, "alg": alg}, aim.claims, bytes(size)))


def _by_a_stranger(aim: Aim, stranger: Stranger) -> Iterator[Hostile]:
    """Another issuer's key under the same kid, with every algorithm: swaps among them."""
    for alg in ALGORITHMS:
        yield Hostile(
            f"other key, same kid, {alg}", signed({**aim.header, "alg": alg}, aim.claims, stranger.signer(alg))
        )


def _by_a_public_key(aim: Aim) -> Iterator[Hostile]:
    """CVE-2016-5431 and its kin: what verifies RS256 taken as the secret of HS256."""
    for key in aim.public_keys:
        for alg in ("HS256", "HS384", "HS512"):
            header = {**aim.header, "alg": alg}
            yield Hostile("HMAC with the public key", _hmac(header, aim.claims, key))


def _by_a_known_secret(aim: Aim) -> Iterator[Hostile]:
    header = {**aim.header, "alg": "HS256"}
    yield Hostile("HMAC with the empty secret", _hmac(header, aim.claims, b""))
    for secret in sorted(PUBLIC_SECRETS):
        yield Hostile("HMAC with a publicly known secret", _hmac(header, aim.claims, secret.encode()))


def _bringing_its_key(aim: Aim, stranger: Stranger) -> Iterator[Hostile]:
    """RFC 8725 §3.10: keys come from the gateway's settings, never from the token."""
    numbers = stranger.rsa.public_key().public_numbers()
    modulus = numbers.n.to_bytes(256, "big")
    jwk = {
        "kty": "RSA",
        "n": base64url(modulus),
        "e": "AQAB",
        "alg": "RS256",
        "use": "sig",
        "kid": aim.header.get("kid"),
    }
    members: Mapping[str, Any] = {
        "embedded jwk": {"jwk": {name: value for name, value in jwk.items() if value is not None}},
        "jku": {"jku": aim.decoy_url},
        "x5u": {"x5u": aim.decoy_url},
        "kid as a URL": {"kid": aim.decoy_url},
        "kid as a path": {"kid": "../../../../dev/null"},
    }
    for attack, more in members.items():
        header = {**aim.header, "alg": "RS256", **more}
        yield Hostile(attack, signed(header, aim.claims, stranger.signer("RS256")))
    header = {**aim.header, "alg": "HS256", "kid": "../../../../dev/null"}
    yield Hostile("kid as a path", _hmac(header, aim.claims, b""))


def _altered(aim: Aim) -> Iterator[Hostile]:
    if not aim.token:
        return
    header, _, signature = aim.token.split(".")
    other = assembled(aim.header, {**aim.claims, "sub": "somebody else"}, b"").split(".")[1]
    yield Hostile("other claims, same signature", f"{header}.{other}.{signature}")
    yield Hostile("signature cut off", aim.token.rpartition(".")[0] + ".")
    yield Hostile("a fourth part", aim.token + "." + signature)
    yield Hostile("alg none, rest as it was", assembled({**aim.header, "alg": "none"}, aim.claims, b""))


def _signed_truly(aim: Aim, signer: Signer, now: int) -> Iterator[Hostile]:
    """By the true key, so that nothing but the fault named is in the way."""
    alg = str(aim.header["alg"])

    def truly(attack: str, claims: Mapping[str, Any] | bytes = aim.claims, **header: Any) -> Hostile:
        return Hostile(attack, signed({**aim.header, **header}, claims, signer, alg))

    yield truly("expired", {**aim.claims, "exp": now - YEARS_S})
    yield truly("expired, exp: 0", {**aim.claims, "exp": 0})
    yield truly("not valid yet", {**aim.claims, "nbf": now + YEARS_S})
    yield truly("exp as a text", {**aim.claims, "exp": str(now + YEARS_S)})
    yield truly("duplicate claims", _twice(aim))
    yield truly("huge kid", kid="k" * HUGE)
    yield truly("kid is a number", kid=1)
    yield truly("crit", crit=["exp"])
    yield truly("b64: false", b64=False)
    yield truly("true signature, alg none", alg="none")
    for issuer in aim.issuers:
        yield truly("one issuer's key in another's name", {**aim.claims, "iss": issuer})
    if aim.issuers:
        yield truly("an issuer nobody knows", {**aim.claims, "iss": "https://nobody.invalid"})


def _hmac(header: Mapping[str, Any], claims: Mapping[str, Any], secret: bytes) -> str:
    """By hand: a library refuses the empty secret, which an attacker's does not."""
    signing_input = assembled(header, claims, b"").rpartition(".")[0]
    digest = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}[header["alg"]]
    return f"{signing_input}.{base64url(hmac.digest(secret, signing_input.encode(), digest))}"


def _twice(aim: Aim) -> bytes:
    """`sub` twice: two readers of it would take it for two callers."""
    once = json.dumps({**aim.claims, "sub": aim.claims.get("sub", "nobody")})
    return b'{"sub": "somebody else", ' + once.removeprefix("{").encode()
