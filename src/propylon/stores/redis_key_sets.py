"""Issuers' key sets, leases and names used once, in Redis.

Knows nothing of tokens or fetching. Each of them ends by itself: a set two days after it was fresh, a lease and a name
at the moment that was said. Redis removes them ten seconds after that; what counts is the moment beside the value.
"""

from struct import pack
from typing import Final

from propylon.clock import Clock
from propylon.errors import MetersFull
from propylon.stores.ports import KeySetRow
from propylon.stores.redis_calls import Calls
from propylon.stores.redis_scripts import (
    DROP_KEY_SET,
    FIND_KEY_SET_SOURCES,
    KEY_SET,
    KEY_SET_SOURCES,
    KEY_SETS_EPOCH,
    LEASE,
    NAME,
    PUT_KEY_SET,
    PUT_KEY_SET_WHEN_FULL,
    TAKE_LEASE,
    USE_NAME,
)

SET_KEPT_S: Final = 172_800  # beyond its freshness; above the largest jwks_stale_max_s


class KeySets:
    """One process's way to them. Every method may raise StoreUnavailable, those that add something MetersFull."""

    def __init__(self, calls: Calls, clock: Clock | None) -> None:
        self._calls = calls
        self._clock = clock  # None: the server's own TIME

    async def get(self, source: str) -> KeySetRow | None:
        key = KEY_SET + source.encode()
        number, fetched_at, fresh_until, body = await self._calls.call(
            "HMGET", key, "number", "fetched_at", "fresh_until", "body"
        )
        return KeySetRow(int(number), body, float(fetched_at), float(fresh_until)) if body else None

    async def put(self, source: str, row: KeySetRow) -> int:
        """The number it got, or that of the set which stays, because it was fetched or dropped after this one."""
        name = source.encode()
        keys = (KEY_SETS_EPOCH, KEY_SET_SOURCES, KEY_SET + name)
        arguments = (name, repr(row.fetched_at), repr(row.fresh_until), row.body, SET_KEPT_S, self._wall())
        try:
            return int(await self._calls.run(PUT_KEY_SET, keys, *arguments, "0"))
        except MetersFull:
            number = int(await self._calls.run(PUT_KEY_SET_WHEN_FULL, keys, *arguments, "1"))
            if not number:
                raise
            return number

    async def drop(self, source: str) -> None:
        await self._calls.run(DROP_KEY_SET, (KEY_SETS_EPOCH, KEY_SET + source.encode()), SET_KEPT_S, self._wall())

    async def sources(self) -> list[str]:
        """Of the sets that are there."""
        return [source.decode() for source in await self._calls.run(FIND_KEY_SET_SOURCES, (KEY_SET_SOURCES,), KEY_SET)]

    async def epoch(self) -> int:
        return int(await self._calls.call("GET", KEY_SETS_EPOCH) or 0)

    async def take_lease(self, name: str, for_s: float) -> bool:
        return bool(await self._calls.run(TAKE_LEASE, (LEASE + name.encode(),), repr(for_s), self._wall()))

    async def end_lease(self, name: str) -> None:
        await self._calls.call("DEL", LEASE + name.encode())

    async def use(self, name: bytes, until: float, *, counts: bool) -> bool:
        """Whether this is the first use; what ended before is nobody's first. Without `counts` it is only asked."""
        return bool(await self._calls.run(USE_NAME, (NAME + name,), pack("<d", until), self._wall(), int(counts)))

    def _wall(self) -> str:
        return "" if self._clock is None else repr(self._clock.wall())
