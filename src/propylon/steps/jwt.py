"""JWT mode: a token's signature is checked, then its holder is found. The definition chooses the mode (design §5.2).

*Per key* (`jwt_source` empty): `kid` names a key; its own secret verifies, its own session is used; `sub` and `pol`
are not consulted. *Central* (`jwt_source` set): the API's key verifies; claims name the subject and its policies.

The verified-token cache belongs to one instance, that is to one API at one revision, and holds only what the token
proves. Times are compared again on every hit; keys, policies and limits are looked up behind it.
"""

from hashlib import sha256
from typing import Any, Final, NamedTuple

from propylon.errors import Denial, Problem
from propylon.exchange import Exchange
from propylon.jose.claims import check_times, good_between, identity_from, read_claims
from propylon.jose.token import Token, parse_token
from propylon.jose.verification import VerificationRecord, family_of, from_pem, from_secret, verify
from propylon.jose.verified_tokens import VerifiedToken, VerifiedTokens
from propylon.model.api_definition import ApiDefinition, JwtSettings
from propylon.steps.credential import CredentialReader
from propylon.steps.keyring import Found, KeyEntry, Keyring
from propylon.steps.step import Surroundings
from propylon.steps.subjects import Subjects

MISSING: Final = Denial("credential_missing", 400, "Authorization field missing")
NOT_AUTHORIZED: Final = "Key not authorized"
UNEXPECTED_METHOD: Final = Denial("jwt_alg_not_allowed", 403, "Key not authorized: Unexpected signing method")
NO_KID: Final = Denial("jwt_kid_missing", 403, NOT_AUTHORIZED)
UNKNOWN_KID: Final = Denial("jwt_unknown_kid", 403, NOT_AUTHORIZED)
NO_SECRET: Final = Denial("jwt_key_has_no_secret", 403, NOT_AUTHORIZED)
UNFIT_SECRET: Final = Denial("jwt_key_unfit", 403, NOT_AUTHORIZED)  # empty, or not of the API's family
JWT_SECRET: Final = "jwt_data.secret"
VERIFIERS_MAX: Final = 16  # of one key, so for as many APIs; more are made again


class _Voucher(NamedTuple):
    record: VerificationRecord
    key_hash: str  # "" in central mode
    found: Found | None  # the key, None in central mode


