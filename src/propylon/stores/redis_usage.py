"""The queue of folded usage as a bounded ring in Redis, for all nodes of a fleet.

Knows lines as bytes only; any process appends, one drains. Lines are numbered under a random epoch that is made with
the queue, so that a drain can tell a queue that was lost from one that goes on. No number is given twice, not even by a
server that forgot the newest lines: it leaves a gap before what it appends. What the bounds push out is always the
oldest, and is counted.
"""

import secrets
from collections.abc import Iterator, Sequence
from typing import Final

from propylon.errors import MetersFull, StoreUnavailable
from propylon.stores.ports import UsageBatch
from propylon.stores.redis_calls import Calls
from propylon.stores.redis_scripts import DISCARD_USAGE, ENQUEUE_USAGE, PEEK_USAGE, USAGE, USAGE_LINES, USAGE_SAID

USAGE_MAX_BYTES: Final = 64 * 1024**2  # of all lines that wait; then the oldest goes
CALL_LINES_MAX: Final = 500  # lines that one call appends or removes
CALL_MAX_BYTES: Final = 1024**2  # of the lines that one call moves; at least one line

_KEYS: Final = (USAGE, USAGE_LINES)


class UsageQueue:
    """One process's way to the ring. Every method may raise StoreUnavailable."""

    def __init__(self, calls: Calls, lines_max: int) -> None:
        self._calls = calls
        self._lines_max = lines_max
        self._keys = (USAGE, USAGE_LINES, USAGE_SAID + secrets.token_hex(8).encode())
        self._number = 0  # of the newest call
        self._unsure: list[bytes] = []  # what it said, while its answer has not come

    async def enqueue(self, lines: Sequence[bytes]) -> None:
        """In pieces, each whole or not at all, and once: what is said again, as no answer came, is the same call.

        One caller at a time.

        A server without memory is one that is away for this: it may have room again, and usage can wait for that, while
        MetersFull would say that a line can never be kept.
        """
        for piece in _pieces(lines):
            if piece != self._unsure:
                self._number += 1
                self._unsure = piece
            bounds = (_epoch(), self._lines_max, USAGE_MAX_BYTES)
            try:
                await self._calls.run(ENQUEUE_USAGE, self._keys, *bounds, self._number, *piece)
            except MetersFull as failure:
                raise StoreUnavailable("Redis has no room for usage; raise its maxmemory") from failure
            self._unsure = []

    async def peek(self, limit: int) -> UsageBatch:
        """Fewer than `limit` lines when they are long."""
        answer = await self._calls.run(PEEK_USAGE, _KEYS, _epoch(), limit, CALL_MAX_BYTES)
        epoch, first, dropped, lines, waiting = answer
        return UsageBatch(epoch.decode(), int(first), lines, int(dropped), waiting)

    async def discard(self, epoch: str, upto: int) -> None:
        while await self._calls.run(DISCARD_USAGE, _KEYS, epoch, upto, CALL_LINES_MAX):
            pass


def _epoch() -> str:
    """For the case that there is no queue."""
    return secrets.token_hex(8)


def _pieces(lines: Sequence[bytes]) -> Iterator[list[bytes]]:
    piece: list[bytes] = []
    size_bytes = 0
    for line in lines:
        if piece and (len(piece) == CALL_LINES_MAX or size_bytes + len(line) > CALL_MAX_BYTES):
            yield piece
            piece, size_bytes = [], 0
        piece.append(line)
        size_bytes += len(line)
    if piece:
        yield piece
