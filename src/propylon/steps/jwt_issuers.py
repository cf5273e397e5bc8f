"""Central mode and issuers: the API says whose keys verify; `iss` only chooses among those it names (J-12, J-13, F-7).

A key is chosen by (issuer, kid, family), never by `kid` alone; what a key set holds today is asked of `IssuerKeys`.
Judges neither times nor claims.
"""

from typing import Any

from propylon.errors import Denial
from propylon.jose.token import Token
from propylon.jose.verification import VerificationRecord, from_pem, from_secret, verify
from propylon.jose.verified_tokens import VerifiedToken
from propylon.model.jwt_settings import IssuerSettings
from propylon.model.signing_families import FAMILY_BY_ALGORITHM
from propylon.steps.issuer_keys import IssuerKeys
from propylon.steps.jwt_refusals import NO_KID, UNEXPECTED_METHOD, UNKNOWN_ISSUER, refused
from propylon.steps.jwt_voucher import Voucher


class Issuers:
    """Those of one API."""

    def __init__(self, issuers: tuple[IssuerSettings, ...], issuer_keys: IssuerKeys) -> None:
        self._by_name = {issuer.issuer: issuer for issuer in issuers}
        self._anybody = self._by_name.get("")  # the one nameless issuer of central mode
        self._static = {issuer.issuer: _static_record(issuer) for issuer in issuers if issuer.key}
        self._issuer_keys = issuer_keys

    async def voucher(self, token: Token, claims: dict[str, Any]) -> Voucher | Denial:
        """What is read of the claims here is unverified, and decides nothing but whose keys are asked."""
        issuer = self._anybody or self._named(claims.get("iss"))
        if issuer is None:
            return UNKNOWN_ISSUER
        if token.alg not in issuer.algorithms:
            return UNEXPECTED_METHOD
        record: VerificationRecord | str | None = self._static.get(issuer.issuer)
        if record is None and token.kid is None:  # J-9: a key set is searched by `kid`
            return NO_KID
        if record is None:
            record = await self._issuer_keys.record(issuer, token.kid, token.alg)
        if isinstance(record, str):
            return refused(record)
        if (reason := verify(token, record)) is not None:
            return refused(reason)
        return Voucher(record, issuer, "", None)

    async def still_vouches(self, verified: VerifiedToken) -> bool:
        """Whether the key that has verified a token is still one of its issuer's."""
        issuer: IssuerSettings = verified.source
        return bool(issuer.key) or await self._issuer_keys.holds(issuer, verified.record)

    def _named(self, issuer: object) -> IssuerSettings | None:
        return self._by_name.get(issuer) if isinstance(issuer, str) else None


def _static_record(issuer: IssuerSettings) -> VerificationRecord:
    family = FAMILY_BY_ALGORITHM[min(issuer.algorithms)]
    record_id = issuer.issuer or "api"
    if family == "hmac":
        made = from_secret(issuer.key, id=record_id, algorithms=issuer.algorithms)
    else:
        made = from_pem(issuer.key, family=family, id=record_id, algorithms=issuer.algorithms)
    assert isinstance(made, VerificationRecord), made  # parse_api has refused what is no key
    return made
