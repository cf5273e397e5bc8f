"""A node's own figures: what its workers leave for one process of the node, so that it can answer for all of them.

The queue of usage of a fleet leads to Redis, and is no way while that is away, when figures are wanted most. So each
line leaves a smaller one in a queue of the node's own (LMDB): exchanges by API, status and reason, and the worker's
numbers. Lines that nobody takes are pushed out by newer ones.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from propylon.errors import StoreUnavailable
from propylon.stores.ports import UsageBatch
from propylon.usage.line import Cell, Line, MalformedLine, Observe, encode, parse
from propylon.usage.split import Split

log = logging.getLogger("propylon.usage")
LINES_MAX: Final = 50  # taken at once


class Queue(Protocol):
    """A queue of lines, as the meters have one."""

    async def enqueue(self, lines: Sequence[bytes]) -> None: ...

    async def peek(self, limit: int) -> UsageBatch: ...

    async def discard(self, epoch: str, upto: int) -> None: ...


class NodeLines:
    """A worker's side: `note` is told of the cells of each line as it is cut, `flush` hands them over."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._lines: list[bytes] = []
        self._told: Mapping[str, float] = {}  # the worker's numbers, as they were last handed over

    def note(self, minute: int, cells: Sequence[Cell], splits: Mapping[str, Split]) -> None:
        if cells:
            self._lines.append(encode(Line(minute, _without_callers(cells), [], {}, splits=splits)))

    async def flush(self, minute: int, numbers: Mapping[str, float]) -> None:
        """What cannot be handed over is lost: figures are not worth holding up usage for."""
        if numbers != self._told:
            self._told = numbers
            self._lines.append(encode(Line(minute, [], [], numbers)))
        lines, self._lines = self._lines, []
        try:
            await self._queue.enqueue(lines)
        except StoreUnavailable as failure:
            log.warning("%d lines of this node's figures are lost: %s", len(lines), failure.detail)


class NodeFigures:
    """The other side: `observe` is told of each line once."""

    def __init__(self, queue: Queue, observe: Observe) -> None:
        self._queue = queue
        self._observe = observe

    async def run_once(self) -> None:
        """Until the queue is empty. Raises StoreUnavailable."""
        while (batch := await self._queue.peek(LINES_MAX)).lines:
            for raw in batch.lines:
                self._tell(raw)
            await self._queue.discard(batch.epoch, batch.first + len(batch.lines))
            await asyncio.sleep(0)  # a queue of LMDB never waits, and others have their turn

    def _tell(self, raw: bytes) -> None:
        try:
            line = parse(raw)
        except MalformedLine as error:
            log.error("a line of this node's figures is left out: %s", error)  # noqa: TRY400 - the text says it all
        else:
            self._observe(line.cells, line.gauges, line.splits)


def _without_callers(cells: Sequence[Cell]) -> list[Cell]:
    """Cells that differ in identity or endpoint alone are one."""
    sums: dict[tuple[str, int, str], tuple[list[int], dict[int, int]]] = {}
    for api_id, _, status, reason, _, *counts, latencies in cells:
        so_far, buckets = sums.setdefault((api_id, status, reason), ([0, 0, 0], {}))
        so_far[:] = map(int.__add__, so_far, counts)
        for bucket, count in latencies.items():
            buckets[bucket] = buckets.get(bucket, 0) + count
    return [
        Cell(api_id, "", status, reason, "", count, bytes_in, bytes_out, buckets)
        for (api_id, status, reason), ((count, bytes_in, bytes_out), buckets) in sums.items()
    ]
