"""The claims of a verified token, judged by the rules of the API and of the issuer that vouched for it (§3.7).

Knows no key. A verdict about the rules is as good as the verified token that it becomes part of; times are compared on
every use.
"""

import logging
from dataclasses import replace
from typing import Any, Final

from propylon.errors import Denial
from propylon.jose.claim_rules import objection, waived
from propylon.jose.claims import check_times, good_between
from propylon.jose.token import Token
from propylon.jose.verified_tokens import VerifiedToken
from propylon.model.jwt_settings import ClaimRules, IssuerSettings, JwtSettings
from propylon.steps.jwt_refusals import objected
from propylon.steps.jwt_voucher import Voucher

NO_RULES: Final = ClaimRules()
log = logging.getLogger("propylon.jwt")


class JwtClaims:
    """Of one API."""

    def __init__(self, api_id: str, settings: JwtSettings) -> None:
        self._api_id = api_id
        self._skews = {
            "exp_skew": settings.expires_at_skew_s,
            "iat_skew": settings.issued_at_skew_s,
            "nbf_skew": settings.not_before_skew_s,
        }
        identity = settings.identity_base_field
        self._own = IssuerSettings(
            "", subject_claims=(identity,) if identity else (), audiences=settings.claims.audiences
        )
        self._rules = {
            issuer.audiences: rules
            for issuer in (self._own, *settings.issuers)
            if (rules := replace(settings.claims, audiences=issuer.audiences)) != NO_RULES
        }
        self._noted: dict[str, int] = {}  # failures of rules that do not block, by their text

    def judged(self, token: Token, claims: dict[str, Any], voucher: Voucher, now: int) -> VerifiedToken | Denial:
        """What may be kept of the token: until its `exp`, or until what vouched for it is over."""
        if (late := self.check_times(claims, now)) is not None:
            return late
        issuer = self._own if voucher.found is not None else voucher.source
        rules = self._rules.get(issuer.audiences)
        if rules is not None:
            found = objection(claims, token.header.get("typ"), rules, issuer.subject_claims)
            if found is not None:
                return objected(*found)
            self._note(claims, rules)
        good_from, good_until = good_between(claims, **self._skews)
        if voucher.found is not None and voucher.source[0].retire_at:
            good_until = min(good_until, voucher.source[0].retire_at)
        return VerifiedToken(claims, voucher.record, voucher.key_hash, good_from, good_until, voucher.source)

    def check_times(self, claims: dict[str, Any], now: int) -> Denial | None:
        late = check_times(claims, now, **self._skews)
        return None if late is None else objected(*late)

    def _note(self, claims: dict[str, Any], rules: ClaimRules) -> None:
        """The first, second, fourth … time, so that a flood of tokens is no flood of lines."""
        for _, text in waived(claims, rules):
            times = self._noted[text] = self._noted.get(text, 0) + 1
            if times & (times - 1) == 0:
                log.warning("%s: let through a token although %s (times: %d)", self._api_id, text, times)
