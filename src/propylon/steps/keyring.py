"""The worker's cache of keys, with the caller each stands for. Read by the authenticating steps, emptied by `follow`.

An entry never outlives a change that names it: `forget` drops it, and a read that was under way meanwhile is done
again (design §3.2). Unknown keys are not cached, so a flood of them costs look-ups but no memory and no staleness.
Oldest-in goes first when full: one dict operation less on every hit than least-recently-used.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from propylon.errors import LookupsExhausted, Problem, StoreUnavailable
from propylon.exchange import Caller, Identity
from propylon.jose.verification import VerificationRecord
from propylon.model.key_ring import Ring, RingEntry, read_ring, token_entry, tokens_of, with_materials
from propylon.model.session_record import Session
from propylon.model.session_secrets import JWT_SECRET, is_identifier, is_jwt_key
from propylon.model.session_terms import OwnPart
from propylon.steps.key_terms import KeyTerms, SharedTerms
from propylon.steps.meter_names import key_meters
from propylon.steps.policy_book import PolicyBook as PolicyBook
from propylon.stores.ports import KeyRow, Lookups
from propylon.telemetry.counters import Counters

NO_SECRETS: Final[Mapping[str, str]] = {}


class KeySecrets(Protocol):
    """What a keyring needs of the root secret."""

    def key_hash(self, org_id: str, key_id: str) -> str: ...

    def unseal(self, sealed: str, binding: str) -> str: ...


class KeyEntry:
    """One key as the worker knows it. Its row is not kept: a cached key takes 1.2 KiB beside its terms."""

    __slots__ = (
        "credential",
        "generation",
        "is_identifier",
        "is_jwt_key",
        "jwt_secret",
        "key_hash",
        "name",
        "org_id",
        "own",
        "record_id",
        "ring",
        "terms",
        "token",
        "verifiers",
    )

    def __init__(
        self, row: KeyRow, own: OwnPart, terms: KeyTerms, secrets: Mapping[str, str], ring: Ring, asked: str
    ) -> None:
        self.record_id = row.record_id
        self.name = f"k{row.record_id}"  # as in `Identity.record`
        self.org_id = row.org_id
        self.key_hash = row.key_hash
        self.generation = row.generation
        self.own = own
        self.terms = terms
        self.ring = with_materials(ring, secrets) if ring else ()  # that verify; empty: jwt_secret is all there is
        # The generation it was found by; None: its tokens have none.
        self.token = token_entry(ring, _asked(ring, asked, row)) if ring else None
        self.credential = (self.name, 1)  # of a token without generations
        self.jwt_secret = "" if self.ring else secrets.get(JWT_SECRET, "")  # no other opens anything here
        self.is_jwt_key = is_jwt_key(secrets)
        self.is_identifier = is_identifier(secrets)  # its ID is written where others read it
        # By the JWT step that made them, newest first; gone with the entry.
        self.verifiers: dict[object, tuple[tuple[RingEntry, VerificationRecord], ...]] = {}

    @property
    def session(self) -> Session:
        """As written, but for what is in `own`."""
        return self.terms.session


@dataclass(frozen=True, slots=True)
class Found:
    """The outcome of a look-up: `names` say what it rests on, also when nothing was found."""

    entry: KeyEntry | None  # which must not lead back here: what goes in a circle waits for the collector
    caller: Caller | None
    problem: str  # reason code when there is a key but no caller can be made of it
    names: tuple[str, ...]
    book_version: int = -1  # of the policies that were applied


class Keyring:
    """One per worker."""

    def __init__(
        self,
        lookups: Lookups,
        secrets: KeySecrets,
        book: PolicyBook,
        counters: Counters,
        *,
        entries_max: int,
        in_flight_max: int,
    ) -> None:
        self._counters = counters
        self._lookups = lookups
        self._secrets = secrets
        self._book = book
        self._entries_max = entries_max
        self._in_flight_max = in_flight_max
        self._terms = SharedTerms()
        self._keys: dict[str, Found] = {}  # those that have an entry
        self._in_flight: dict[str, asyncio.Future[None]] = {}
        self._stale_reads: set[str] = set()

    def key_hash(self, org_id: str, key_id: str) -> str:
        """What a key is found by: one canonical text, one hash."""
        return self._secrets.key_hash(org_id, key_id)

    def cached(self, key_hash: str) -> Found | None:
        """The usual case, without a coroutine."""
        found = self._keys.get(key_hash)
        if found is None:
            return None
        self._counters.key_hits += 1
        if found.book_version == self._book.version:
            return found
        assert found.entry is not None
        found = self._keys[key_hash] = self._judge(found.entry)
        return found

    async def find(self, key_hash: str) -> Found:
        """Raises LookupsExhausted or StoreUnavailable when the answer cannot be had."""
        while (found := self.cached(key_hash)) is None:
            under_way = self._in_flight.get(key_hash)
            if under_way is None:
                return await self._read_once(key_hash) or Found(None, None, "", (f"key:{key_hash}",))
            await asyncio.shield(under_way)
        return found

    def forget(self, names: frozenset[str]) -> None:
        """Drops the keys a change names; reads under way of them will be done again."""
        for name in names:
            if name.startswith("key:"):
                key_hash = name[4:]
                self._keys.pop(key_hash, None)
                if key_hash in self._in_flight:
                    self._stale_reads.add(key_hash)

    def __len__(self) -> int:
        return len(self._keys)

    def forget_all(self) -> None:
        self._keys.clear()
        self._stale_reads.update(self._in_flight)

    async def _read_once(self, key_hash: str) -> Found | None:
        """Single flight: others who want this key wait and look into the cache again."""
        if len(self._in_flight) >= self._in_flight_max:
            raise LookupsExhausted(f"{len(self._in_flight)} look-ups under way")
        done = self._in_flight[key_hash] = asyncio.get_running_loop().create_future()
        try:
            self._counters.lookups += 1
            row = await self._lookups.key_by_hash(key_hash)
            while key_hash in self._stale_reads:
                self._stale_reads.discard(key_hash)
                row = await self._lookups.key_by_hash(key_hash)
            return None if row is None else self._enter(row, key_hash)
        finally:
            self._stale_reads.discard(key_hash)
            del self._in_flight[key_hash]
            done.set_result(None)

    def _enter(self, row: KeyRow, key_hash: str) -> Found:
        """Under the hash it was found by: a key with several tokens is entered under each of those in use."""
        read = self._terms.read(row.session, row.org_id)
        if isinstance(read, Problem):
            raise StoreUnavailable(f"key {row.key_hash}: stored session is not valid: {read}")
        secrets = self._unsealed(row) if row.secrets else NO_SECRETS
        found = self._judge(KeyEntry(row, *read, secrets, _ring(row), key_hash))
        if len(self._keys) >= self._entries_max:
            del self._keys[next(iter(self._keys))]
        self._keys[key_hash] = found
        return found

    def _unsealed(self, row: KeyRow) -> Mapping[str, str]:
        place = f"keys:{row.record_id}"
        return {field: self._secrets.unseal(sealed, f"{place}:{field}") for field, sealed in row.secrets.items()}

    def _judge(self, entry: KeyEntry) -> Found:
        """The key under today's policies."""
        effective = entry.terms.under(self._book)
        names = (f"key:{entry.key_hash}", *entry.terms.policy_names)
        if isinstance(effective, Problem):
            return Found(entry, None, effective.code, names, self._book.version)
        kind = "jwt_key" if entry.is_jwt_key else "token"
        session = effective.held_by(entry.own)
        identity = Identity(entry.name, kind, entry.org_id, entry.key_hash, session.alias)
        caller = Caller(identity, session, names, key_meters(entry.record_id, entry.generation))
        return Found(entry, caller, "", names, self._book.version)


def _ring(row: KeyRow) -> Ring:
    try:
        return read_ring(row.ring)
    except ValueError as error:
        raise StoreUnavailable(f"key {row.key_hash}: its ring is damaged") from error


def _asked(ring: Ring, asked: str, row: KeyRow) -> str:
    """A hash that is no token's is that of another text for the key's own ID: of an imported key."""
    return asked if asked in tokens_of(ring, row.key_hash) else row.key_hash
