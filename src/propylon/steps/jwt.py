"""JWT mode: a token's signature is checked, its claims are judged, then its holder is found (design §5.2).

*Per key* (no issuer in the definition): `kid` names a key, whose own secret verifies and whose own session is used
(`jwt_per_key`). *Central* and *issuers*: the API says whose keys verify; claims name the subject and its policies
(`jwt_issuers`, `subjects`).

The verified-token cache belongs to one instance, that is to one API at one revision, and holds only what the token
proves. Times are compared again on every hit; whether what vouched for it still does, policies and limits are looked
up behind it.
"""

from typing import Any

from propylon.errors import Denial
from propylon.exchange import Exchange
from propylon.jose.claims import read_claims
from propylon.jose.token import Token, parse_token
from propylon.jose.verification import family_of
from propylon.jose.verified_tokens import VerifiedToken, VerifiedTokens
from propylon.model.api_definition import ApiDefinition
from propylon.steps.credential import CredentialReader
from propylon.steps.jwt_claims import JwtClaims
from propylon.steps.jwt_issuers import Issuers
from propylon.steps.jwt_per_key import PerKey
from propylon.steps.jwt_refusals import MISSING, NOT_AUTHORIZED, UNEXPECTED_METHOD, refused
from propylon.steps.jwt_voucher import Voucher
from propylon.steps.key_ring import note_use
from propylon.steps.keyring import Found, Keyring
from propylon.steps.step import Surroundings
from propylon.steps.subjects import Subjects


class Jwt:
    """Finds the caller of a JSON Web Token."""

    def __init__(
        self, definition: ApiDefinition, keyring: Keyring, subjects: Subjects, surroundings: Surroundings
    ) -> None:
        assert definition.jwt is not None
        settings = definition.jwt
        self._algorithms = settings.algorithms
        self._credential = CredentialReader(definition.credential)
        self._keyring = keyring
        self._subjects = subjects
        self._clock = surroundings.clock
        self._counters = surroundings.counters
        self._verified = VerifiedTokens(surroundings.settings.verified_tokens_max)
        self._claims = JwtClaims(definition.api_id, settings)
        self._issuers = Issuers(settings.issuers, surroundings.issuers)
        self._per_key = None if settings.issuers else PerKey(definition.org_id, settings, keyring, surroundings, self)

    async def __call__(self, exchange: Exchange) -> Denial | None:
        credential = self._credential.read(exchange.head)
        if isinstance(credential, Denial):
            return credential
        if not credential:
            return MISSING
        verified = self._verified.get(credential)
        if verified is None:
            return await self._first_time(exchange, credential)
        self._counters.token_hits += 1
        found, now = None, self._clock.wall()
        if self._per_key is not None:
            found = self._keyring.cached(verified.key_hash) or await self._keyring.find(verified.key_hash)
            exchange.rested_on = found.names
            entry = found.entry
            if entry is None or not (
                verified.source in entry.verifiers.get(self, ())
                or await self._per_key.still_vouches(entry, verified, now)
            ):
                return await self._first_time(exchange, credential)  # its secret may be another one now
        elif not await self._issuers.still_vouches(verified):
            return await self._first_time(exchange, credential)
        if not verified.good_from <= int(now) < verified.good_until:
            return self._claims.check_times(verified.claims, int(now)) or await self._first_time(
                exchange, credential
            )  # whose generation is over, while the key may have another one of that secret
        return self._holder(exchange, verified, found)

    # -- a token not seen before ----------------------------------------------------------------------------------

    async def _first_time(self, exchange: Exchange, credential: str) -> Denial | None:
        self._counters.token_misses += 1
        token = parse_token(credential)
        if isinstance(token, str):
            return Denial(token, 403, NOT_AUTHORIZED)
        if (denial := self._check_method(token.alg)) is not None:
            return denial
        claims = read_claims(token.payload)
        if isinstance(claims, str):
            return Denial(claims, 403, NOT_AUTHORIZED)
        voucher = await self._voucher(exchange, token, claims)
        if isinstance(voucher, Denial):
            return voucher
        verified = self._claims.judged(token, claims, voucher, int(self._clock.wall()))
        if isinstance(verified, Denial):
            return verified
        denial = self._holder(exchange, verified, voucher.found)
        if denial is None:
            self._verified.put(credential, verified)
        return denial

    def _check_method(self, alg: str) -> Denial | None:
        """J-7: checked before any key is looked up; a name no family has is plainly not authorized."""
        if alg in self._algorithms:
            return None
        is_known = family_of(alg) is not None or alg == "none"
        return UNEXPECTED_METHOD if is_known else refused("jwt_alg_unknown")

    async def _voucher(self, exchange: Exchange, token: Token, claims: dict[str, Any]) -> Voucher | Denial:
        if self._per_key is not None:
            return await self._per_key.voucher(exchange, token, claims, self._clock.wall())
        return await self._issuers.voucher(token, claims)

    # -- the holder -----------------------------------------------------------------------------------------------

    def _holder(self, exchange: Exchange, verified: VerifiedToken, found: Found | None) -> Denial | None:
        """Per-key mode: the key's own session. Else the subject, under the policies its claims name."""
        if found is None:
            caller = self._subjects.caller_of(exchange, verified.source, verified.claims)
            if isinstance(caller, Denial):
                return caller
        elif found.caller is None:
            return Denial(found.problem, 403, NOT_AUTHORIZED)
        else:
            caller, entry = found.caller, found.entry
            assert entry is not None
            if entry.ring:
                note_use(exchange, entry, verified.source[0])
            else:  # it has one generation, and its name is made already
                exchange.credential = entry.credential
        exchange.caller = caller
        exchange.claims = verified.claims
        exchange.verified_until = verified.good_until
        return None
