"""Removes meters and what else has ended, a bounded piece at a time.

Looks in a read transaction and takes the write lock only for what it found, where it looks again: a meter may have come
back to life between. Where the last piece ended is remembered, so that repeated calls go round all meters.
"""

import lmdb

from propylon.stores import lmdb_key_sets
from propylon.stores.lmdb_quotas import quota_is_over
from propylon.stores.lmdb_windows import window_is_over
from propylon.stores.ports import Now

QUOTA_PREFIX = b"q"
WINDOW_PREFIX = b"w"
SLICE = 100  # meters a piece looks at: at most 100 deletions (0.3 ms) in one write transaction

_FIRST = QUOTA_PREFIX  # what never ends sorts before


class Sweep:
    """One process's round through the meters."""

    def __init__(self, environment: lmdb.Environment, boot: int) -> None:
        self._environment = environment
        self._boot = boot
        self._position = _FIRST

    def remove(self, budget: int, now: Now) -> int:
        """Looks at no more than `budget` meters, and at none twice; answers how many went. Raises lmdb.Error."""
        removed = 0
        while budget > 0:
            removed += self._remove(self._over(min(budget, SLICE), now), now)
            if self._position == _FIRST:
                break
            budget -= SLICE
        return removed

    def _over(self, count: int, now: Now) -> list[bytes]:
        over = []
        with self._environment.begin() as transaction, transaction.cursor() as cursor:
            more = cursor.set_range(self._position)
            while more and count:
                if self._is_over(cursor.key(), cursor.value(), now):
                    over.append(cursor.key())
                more = cursor.next()
                count -= 1
            self._position = cursor.key() if more else _FIRST
        return over

    def _remove(self, over: list[bytes], now: Now) -> int:
        if not over:
            return 0
        with self._environment.begin(write=True) as transaction:
            still = [key for key in over if (value := transaction.get(key)) and self._is_over(key, value, now)]
            for key in still:
                transaction.delete(key)
        return len(still)

    def _is_over(self, key: bytes, value: bytes, now: Now) -> bool:
        if key.startswith(QUOTA_PREFIX):
            return quota_is_over(value, now.wall_ns)
        if key.startswith(WINDOW_PREFIX):
            return window_is_over(value, now.monotonic_ns, now.wall_ns, self._boot)
        return lmdb_key_sets.is_over(key, value, now.wall_ns / 1e9)
