"""The queue of folded usage as a bounded ring in its own environment.

Knows lines as bytes only. Any process appends; one drains. Lines are numbered without gaps under a random epoch that is
made with the queue, so that a drain can tell a queue that was lost from one that goes on. What the bound pushes out is
always the oldest, and is counted.

Keys: b"\\x00" holds the state and sorts first, so that lines (their number, 8 bytes big-endian) can be appended.
"""

import secrets
from collections.abc import Iterator, Sequence
from struct import Struct
from typing import NamedTuple

import lmdb

from propylon.stores.lmdb_environment import LMDB_ERRORS
from propylon.stores.ports import UsageBatch

SLICE = 500  # lines a transaction touches, so that it stays below 1 ms
DROP = 8  # lines that leave between two looks at the pages in use (0.7 µs)

_STATE_KEY = b"\x00"
_STATE = Struct("<8sQQQ")
_number = Struct(">Q").pack


class _State(NamedTuple):
    epoch: bytes
    first: int
    next: int
    dropped: int


class UsageQueue:
    """One process's handle on the ring. `lines_max` bounds it, and half the map does."""

    def __init__(self, environment: lmdb.Environment, lines_max: int) -> None:
        self._environment = environment
        self._lines_max = lines_max
        map_bytes = environment.info()["map_size"]
        self._pages_max = map_bytes // environment.stat()["psize"] // 2
        self._slice_bytes = map_bytes // 8
        with environment.begin(write=True) as transaction:
            if transaction.get(_STATE_KEY) is None:
                _write(transaction, _State(secrets.token_bytes(8), 1, 1, 0))

    def enqueue(self, lines: Sequence[bytes]) -> None:
        """Appends in slices, each of them whole or not at all."""
        with LMDB_ERRORS:
            for piece in self._slices(lines):
                self._append(piece)

    def _slices(self, lines: Sequence[bytes]) -> Iterator[list[bytes]]:
        piece: list[bytes] = []
        size_bytes = 0
        for line in lines:
            if piece and (len(piece) == SLICE or size_bytes + len(line) > self._slice_bytes):
                yield piece
                piece, size_bytes = [], 0
            piece.append(line)
            size_bytes += len(line)
        if piece:
            yield piece

    def _append(self, lines: list[bytes]) -> None:
        with self._environment.begin(write=True) as transaction:
            state = _read(transaction)
            for number, line in enumerate(lines, state.next):
                transaction.put(_number(number), line, append=True)
            state = state._replace(next=state.next + len(lines))
            _write(transaction, self._bounded(transaction, state))

    def _bounded(self, transaction: "lmdb.Transaction[bytes]", state: _State) -> _State:
        state = _without_oldest(transaction, state, state.next - state.first - self._lines_max)
        while state.first < state.next and _pages(transaction) > self._pages_max:
            state = _without_oldest(transaction, state, DROP)
        return state

    def peek(self, limit: int) -> UsageBatch:
        with LMDB_ERRORS, self._environment.begin() as transaction:
            state = _read(transaction)
            end = min(state.next, state.first + limit)
            lines = [_line(transaction, number) for number in range(state.first, end)]
        return UsageBatch(state.epoch.hex(), state.first, lines, state.dropped, state.next - state.first)

    def discard(self, epoch: str, upto: int) -> None:
        with LMDB_ERRORS:
            while self._discard_slice(epoch, upto):
                pass

    def _discard_slice(self, epoch: str, upto: int) -> bool:
        """Answers whether there is more to remove."""
        with self._environment.begin(write=True) as transaction:
            state = _read(transaction)
            count = min(upto, state.next) - state.first
            if state.epoch.hex() != epoch or count <= 0:
                return False
            _remove(transaction, state.first, min(count, SLICE))
            _write(transaction, state._replace(first=state.first + min(count, SLICE)))
            return count > SLICE


def _read(transaction: "lmdb.Transaction[bytes]") -> _State:
    return _State(*_STATE.unpack(transaction.get(_STATE_KEY, b"")))


def _write(transaction: "lmdb.Transaction[bytes]", state: _State) -> None:
    transaction.put(_STATE_KEY, _STATE.pack(*state))


def _line(transaction: "lmdb.Transaction[bytes]", number: int) -> bytes:
    return transaction.get(_number(number), b"")


def _remove(transaction: "lmdb.Transaction[bytes]", first: int, count: int) -> None:
    for number in range(first, first + count):
        transaction.delete(_number(number))


def _without_oldest(transaction: "lmdb.Transaction[bytes]", state: _State, count: int) -> _State:
    count = max(0, min(count, state.next - state.first))
    _remove(transaction, state.first, count)
    return state._replace(first=state.first + count, dropped=state.dropped + count)


def _pages(transaction: "lmdb.Transaction[bytes]") -> int:
    stat = transaction.stat()
    return stat["leaf_pages"] + stat["branch_pages"] + stat["overflow_pages"]
