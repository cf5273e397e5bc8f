"""The section "JWT signing key" of the forms: what a client's tokens are checked with (user-pains P2, P7).

A secret may be made here; it is then shown once, with the key.
"""

from secrets import token_urlsafe
from typing import Final, NamedTuple

from propylon.dashboard.forms import Form
from propylon.dashboard.key_choices import ApiChoice
from propylon.model.session_secrets import HMAC_SECRET_MIN_BYTES, JWT_ALGORITHMS

SECRET_BYTES: Final = 64  # enough for HS512 (RFC 7518 §3.2)
MATERIALS: Final = (
    ("generate", "Generate a secret for me"),
    ("secret", "I have a secret"),
    ("pem", "My client has a key pair: I paste its public key"),
)
PASTED_PRIVATE: Final = "This is a private key. Keep it; paste the public one (openssl pkey -in key.pem -pubout)."
PEM_MARK: Final = "-----BEGIN "


class Signing(NamedTuple):
    """What the section came to."""

    algorithm: str
    text: str  # secret or PEM
    is_made: bool = False  # here, so that it has to be shown

    @property
    def is_secret(self) -> bool:
        return bool(self.text) and PEM_MARK not in self.text


def read_signing(form: Form, apis: list[ApiChoice], errors: dict[str, str]) -> Signing | None:
    """None when the key shall verify no tokens. `apis`: those that the key opens."""
    if not form.text("is_jwt"):
        return None
    algorithm = form.text("algorithm") or preset_algorithm(apis)
    if algorithm not in JWT_ALGORITHMS:
        errors["algorithm"] = "Choose one of these."
        return None
    material = form.text("material")
    if material == "generate":
        return _generated(algorithm, errors)
    text = form.exact("secret") if material == "secret" else form.text("pem")
    if material not in ("secret", "pem"):
        errors["material"] = "Choose where the secret or public key comes from."
    elif not text.strip():
        errors[material] = "Write the secret." if material == "secret" else "Paste the public key, in PEM."
    elif material == "secret" and PEM_MARK in text:
        errors["secret"] = "This is a key in PEM, not a secret: choose the public key instead, and paste it there."
    elif material == "pem" and PEM_MARK not in text:
        errors["pem"] = "This is not PEM: it begins with -----BEGIN PUBLIC KEY-----."
    elif material == "pem" and "PRIVATE KEY" in text:
        errors["pem"] = PASTED_PRIVATE
    elif (material == "secret") is not (algorithm in HMAC_SECRET_MIN_BYTES):
        errors["algorithm"] = _unfit(algorithm)
    else:
        return Signing(algorithm, text)
    return None


def preset_algorithm(apis: list[ApiChoice]) -> str:
    """What the first of the APIs expects that ask for it."""
    return next((one.algorithm for one in apis if one.algorithm), "HS256")


def mismatches(signing: Signing | None, apis: list[ApiChoice]) -> list[str]:
    """On which of them tokens signed so are refused, in words."""
    if signing is None:
        return []
    return [
        f"{one.name} takes tokens signed with {', '.join(sorted(one.algorithms))}; those signed with "
        f"{signing.algorithm} are refused there."
        for one in apis
        if one.auth == "per_key" and signing.algorithm not in one.algorithms
    ]


def _generated(algorithm: str, errors: dict[str, str]) -> Signing | None:
    if algorithm in HMAC_SECRET_MIN_BYTES:
        return Signing(algorithm, token_urlsafe(SECRET_BYTES), is_made=True)
    errors["material"] = (
        f"{algorithm} uses a key pair, whose private half only your client should have: make it there "
        "(openssl genpkey), and paste the public key here."
    )
    return None


def _unfit(algorithm: str) -> str:
    if algorithm in HMAC_SECRET_MIN_BYTES:
        return f"{algorithm} uses a secret, and you paste a public key; choose the method that your client signs with."
    return f"{algorithm} uses a key pair, and you give a secret; choose HS256, HS384 or HS512."
