"""Families of signing algorithms, as `jwt_signing_method` names them (J-7), and `eddsa`, which Tyk does not have.

Names are told apart by case; whatever is not listed is no algorithm.
"""

from collections.abc import Collection, Mapping
from typing import Final, Literal

SigningFamily = Literal["hmac", "rsa", "ecdsa", "eddsa"]

FAMILIES: Final[Mapping[SigningFamily, tuple[str, ...]]] = {
    "hmac": ("HS256", "HS384", "HS512"),
    "rsa": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "ecdsa": ("ES256", "ES384", "ES512"),
    "eddsa": ("EdDSA", "Ed25519"),  # one algorithm; RFC 9864 gave it the second name
}
FAMILY_BY_ALGORITHM: Final[Mapping[str, SigningFamily]] = {
    name: family for family, names in FAMILIES.items() for name in names
}


def families_of(algorithms: Collection[str]) -> set[SigningFamily]:
    """Those of known algorithms."""
    return {FAMILY_BY_ALGORITHM[name] for name in algorithms if name in FAMILY_BY_ALGORITHM}