class Jwt:
    """Finds the caller of a JSON Web Token."""

    def __init__(
        self, definition: ApiDefinition, keyring: Keyring, subjects: Subjects, surroundings: Surroundings
    ) -> None:
        assert definition.jwt is not None
        self._org_id = definition.org_id
        self._settings: JwtSettings = definition.jwt
        self._credential = CredentialReader(definition.credential)
        self._keyring = keyring
        self._subjects = subjects
        self._clock = surroundings.clock
        self._counters = surroundings.counters
        self._verified = VerifiedTokens(surroundings.settings.verified_tokens_max)
        self._per_key = self._settings.mode == "per_key"
        self._skews = {
            "exp_skew": self._settings.expires_at_skew_s,
            "iat_skew": self._settings.issued_at_skew_s,
            "nbf_skew": self._settings.not_before_skew_s,
        }
        self._central = None if self._per_key else self._central_record()

    async def __call__(self, exchange: Exchange) -> Denial | None:
        credential = self._credential.read(exchange.head)
        if isinstance(credential, Denial):
            return credential
        if not credential:
            return MISSING
        digest = sha256(credential.encode("latin-1")).digest()
        verified = self._verified.get(digest)
        if verified is None:
            return await self._first_time(exchange, credential, digest)
        self._counters.token_hits += 1
        found = None
        if self._per_key:
            found = self._keyring.cached(verified.key_hash) or await self._keyring.find(verified.key_hash)
            exchange.rested_on = found.names
            if found.entry is None or found.entry.verifiers.get(self) is not verified.record:
                return await self._first_time(exchange, credential, digest)  # its secret may be another one now
        if not verified.good_from <= int(self._clock.wall()) < verified.good_until:
            return self._check_times(verified.claims)
        return self._holder(exchange, verified, found)

    # -- a token not seen before ----------------------------------------------------------------------------------

    async def _first_time(self, exchange: Exchange, credential: str, digest: bytes) -> Denial | None:
        self._counters.token_misses += 1
        token = parse_token(credential)
        if isinstance(token, str):
            return Denial(token, 403, NOT_AUTHORIZED)
        if (refused := self._check_method(token.alg)) is not None:
            return refused
        claims = read_claims(token.payload)
        if isinstance(claims, str):
            return Denial(claims, 403, NOT_AUTHORIZED)
        voucher = await self._voucher(exchange, token, claims)
        if isinstance(voucher, Denial):
            return voucher
        if (reason := verify(token, voucher.record)) is not None:
            return UNEXPECTED_METHOD if reason == "jwt_alg_not_allowed" else Denial(reason, 403, NOT_AUTHORIZED)
        if (late := self._check_times(claims)) is not None:
            return late
        verified = VerifiedToken(claims, voucher.record, voucher.key_hash, *good_between(claims, **self._skews))
        refused = self._holder(exchange, verified, voucher.found)
        if refused is None:
            self._verified.put(digest, verified)
        return refused

    async def _voucher(self, exchange: Exchange, token: Token, claims: dict[str, Any]) -> "_Voucher | Denial":
        """Whose key shall verify: the API's, or that of the key which the token names."""
        if self._central is not None:
            return _Voucher(self._central, "", None)
        key_id = self._key_id(token, claims)
        if isinstance(key_id, Denial):
            return key_id
        key_hash = self._keyring.key_hash(self._org_id, key_id)
        found = await self._find_key(exchange, key_hash)
        if found.entry is None:
            return UNKNOWN_KID
        record = self._record_of(found.entry)
        if record is None:
            return UNFIT_SECRET if found.entry.is_jwt_key else NO_SECRET
        return _Voucher(record, key_hash, found)

    def _check_method(self, alg: str) -> Denial | None:
        """J-7: the family is checked before any key is looked up; a name no family has is plainly not authorized."""
        family = family_of(alg)
        if family == self._settings.signing_family:
            return None
        if family is None and alg.lower() != "none":
            return Denial("jwt_alg_unknown", 403, NOT_AUTHORIZED)
        return UNEXPECTED_METHOD

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

    # -- the holder -----------------------------------------------------------------------------------------------

    def _holder(self, exchange: Exchange, verified: VerifiedToken, found: Found | None) -> Denial | None:
        """Per-key mode: the key's own session. Central mode: the subject, under the policies its claims name."""
        if found is None:
            caller = self._subjects.caller_of(exchange, verified.claims)
            if isinstance(caller, Denial):
                return caller
        elif found.caller is None:
            return Denial(found.problem, 403, NOT_AUTHORIZED)
        else:
            caller = found.caller
        exchange.caller = caller
        exchange.claims = verified.claims
        exchange.verified_until = verified.good_until
        return None

    async def _find_key(self, exchange: Exchange, key_hash: str) -> Found:
        found = self._keyring.cached(key_hash) or await self._keyring.find(key_hash)
        exchange.rested_on = found.names
        return found

    def _check_times(self, claims: dict[str, Any]) -> Denial | None:
        late = check_times(claims, int(self._clock.wall()), **self._skews)
        return None if late is None else Denial(late[0], 401, f"Key not authorized: {late[1]}")

    # -- keys that verify -----------------------------------------------------------------------------------------

    def _record_of(self, entry: KeyEntry) -> VerificationRecord | None:
        """The key's own verification record, None when it has none that fits this API."""
        known = entry.verifiers.get(self)
        if known is not None:
            return known
        secret = entry.secrets.get(JWT_SECRET, "").encode()
        made = self._make_record(secret, f"k{entry.row.record_id}", entry.session.jwt_data.algorithm)
        if not isinstance(made, VerificationRecord):
            return None
        if len(entry.verifiers) >= VERIFIERS_MAX:  # those of APIs that were compiled anew since
            entry.verifiers.clear()
        entry.verifiers[self] = made
        return made

    def _central_record(self) -> VerificationRecord:
        made = self._make_record(self._settings.source, "api", "")
        assert isinstance(made, VerificationRecord), made  # parse_api has refused a source that is no key
        return made

    def _make_record(self, key: bytes, record_id: str, algorithm: str) -> VerificationRecord | Problem:
        family, allowed = self._settings.signing_family, self._settings.allowed_algorithms
        if algorithm and allowed and algorithm not in allowed:
            return Problem("jwt_data.algorithm", "jwt_algorithm_not_allowed", "is not one that the API allows")
        algorithms = frozenset({algorithm}) if algorithm else allowed or None
        if family == "hmac":
            return from_secret(key, id=record_id, algorithms=algorithms)
        return from_pem(key, family=family, id=record_id, algorithms=algorithms)
