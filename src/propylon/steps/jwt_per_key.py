"""Per-key mode: the key that a token names vouches for it, with the entries of its own ring (J-14, J-21, J-24).

`kid` names it; `sub` and `pol` are not consulted. Judges neither times nor claims.
"""

from base64 import urlsafe_b64encode
from typing import Any

from propylon.errors import Denial, Problem
from propylon.exchange import Exchange
from propylon.jose.claims import identity_from
from propylon.jose.token import Token
from propylon.jose.verification import VerificationRecord, from_pem, from_secret, verify
from propylon.jose.verified_tokens import VerifiedToken
from propylon.model.jwt_settings import IssuerSettings, JwtSettings
from propylon.model.key_ring import RingEntry
from propylon.steps.jwt_refusals import NO_KID, NO_SECRET, NOT_AUTHORIZED, UNFIT_SECRET, UNKNOWN_KID, refused
from propylon.steps.jwt_voucher import Voucher
from propylon.steps.key_ring import key_sets_of, records_of
from propylon.steps.keyring import Found, KeyEntry, Keyring
from propylon.steps.step import Surroundings

Source = tuple[RingEntry, VerificationRecord]


class PerKey:
    """Of one JWT step, which its keys' records are kept under."""

    def __init__(
        self, org_id: str, settings: JwtSettings, keyring: Keyring, surroundings: Surroundings, step: object
    ) -> None:
        assert settings.signing_family is not None
        self._org_id = org_id
        self._settings = settings
        self._family = settings.signing_family
        self._keyring = keyring
        self._issuer_keys = surroundings.issuers
        self._imported = surroundings.imported
        self._step = step

    async def voucher(self, exchange: Exchange, token: Token, claims: dict[str, Any], now: float) -> Voucher | Denial:
        """The first of the key's records, newest first, that has signed the token."""
        key_id = self._key_id(token, claims)
        if isinstance(key_id, Denial):
            return key_id
        key_hash = self._keyring.key_hash(self._org_id, key_id)
        found = self._keyring.cached(key_hash) or await self._keyring.find(key_hash)
        exchange.rested_on = found.names
        if found.entry is None:
            return await self._imported.refusal(exchange, self._org_id, key_id, UNKNOWN_KID, _compact(token))
        return await self._signer(token, found, key_hash, now)

    async def still_vouches(self, entry: KeyEntry, verified: VerifiedToken, now: float) -> bool:
        """Of a token that a key set of the key has vouched for; those of other records stand in `verifiers`."""
        ring_entry = verified.source[0]
        if ring_entry not in key_sets_of(entry, now):
            return False
        return await self._issuer_keys.holds(self._issuer(ring_entry), verified.record)

    def _key_id(self, token: Token, claims: dict[str, Any]) -> str | Denial:
        """J-21: `kid`, unless skipped; without one the identity claim, unless `jwt_require_kid` (design §10)."""
        if token.kid is not None and not self._settings.skip_kid:
            return token.kid
        if self._settings.require_kid:
            return NO_KID
        identity, trouble = identity_from(claims, self._settings.identity_base_field)
        if identity is None:
            reason, text = trouble or ("jwt_no_identity", NOT_AUTHORIZED)
            return Denial(reason, 404, text)  # J-24
        return identity

    async def _signer(self, token: Token, found: Found, key_hash: str, now: float) -> Voucher | Denial:
        assert found.entry is not None
        entry = found.entry
        records = records_of(entry, self._step, lambda one: self._record(entry, one), now)
        reasons = []
        for source in records:
            if (reason := verify(token, source[1])) is None:
                return Voucher(source[1], source, key_hash, found)
            reasons.append(reason)
        for ring_entry in key_sets_of(entry, now):
            record = await self._fetched(token, ring_entry)
            reason = record if isinstance(record, str) else verify(token, record)
            if isinstance(record, VerificationRecord) and reason is None:
                return Voucher(record, (ring_entry, record), key_hash, found)
            reasons.append(reason or "")
        if not reasons:
            return UNFIT_SECRET if entry.is_jwt_key else NO_SECRET
        return refused("jwt_bad_signature" if "jwt_bad_signature" in reasons else reasons[0])

    async def _fetched(self, token: Token, ring_entry: RingEntry) -> VerificationRecord | str:
        """Where `kid` names the key, it cannot name one of the key's set as well."""
        kid = token.kid if self._settings.skip_kid else None
        return await self._issuer_keys.record(self._issuer(ring_entry), kid, token.alg)

    def _issuer(self, ring_entry: RingEntry) -> IssuerSettings:
        allowed = frozenset({ring_entry.algorithm}) if ring_entry.algorithm else self._settings.algorithms
        return IssuerSettings("", jwks_uris=(ring_entry.text,), algorithms=allowed, family=self._family)

    def _record(self, entry: KeyEntry, one: RingEntry) -> VerificationRecord | Problem:
        """How this API makes a verification record of an entry in a key's ring."""
        allowed = self._settings.allowed_algorithms
        if one.algorithm and allowed and one.algorithm not in allowed:
            return Problem("jwt_data.algorithm", "jwt_algorithm_not_allowed", "is not one that the API allows")
        algorithms = frozenset({one.algorithm}) if one.algorithm else allowed or None
        key, record_id = one.text.encode(), f"{entry.name}.{one.id}"
        if self._family == "hmac":
            return from_secret(key, id=record_id, algorithms=algorithms)
        return from_pem(key, family=self._family, id=record_id, algorithms=algorithms)


def _compact(token: Token) -> str:
    """As it was sent."""
    return (token.signing_input + b"." + urlsafe_b64encode(token.signature).rstrip(b"=")).decode()
