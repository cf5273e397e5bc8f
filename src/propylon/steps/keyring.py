"""The worker's cache of keys, with the caller each stands for. Read by the authenticating steps, emptied by `follow`.

An entry never outlives a change that names it: `forget` drops it, and a read that was under way meanwhile is done
again (design §3.2). Unknown keys are not cached, so a flood of them costs look-ups but no memory and no staleness.
Oldest-in goes first when full: one dict operation less on every hit than least-recently-used.
"""

import asyncio
import json
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from propylon.errors import LookupsExhausted, Problem, StoreUnavailable
from propylon.exchange import Caller, Identity
from propylon.jose.verification import VerificationRecord
from propylon.model.effective import effective_session
from propylon.model.policy import Policy
from propylon.model.session import Session, parse_session
from propylon.model.session_secrets import is_identifier, is_jwt_key
from propylon.steps.meter_names import key_meters
from propylon.stores.ports import KeyRow, Lookups
from propylon.telemetry.counters import Counters


class KeySecrets(Protocol):
    """What a keyring needs of the root secret."""

    def key_hash(self, org_id: str, key_id: str) -> str: ...

    def unseal(self, sealed: str, binding: str) -> str: ...


class PolicyBook:
    """All policies of one revision; `version` moves when any of them does."""

    def __init__(self) -> None:
        self.version = 0
        self._policies: dict[tuple[str, str], Policy] = {}

    def replace(self, policies: Sequence[Policy]) -> None:
        self._policies = {(policy.org_id, policy.id): policy for policy in policies}
        self.version += 1

    def get(self, org_id: str, policy_id: str) -> Policy | None:
        return self._policies.get((org_id, policy_id))

    def select(self, org_id: str, policy_ids: Sequence[str]) -> tuple[list[Policy], list[str]]:
        """Those that exist in that organisation, in order, and the ids that do not."""
        found = [(policy_id, self.get(org_id, policy_id)) for policy_id in policy_ids]
        return [policy for _, policy in found if policy is not None], [id_ for id_, policy in found if policy is None]


class KeyEntry:
    """One key as the worker knows it; made from its row, its caller made anew when a policy changes."""

    __slots__ = ("book_version", "found", "is_identifier", "is_jwt_key", "row", "secrets", "session", "verifiers")

    found: "Found"  # as of book_version

    def __init__(self, row: KeyRow, session: Session, secrets: dict[str, str]) -> None:
        self.row = row
        self.session = session
        self.secrets = secrets
        self.is_jwt_key = is_jwt_key(secrets)
        self.is_identifier = is_identifier(secrets)  # its ID is written where others read it
        self.verifiers: dict[object, VerificationRecord] = {}  # by the JWT step that made it; gone with the entry
        self.book_version = -1


class Found(NamedTuple):
    """The outcome of a look-up: `names` say what it rests on, also when nothing was found."""

    entry: KeyEntry | None
    caller: Caller | None
    problem: str  # reason code when there is a key but no caller can be made of it
    names: tuple[str, ...]


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
        self._entries: dict[str, KeyEntry] = {}
        self._in_flight: dict[str, asyncio.Future[None]] = {}
        self._stale_reads: set[str] = set()

    def key_hash(self, org_id: str, key_id: str) -> str:
        """What a key is found by: one canonical text, one hash."""
        return self._secrets.key_hash(org_id, key_id)

    def cached(self, key_hash: str) -> Found | None:
        """The usual case, without a coroutine."""
        entry = self._entries.get(key_hash)
        return None if entry is None else self._found(entry)

    async def find(self, key_hash: str) -> Found:
        """Raises LookupsExhausted or StoreUnavailable when the answer cannot be had."""
        while (entry := self._entries.get(key_hash)) is None:
            under_way = self._in_flight.get(key_hash)
            if under_way is None:
                entry = await self._read_once(key_hash)
                break
            await asyncio.shield(under_way)
        return Found(None, None, "", (f"key:{key_hash}",)) if entry is None else self._found(entry)

    def forget(self, names: frozenset[str]) -> None:
        """Drops the keys a change names; reads under way of them will be done again."""
        for name in names:
            if name.startswith("key:"):
                key_hash = name[4:]
                self._entries.pop(key_hash, None)
                if key_hash in self._in_flight:
                    self._stale_reads.add(key_hash)

    def __len__(self) -> int:
        return len(self._entries)

    def forget_all(self) -> None:
        self._entries.clear()
        self._stale_reads.update(self._in_flight)

    async def _read_once(self, key_hash: str) -> KeyEntry | None:
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
            return None if row is None else self._enter(row)
        finally:
            self._stale_reads.discard(key_hash)
            del self._in_flight[key_hash]
            done.set_result(None)

    def _enter(self, row: KeyRow) -> KeyEntry:
        session, problems, _ = parse_session(json.loads(row.session))
        if session is None:
            raise StoreUnavailable(f"key {row.key_hash}: stored session is not valid: {problems}")
        secrets = {
            field: self._secrets.unseal(sealed, f"keys:{row.record_id}:{field}")
            for field, sealed in row.secrets.items()
        }
        entry = KeyEntry(row, session, secrets)
        if len(self._entries) >= self._entries_max:
            del self._entries[next(iter(self._entries))]
        self._entries[row.key_hash] = entry
        return entry

    def _found(self, entry: KeyEntry) -> Found:
        if entry.book_version != self._book.version:
            entry.book_version = self._book.version
            entry.found = self._judge(entry)
        return entry.found

    def _judge(self, entry: KeyEntry) -> Found:
        """The key under today's policies: computed, never stored (F-18)."""
        row, session = entry.row, entry.session
        policies, missing = self._book.select(row.org_id, session.policy_ids)
        names = (f"key:{row.key_hash}", *(f"policy:{row.org_id}/{policy_id}" for policy_id in session.policy_ids))
        effective = effective_session(session, policies, missing=missing, org_id=row.org_id)
        if isinstance(effective, Problem):
            return Found(entry, None, effective.code, names)
        kind = "jwt_key" if entry.is_jwt_key else "token"
        identity = Identity(f"k{row.record_id}", kind, row.org_id, row.key_hash, session.alias)
        caller = Caller(identity, effective, names, key_meters(row.record_id, row.generation))
        return Found(entry, caller, "", names)
