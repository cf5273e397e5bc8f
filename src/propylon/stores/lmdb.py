"""The embedded meters: exact counters shared by the processes of one machine, in LMDB.

Knows keys and transactions. What a stored window or quota means is `lmdb_windows.py` and `lmdb_quotas.py`, the queue is
`lmdb_usage.py`, key sets and leases are `lmdb_key_sets.py`. The methods are coroutines because the Protocol's are; none
of them waits for more than the write lock, which no transaction holds for a millisecond.

Keys of `meters`: `b` the number and id of the machine's boot, `h` head, `q…` a quota, `w…` a window; those of
`lmdb_key_sets.py` are said there.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import lmdb

from propylon.clock import Clock, SystemClock
from propylon.errors import MetersFull, StoreUnavailable
from propylon.stores.lmdb_boot import BOOT_ID, boot_number
from propylon.stores.lmdb_environment import LMDB_ERRORS, METERS, USAGE, open_environment, unavailable
from propylon.stores.lmdb_key_sets import KeySets
from propylon.stores.lmdb_quotas import count_quota, quota_is_over, quota_state, quota_value
from propylon.stores.lmdb_sweep import QUOTA_PREFIX, SLICE, WINDOW_PREFIX, Sweep
from propylon.stores.lmdb_usage import UsageQueue
from propylon.stores.lmdb_windows import count_fixed, count_sliding
from propylon.stores.ports import Beat, Charge, Heard, KeySetRow, Kind, Now, QuotaState, Troubles, UsageBatch, Verdict

log = logging.getLogger("propylon.meters")

NO_TROUBLES = Troubles()

_HEAD_KEY = b"h"
_SLIDING, _, _QUOTA = Kind
_Result = TypeVar("_Result")
_KEY_PREFIX = (WINDOW_PREFIX, WINDOW_PREFIX, QUOTA_PREFIX)  # by Kind, a tuple since hashing an enum is slow


def open_meters(
    folder: Path,
    *,
    meters_map_bytes: int,
    usage_map_bytes: int,
    usage_lines_max: int,
    clock: Clock | None = None,
    boot_id: Path = BOOT_ID,
) -> "LmdbMeters":
    """This process's only handle on the meters in a folder, opened after the fork; what is missing is made.

    Raises StoreUnavailable, which names the path, what it lacks and the remedy.
    """
    boot = boot_id.read_bytes().strip()
    meters = open_environment(folder / METERS, meters_map_bytes)
    try:
        usage = open_environment(folder / USAGE, usage_map_bytes)
    except StoreUnavailable:
        meters.close()
        raise
    with LMDB_ERRORS:
        return LmdbMeters(meters, usage, usage_lines_max, clock or SystemClock(), boot)


class LmdbMeters:
    """One process's handle. Its owner calls `sync` and `sweep` every few seconds."""

    def __init__(
        self, meters: lmdb.Environment, usage: lmdb.Environment, usage_lines_max: int, clock: Clock, boot_id: bytes
    ) -> None:
        self._meters = meters
        self._usage = usage
        self._clock = clock
        self._queue = UsageQueue(usage, usage_lines_max)
        self._boot = boot_number(meters, boot_id)
        self._sweep = Sweep(meters, self._boot)
        self._pages_for_new = _pages_for_new(meters)
        self._key_sets = KeySets(meters, self._demand_room)
        self.doubts = 0  # never: what it answered is in the map, which all processes share
        self.is_away = False
        self.own_queue = None
        self.troubles = NO_TROUBLES
        self._at_disk = threading.Lock()  # whoever waits for it has both maps in use

    async def admit(self, charge: Charge, now: Now | None = None) -> Verdict:
        """The claims of a charge name different meters: two on the same one would count once."""
        try:
            return self._admit(charge, now)
        except (MetersFull, lmdb.MapFullError):
            self.sweep(SLICE, now)
            with LMDB_ERRORS:
                return self._admit(charge, now)
        except lmdb.Error as error:
            raise unavailable(error) from error

    async def judge(self, charge: Charge, now: Now | None = None) -> Verdict:
        with LMDB_ERRORS:
            return self._admit(charge, now, write=False)

    def _admit(self, charge: Charge, now: Now | None, *, write: bool = True) -> Verdict:
        """Counts every claim before it writes any. A window and a quota: 5 µs; as comprehensions it took 3 µs more."""
        is_new = False
        refusing: list[int] = []
        writes: list[tuple[bytes, bytes]] = []
        remaining: list[int] = []
        reset_s: list[float] = []
        emptied: list[str] = []
        with self._meters.begin(None, None, write) as transaction:  # by position: 0.2 µs less
            monotonic_ns, wall_ns = now or self._now_ns()
            get, boot = transaction.get, self._boot
            head = int.from_bytes(get(_HEAD_KEY, b""))
            for claim in charge:
                kind = claim.kind
                key = _KEY_PREFIX[kind] + claim.meter
                stored = get(key)
                if kind is _SLIDING:
                    value, left, wait_s, was_ahead = count_sliding(stored, claim, monotonic_ns, boot)
                else:
                    count = count_quota if kind is _QUOTA else count_fixed
                    value, left, wait_s, was_ahead = count(stored, claim, wall_ns)
                if value is None:
                    refusing.append(len(remaining))
                else:
                    writes.append((key, value))
                remaining.append(left)
                reset_s.append(wait_s)
                is_new = is_new or stored is None
                if was_ahead:  # never of what was not there
                    emptied.append(claim.label)
            if refusing:
                return _refusal(refusing, head, charge, remaining, reset_s)
            if is_new:
                self._demand_room(transaction)
            if write:
                for key, value in writes:
                    transaction.put(key, value)
        if emptied and write:
            log.warning("meters began anew, their time was more than one period ahead of the clock: %s", emptied)
        return Verdict(-1, head, tuple(remaining), tuple(reset_s))

    def _now_ns(self) -> tuple[int, int]:
        return int(self._clock.monotonic() * 1e9), int(self._clock.wall() * 1e9)

    def _demand_room(self, transaction: "lmdb.Transaction[bytes]", bytes_more: int = 0) -> None:
        """Also keeps a reserve: overwriting takes fresh pages too, and without any no transaction could ever commit."""
        stat = transaction.stat()
        pages = stat["leaf_pages"] + stat["branch_pages"] + stat["overflow_pages"] + bytes_more // stat["psize"]
        if pages > self._pages_for_new:
            raise MetersFull(f"{self._meters.path()}: no room for a new meter; raise meters_map_bytes")

    async def head(self) -> int:
        try:
            with self._meters.begin() as transaction:
                return int.from_bytes(transaction.get(_HEAD_KEY, b""))
        except lmdb.Error as error:
            raise unavailable(error) from error

    async def recent_head(self) -> int:
        return await self.head()

    async def beat(self, beat: Beat) -> None:
        """Its node is the only one."""

    async def heard(self) -> list[Heard]:
        return []

    async def announce(self, revision: int) -> int:
        with LMDB_ERRORS, self._meters.begin(write=True) as transaction:
            head = int.from_bytes(transaction.get(_HEAD_KEY, b""))
            if revision > head:
                transaction.put(_HEAD_KEY, revision.to_bytes(8))
            return max(head, revision)

    async def quota(self, meter: bytes, now: Now | None = None) -> QuotaState | None:
        with LMDB_ERRORS, self._meters.begin() as transaction:
            stored = transaction.get(QUOTA_PREFIX + meter)
        if stored is None or quota_is_over(stored, now.wall_ns if now else self._now_ns()[1]):
            return None
        return quota_state(meter, stored)

    async def quotas(self) -> list[QuotaState]:
        """Each as it stood when it was read; the read transactions are short, since a long one makes the map grow."""
        states: list[QuotaState] = []
        after = QUOTA_PREFIX
        while piece := self._quotas_after(after):
            states += piece
            after = QUOTA_PREFIX + piece[-1].meter + b"\x00"
            await asyncio.sleep(0)
        return states

    def _quotas_after(self, key: bytes) -> list[QuotaState]:
        states: list[QuotaState] = []
        with LMDB_ERRORS, self._meters.begin() as transaction, transaction.cursor() as cursor:
            more = cursor.set_range(key)
            while more and len(states) < SLICE and cursor.key().startswith(QUOTA_PREFIX):
                states.append(quota_state(cursor.key().removeprefix(QUOTA_PREFIX), cursor.value()))
                more = cursor.next()
        return states

    async def restore_quotas(self, states: Sequence[QuotaState]) -> int:
        missing = 0
        for start in range(0, len(states), SLICE):
            missing += self._restore(states[start : start + SLICE])
            await asyncio.sleep(0)
        return missing

    def _restore(self, states: Sequence[QuotaState]) -> int:
        with LMDB_ERRORS, self._meters.begin(write=True) as transaction:
            self._demand_room(transaction)
            return sum(
                transaction.put(QUOTA_PREFIX + state.meter, quota_value(state), overwrite=False) for state in states
            )

    async def enqueue(self, lines: Sequence[bytes]) -> None:
        self._queue.enqueue(lines)

    async def peek(self, limit: int) -> UsageBatch:
        return self._queue.peek(limit)

    async def discard(self, epoch: str, upto: int) -> None:
        self._queue.discard(epoch, upto)

    async def key_set(self, source: str) -> KeySetRow | None:
        with LMDB_ERRORS:
            return self._key_sets.get(source)

    async def put_key_set(self, source: str, body: bytes, *, fetched_at: float, fresh_until: float) -> int:
        row = KeySetRow(0, body, fetched_at, fresh_until)
        return self._with_room(lambda: self._key_sets.put(source, row, self._clock.wall()))

    async def drop_key_set(self, source: str) -> None:
        self._with_room(lambda: self._key_sets.drop(source, self._clock.wall()))

    async def key_set_sources(self) -> list[str]:
        with LMDB_ERRORS:
            return self._key_sets.sources()

    async def key_sets_epoch(self, *, fresh: bool = False) -> int:
        try:
            return self._key_sets.epoch()
        except lmdb.Error as error:
            raise unavailable(error) from error

    async def take_lease(self, name: str, for_s: float) -> bool:
        return self._with_room(lambda: self._key_sets.take_lease(name, for_s, self._clock.wall()))

    async def end_lease(self, name: str) -> None:
        with LMDB_ERRORS:
            self._key_sets.end_lease(name)

    async def first_use(self, name: bytes, until: float) -> bool:
        return self._with_room(lambda: self._key_sets.use(name, until, self._clock.wall()))

    async def is_unused(self, name: bytes, until: float) -> bool:
        with LMDB_ERRORS:
            return self._key_sets.is_unused(name, until, self._clock.wall())

    def _with_room(self, write: Callable[[], _Result]) -> _Result:
        """Once more after a sweep, when the map was full: of names so small that ten pieces free a few pages."""
        try:
            with LMDB_ERRORS:
                return write()
        except MetersFull:
            self.sweep(10 * SLICE)
        with LMDB_ERRORS:
            return write()

    def sweep(self, budget: int, now: Now | None = None) -> int:
        """Looks at up to `budget` meters for those nobody would miss; answers how many it removed."""
        with LMDB_ERRORS:
            return self._sweep.remove(budget, now or Now(*self._now_ns()))

    def sync(self) -> None:
        """Writes to the disk what changed since the last call; waits for the disk, so call it in a thread."""
        with self._at_disk, LMDB_ERRORS:
            for environment in (self._meters, self._usage):
                environment.sync(True)
                environment.reader_check()

    async def close(self) -> None:
        with self._at_disk:
            self._meters.close()
            self._usage.close()


def _pages_for_new(meters: lmdb.Environment) -> int:
    pages = meters.info()["map_size"] // meters.stat()["psize"]
    return pages - max(64, pages // 32)


def _refusal(refusing: list[int], head: int, charge: Charge, remaining: list[int], reset_s: list[float]) -> Verdict:
    """Nothing is charged: claims that would have passed keep one unit more, and a window that has units is open."""
    for index, claim in enumerate(charge):
        if index not in refusing:
            remaining[index] += 1
            if claim.kind is not _QUOTA:
                reset_s[index] = 0.0
    return Verdict(refusing[0], head, tuple(remaining), tuple(reset_s))
