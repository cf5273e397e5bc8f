"""IssuerSettings: whose tokens an API takes, what verifies them, and what they may ask for at most (J-12, F-7, F-31).

Fetches no key set and verifies no token.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """One of an API's issuers, as it applies: what the issuer leaves out is what the definition says.

    Exactly one of the three sources of keys is set.
    """

    issuer: str  # what `iss` must say; "" = any: the one key or key set of jwt_source and jwt_jwks_uris
    jwks_uris: tuple[str, ...] = ()
    openid_configuration: str = ""
    key: bytes = field(default=b"", repr=False)  # HMAC secret or PEM public key
    algorithms: frozenset[str] = frozenset()  # empty = every one of the family
    audiences: tuple[str, ...] = ()  # empty = any
    subject_claims: tuple[str, ...] = ()  # the first that is there, else `sub`
    policy_claims: tuple[str, ...] = ()  # the first that names a policy
    scope_claim: str = "scope"
    scope_to_policy: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    default_policies: tuple[str, ...] = ()
    policy_ceiling: frozenset[str] | None = None  # policies its tokens can be given; None = no ceiling
    family: str = ""  # of signing methods; "" = any
    cache_timeout_s: float | None = None  # None = what the key set's answer says
