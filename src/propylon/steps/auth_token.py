"""Auth token mode: the credential is a key ID (auth.md §4). One string, one look-up, one organisation."""

from typing import Final

from propylon.errors import Denial
from propylon.exchange import Exchange
from propylon.model.api_definition import ApiDefinition
from propylon.model.key_ring import RingEntry
from propylon.steps.credential import CredentialReader
from propylon.steps.key_ring import note_use
from propylon.steps.keyring import KeyEntry, Keyring
from propylon.steps.step import Surroundings

MISSING: Final = Denial("credential_missing", 401, "Authorization field missing")
DISALLOWED: Final = "Access to this API has been disallowed"
UNKNOWN: Final = Denial("key_unknown", 403, DISALLOWED)
TOO_SHORT: Final = Denial("key_too_short", 403, DISALLOWED)
IDENTIFIER: Final = Denial("key_is_identifier", 403, DISALLOWED)
RETIRED: Final = Denial("key_retired", 403, DISALLOWED)


class AuthToken:
    """Finds the caller of a plain token."""

    def __init__(self, definition: ApiDefinition, keyring: Keyring, surroundings: Surroundings) -> None:
        self._org_id = definition.org_id
        self._credential = CredentialReader(definition.credential)
        self._keyring = keyring
        self._min_length = surroundings.settings.min_token_length
        self._clock = surroundings.clock
        self._imported = surroundings.imported

    async def __call__(self, exchange: Exchange) -> Denial | None:
        credential = self._credential.read(exchange.head)
        if isinstance(credential, Denial):
            return credential
        if not credential:
            return MISSING
        if len(credential) < self._min_length:
            return TOO_SHORT
        key_hash = self._keyring.key_hash(self._org_id, credential)
        found = self._keyring.cached(key_hash) or await self._keyring.find(key_hash)
        exchange.rested_on = found.names
        if found.entry is None:
            return await self._imported.refusal(exchange, self._org_id, credential, UNKNOWN)
        if found.entry.is_identifier and not found.entry.session.allow_as_token:
            return IDENTIFIER
        if found.caller is None:
            return Denial(found.problem, 403, DISALLOWED)
        exchange.caller = found.caller  # of a retired token as well, so that the log names who still sends it
        if found.entry.token is not None:
            return self._check_generation(exchange, found.entry, found.entry.token)
        exchange.credential = found.entry.credential
        return None

    def _check_generation(self, exchange: Exchange, entry: KeyEntry, token: RingEntry) -> Denial | None:
        if token.is_over(self._clock.wall()):
            return RETIRED
        note_use(exchange, entry, token)
        return None
