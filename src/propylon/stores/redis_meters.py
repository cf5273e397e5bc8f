"""The meters of a fleet: exact counters shared by all of its nodes, in Redis or Valkey.

Implements `Meters` of `ports.py`. What stands where is said in `redis_scripts.py` (keys) and `redis/*.lua` (values);
charges go through `redis_admit.py`, all else through `redis_calls.py`. Belongs to one event loop and one process, and
is opened after the fork.
"""

from collections.abc import Iterator, Sequence
from struct import pack, unpack_from
from typing import Final

from propylon.clock import Clock, SystemClock
from propylon.errors import Problem
from propylon.stores.ports import Beat, Charge, Heard, KeySetRow, Now, QuotaState, UsageBatch, Verdict
from propylon.stores.redis_admit import Admission
from propylon.stores.redis_calls import Calls
from propylon.stores.redis_connect import Link
from propylon.stores.redis_key_sets import KeySets
from propylon.stores.redis_nodes import Nodes
from propylon.stores.redis_scripts import ANNOUNCE, HEAD, QUOTA, READ_QUOTA, RESTORE_QUOTAS
from propylon.stores.redis_url import parse_redis_url
from propylon.stores.redis_usage import UsageQueue

SLICE: Final = 500  # quotas that one call reads or restores
TIMEOUT_S: Final = 2.0  # as the setting store_timeout_s has it

_REVISION_MAX: Final = 2**53 - 1  # of what Lua compares exactly


async def open_redis_meters(
    url: str,
    *,
    usage_lines_max: int,
    clock: Clock | None = None,
    require_durable: bool = False,
    timeout_s: float = TIMEOUT_S,
) -> "RedisMeters":
    """Connected meters. `clock` gives the wall time of key sets, leases and names, in tests; None: the server's own.

    Raises ValueError for a URL that is none, StoreUnavailable when the server cannot be reached within `timeout_s`, and
    its subclass UnfitMeters when counters cannot be kept in it.
    """
    meters = RedisMeters(
        url, usage_lines_max=usage_lines_max, clock=clock, require_durable=require_durable, timeout_s=timeout_s
    )
    try:
        await meters.connect()
    except BaseException:
        await meters.close()
        raise
    return meters


class RedisMeters:
    """One process's handle. Made without a connection, it connects with its first call."""

    def __init__(
        self, url: str, *, usage_lines_max: int, clock: Clock | None, require_durable: bool, timeout_s: float
    ) -> None:
        target = parse_redis_url(url)
        self._link = Link(target, timeout_s=timeout_s, require_durable=require_durable, clock=SystemClock())
        self._calls = Calls(self._link)
        self._admission = Admission(self._calls)
        self._queue = UsageQueue(self._calls, usage_lines_max)
        self._key_sets = KeySets(self._calls, clock)
        self._nodes = Nodes(self._calls)

    @property
    def connections_made(self) -> int:
        """Rises when a connection was lost and made anew: whatever was seen before is in doubt then."""
        return self._link.connections_made

    @property
    def outcomes_unknown(self) -> int:
        """Charges that were sent and not answered."""
        return self._admission.outcomes_unknown

    def durability_problems(self) -> list[Problem]:
        """Why the newest connection's server may forget what it was told."""
        return list(self._link.problems)

    async def connect(self) -> None:
        """Connects if nothing did yet. Raises as `open_redis_meters`."""
        await self._calls.connect()

    async def admit(self, charge: Charge, now: Now | None = None) -> Verdict:
        return await self._admission.decide(charge, now, counts=True)

    async def judge(self, charge: Charge, now: Now | None = None) -> Verdict:
        return await self._admission.decide(charge, now, counts=False)

    async def head(self) -> int:
        """Read by the next batch of charges, not by a call of its own."""
        return (await self._admission.decide((), None, counts=False)).head

    async def announce(self, revision: int) -> int:
        if not 0 <= revision <= _REVISION_MAX:
            raise ValueError(f"revision {revision} is not between 0 and {_REVISION_MAX}")
        return int(await self._calls.run(ANNOUNCE, (HEAD,), revision))

    async def quota(self, meter: bytes, now: Now | None = None) -> QuotaState | None:
        wall_us = "" if now is None else now.wall_ns // 1000
        found = await self._calls.run(READ_QUOTA, (QUOTA + meter,), wall_us)
        return None if found is None else QuotaState(meter, found[0], found[1] * 1000)

    async def quotas(self) -> list[QuotaState]:
        """Each as it stood when it was read; one that comes or goes meanwhile may be among them or not."""
        states: dict[bytes, QuotaState] = {}  # a scan may meet a key twice
        cursor = b"0"
        while True:
            cursor, keys = await self._calls.call("SCAN", cursor, "MATCH", QUOTA + b"*", "COUNT", SLICE)
            values = await self._calls.call("MGET", *keys) if keys else []
            for key, value in zip(keys, values, strict=True):
                if value is not None:
                    used, renews_us = unpack_from("<dd", value)
                    states[key] = QuotaState(key.removeprefix(QUOTA), int(used), int(renews_us) * 1000)
            if cursor == b"0":
                return list(states.values())

    async def restore_quotas(self, states: Sequence[QuotaState]) -> int:
        missing = 0
        for piece in _slices(states):
            keys = tuple(QUOTA + state.meter for state in piece)
            numbers = [number for state in piece for number in (state.used, -(-state.renews_wall_ns // 1000))]
            missing += await self._calls.run(RESTORE_QUOTAS, keys, pack(f"<{len(numbers)}d", *numbers))
        return missing

    async def enqueue(self, lines: Sequence[bytes]) -> None:
        await self._queue.enqueue(lines)

    async def peek(self, limit: int) -> UsageBatch:
        return await self._queue.peek(limit)

    async def discard(self, epoch: str, upto: int) -> None:
        await self._queue.discard(epoch, upto)

    async def key_set(self, source: str) -> KeySetRow | None:
        return await self._key_sets.get(source)

    async def put_key_set(self, source: str, body: bytes, *, fetched_at: float, fresh_until: float) -> int:
        return await self._key_sets.put(source, KeySetRow(0, body, fetched_at, fresh_until))

    async def drop_key_set(self, source: str) -> None:
        await self._key_sets.drop(source)

    async def key_set_sources(self) -> list[str]:
        return await self._key_sets.sources()

    async def key_sets_epoch(self, *, fresh: bool = False) -> int:
        return await self._key_sets.epoch()

    async def take_lease(self, name: str, for_s: float) -> bool:
        return await self._key_sets.take_lease(name, for_s)

    async def end_lease(self, name: str) -> None:
        await self._key_sets.end_lease(name)

    async def first_use(self, name: bytes, until: float) -> bool:
        return await self._key_sets.use(name, until, counts=True)

    async def is_unused(self, name: bytes, until: float) -> bool:
        return await self._key_sets.use(name, until, counts=False)

    async def beat(self, node: str, beat: Beat) -> int:
        return await self._nodes.beat(node, beat)

    async def heard(self) -> list[Heard]:
        return await self._nodes.heard()

    async def close(self) -> None:
        await self._calls.close()


def _slices(states: Sequence[QuotaState]) -> Iterator[Sequence[QuotaState]]:
    return (states[start : start + SLICE] for start in range(0, len(states), SLICE))
