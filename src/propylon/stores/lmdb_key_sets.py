"""Issuers' key sets, leases and names used once, in the environment of the meters.

Knows keys and transactions of these three, and nothing of tokens or fetching. Each of them ends by itself: a set two
days after it was fresh, a lease and a name at the moment that was said. The sweep of the meters removes what has ended.

Keys: `e` the epoch of all sets, `s…` a set, `t…` a lease, `u…` a used name. What may be of any length is named by its
SHA-256. Times are wall time: they are compared between processes, and a used name outlives a boot.
"""

from collections.abc import Callable
from hashlib import sha256
from struct import Struct

import lmdb

from propylon.stores.ports import KeySetRow

EPOCH_KEY = b"e"
SET_PREFIX = b"s"
LEASE_PREFIX = b"t"
USED_PREFIX = b"u"
SET_KEPT_S = 172_800.0  # beyond its freshness; above the largest jwks_stale_max_s

_SET = Struct("<QddH")  # number, fetched_at, fresh_until, bytes of the source that follows; then the body
_LEASE = Struct("<dd")  # taken_at, until
_USED = Struct("<d")  # until

VALUE_BYTES = {LEASE_PREFIX: (_LEASE.size,), USED_PREFIX: (_USED.size,)}

DemandRoom = Callable[["lmdb.Transaction[bytes]", int], None]


class KeySets:
    """One process's way to them. Every method may raise lmdb.Error."""

    def __init__(self, environment: lmdb.Environment, demand_room: DemandRoom) -> None:
        self._environment = environment
        self._demand_room = demand_room  # for so many bytes; raises MetersFull

    def get(self, source: str) -> KeySetRow | None:
        with self._environment.begin() as transaction:
            stored = transaction.get(_set_key(source))
        row = None if stored is None else _row(stored)
        return row if row and row.body else None

    def put(self, source: str, row: KeySetRow, wall: float) -> int:
        """The number it got, or that of the set which stays, because it was fetched or dropped after this one."""
        key, name = _set_key(source), source.encode()
        with self._environment.begin(write=True) as transaction:
            stored = transaction.get(key)
            if stored is not None and row.fetched_at < (before := _row(stored)).fetched_at <= wall:
                return before.number
            number = _next_epoch(transaction)
            value = _SET.pack(number, row.fetched_at, row.fresh_until, len(name)) + name + row.body
            if stored is None:
                self._demand_room(transaction, len(value))
            transaction.put(key, value)
            return number

    def drop(self, source: str, wall: float) -> None:
        """A row without a body stays, so that a fetch begun before this brings no set back, nor the first one there."""
        key, name = _set_key(source), source.encode()
        with self._environment.begin(write=True) as transaction:
            value = _SET.pack(_next_epoch(transaction), wall, wall, len(name)) + name
            if transaction.get(key) is None:
                self._demand_room(transaction, len(value))
            transaction.put(key, value)

    def sources(self) -> list[str]:
        """Of the sets that are there."""
        found: list[str] = []
        with self._environment.begin() as transaction, transaction.cursor() as cursor:
            more = cursor.set_range(SET_PREFIX)
            while more and cursor.key().startswith(SET_PREFIX):
                found += [_source(cursor.value())] if _row(cursor.value()).body else []
                more = cursor.next()
        return found

    def epoch(self) -> int:
        with self._environment.begin() as transaction:
            return int.from_bytes(transaction.get(EPOCH_KEY, b""))

    def take_lease(self, name: str, for_s: float, wall: float) -> bool:
        key = LEASE_PREFIX + _digest(name.encode())
        with self._environment.begin(write=True) as transaction:
            stored = transaction.get(key)
            if stored is not None and not _lease_is_over(stored, wall):
                return False
            if stored is None:
                self._demand_room(transaction, 0)
            transaction.put(key, _LEASE.pack(wall, wall + for_s))
            return True

    def end_lease(self, name: str) -> None:
        with self._environment.begin(write=True) as transaction:
            transaction.delete(LEASE_PREFIX + _digest(name.encode()))

    def use(self, name: bytes, until: float, wall: float) -> bool:
        """Whether this is the first use. What ended before it was used is nobody's first."""
        if until <= wall:
            return False
        key = USED_PREFIX + _digest(name)
        with self._environment.begin(write=True) as transaction:
            stored = transaction.get(key)
            if stored is not None and not is_over(key, stored, wall):
                return False
            if stored is None:
                self._demand_room(transaction, 0)
            transaction.put(key, _USED.pack(until))
            return True

    def is_unused(self, name: bytes, until: float, wall: float) -> bool:
        """What `use` would answer."""
        key = USED_PREFIX + _digest(name)
        with self._environment.begin() as transaction:
            stored = transaction.get(key)
        return until > wall and (stored is None or is_over(key, stored, wall))


def is_over(key: bytes, stored: bytes, wall: float) -> bool:
    """Whether nobody would miss it; for the sweep."""
    if key.startswith(USED_PREFIX):
        return bool(_USED.unpack(stored)[0] <= wall)
    if key.startswith(LEASE_PREFIX):
        return _lease_is_over(stored, wall)
    return _row(stored).fresh_until + SET_KEPT_S <= wall


def _lease_is_over(stored: bytes, wall: float) -> bool:
    """Also when it was taken in the future: the clock was wrong then."""
    taken_at, until = _LEASE.unpack(stored)
    return not taken_at <= wall < until


def _row(stored: bytes) -> KeySetRow:
    number, fetched_at, fresh_until, source_bytes = _SET.unpack_from(stored)
    return KeySetRow(number, stored[_SET.size + source_bytes :], fetched_at, fresh_until)


def _source(stored: bytes) -> str:
    *_, source_bytes = _SET.unpack_from(stored)
    return stored[_SET.size : _SET.size + source_bytes].decode()


def _set_key(source: str) -> bytes:
    return SET_PREFIX + _digest(source.encode())


def _digest(name: bytes) -> bytes:
    return sha256(name).digest()


def _next_epoch(transaction: "lmdb.Transaction[bytes]") -> int:
    """Numbers of sets are taken from it, so a set that comes again never has a number it had before."""
    epoch = int.from_bytes(transaction.get(EPOCH_KEY, b"")) + 1
    transaction.put(EPOCH_KEY, epoch.to_bytes(8))
    return epoch
