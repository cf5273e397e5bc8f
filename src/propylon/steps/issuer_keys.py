"""IssuerKeys: the keys that issuers publish, as the JWT step sees them. Fetching them is `snapshot/issuers.py`."""

from typing import Final, Protocol

from propylon.jose.verification import VerificationRecord
from propylon.model.issuer_settings import IssuerSettings

UNAVAILABLE: Final = "jwks_unavailable"
KID_UNKNOWN: Final = "jwks_kid_unknown"
KID_MISSING: Final = "jwt_kid_missing"
ALGORITHM: Final = "jwt_alg_not_allowed"


class IssuerKeys(Protocol):
    """Live in a worker; explain has one that never fetches. Both may raise StoreUnavailable."""

    async def record(self, issuer: IssuerSettings, kid: str | None, alg: str) -> VerificationRecord | str:
        """What verifies a token with that `kid` and `alg`, or the reason for which nothing does.

        Without a `kid`, the issuer's only key of that family (OpenID Connect Core §10.1); of several, none.
        May wait up to `jwks_wait_s` for a set to be fetched.
        """
        ...

    async def holds(self, issuer: IssuerSettings, record: VerificationRecord) -> bool:
        """Whether the newest key set of the issuer has this very key: cheap, to be asked on every use of it."""
        ...

    def distrust(self) -> None:
        """What is at hand may have been dropped: the next use asks the meters, whatever was asked a moment ago."""
        ...
