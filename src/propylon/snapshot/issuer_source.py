"""Where an issuer's key set comes from, and how one API reads it. Values only; fetches and parses nothing."""

from typing import Final, NamedTuple

from propylon.model.issuer_settings import IssuerSettings
from propylon.model.signing_families import FAMILIES

HMAC: Final = frozenset(FAMILIES["hmac"])


class Source(NamedTuple):
    """One URL."""

    url: str  # of the key set, or of the OpenID configuration that names it
    openid_issuer: str | None = None  # what that configuration must give as its issuer; None: `url` is the key set's
    cache_timeout_s: float | None = None  # None = what the answer says

    @property
    def name(self) -> str:
        """What the meters know the set by. A URL holds no blank, so no two sources share a name."""
        return self.url if self.openid_issuer is None else f"{self.url} {self.openid_issuer}"


class Reading(NamedTuple):
    """What an API makes of a set that others may read in another way."""

    algorithms: frozenset[str] | None  # None = all that fit a public key
    allow_secrets: bool  # only where nothing but HMAC is allowed: no key can be taken for one of another family

    def allows(self, alg: str) -> bool:
        return alg in self.algorithms if self.algorithms is not None else alg not in HMAC


def sources_of(issuer: IssuerSettings) -> tuple[Source, ...]:
    """In the order in which they are searched (J-19); none for an issuer with a key of its own."""
    if issuer.openid_configuration:
        return (Source(issuer.openid_configuration, issuer.issuer, issuer.cache_timeout_s),)
    return tuple(Source(url, None, issuer.cache_timeout_s) for url in issuer.jwks_uris)


def reading_of(issuer: IssuerSettings) -> Reading:
    """An issuer that says neither algorithms nor family is read for public keys."""
    of_family = next((frozenset(names) for family, names in FAMILIES.items() if family == issuer.family), None)
    algorithms = issuer.algorithms or of_family
    if algorithms is not None and of_family is not None:
        algorithms &= of_family
    return Reading(algorithms, allow_secrets=algorithms is not None and algorithms <= HMAC)
