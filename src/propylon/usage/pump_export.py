"""Hands every exchange to Tyk's pump, beside our own usage: a record each, pushed once a second.

What cannot be pushed waits, bounded; what is lost is counted. A push whose answer did not come is repeated, so the pump
may see its records twice: our own usage is what is exact.
"""

import logging
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Final, Protocol

from propylon.clock import Clock
from propylon.errors import StoreUnavailable
from propylon.exchange import UNTRACKED, Exchange
from propylon.model.api_definition import ApiDefinition
from propylon.usage.pump_records import pump_record
from propylon.usage.recorded import Recorded, Recorder

log = logging.getLogger("propylon.usage")
KEPT_MAX: Final = 20_000  # records of a worker that wait, some 1.5 KiB each
KEPT_MAX_BYTES: Final = 32 * 1024**2  # the same; a recorded exchange makes a longer one
RECORDED_WAITING_MAX: Final = 10_000  # records in the list of the pump; beyond it new ones go without their recording
PIECE: Final = 500  # records of one push
PIECE_BYTES: Final = 1024**2  # the same; at least one record

Record = Callable[[Exchange], None]


class PumpQueue(Protocol):
    """Where the pump takes them from."""

    @property
    def waiting(self) -> int:
        """How many it has not taken, as of the last push."""
        ...

    async def push(self, records: list[bytes]) -> int:
        """Answers how many older ones had to go for them. Raises StoreUnavailable."""
        ...


class PumpExport:
    """One per worker; counts an exchange as `record` does, and keeps a record of it until the next flush."""

    def __init__(
        self,
        record: Record,
        queue: PumpQueue,
        definition_of: Callable[[str], ApiDefinition | None],
        clock: Clock,
        kept_s: float,
        recorder: Recorder,
    ) -> None:
        self._record = record
        self._queue = queue
        self._definition_of = definition_of
        self._clock = clock
        self._kept_s = kept_s
        self._recorder = recorder
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self.lost = 0  # records, here and in the queue

    def __call__(self, exchange: Exchange) -> None:
        self._record(exchange)
        if not exchange.api_id or exchange.api_facts is UNTRACKED:
            return
        definition = self._definition_of(exchange.api_id)
        if definition is None:  # gone meanwhile
            self.lost += 1
            return
        now, wall = self._clock.monotonic(), self._clock.wall()
        record = pump_record(exchange, definition, now, wall, self._kept_s, self._recorded(exchange))
        self._waiting.append(record)
        self._waiting_bytes += len(record)
        while len(self._waiting) > KEPT_MAX or self._waiting_bytes > KEPT_MAX_BYTES:
            self._take_off()
            self._lose(1)

    async def flush(self) -> None:
        """Each second and before the end. Raises StoreUnavailable: what waits goes on waiting."""
        while self._waiting:
            piece = self._piece()
            dropped = await self._queue.push(piece)
            for _ in range(min(len(piece), len(self._waiting))):
                self._take_off()
            if dropped:
                self._lose(dropped)

    async def end(self) -> None:
        try:
            await self.flush()
        except StoreUnavailable as failure:
            self._lose(len(self._waiting))
            log.warning("%s: %s", failure.code, failure.detail)

    def _recorded(self, exchange: Exchange) -> Recorded | None:
        """Not while the pump is far behind: its list is bounded by records, and these are long."""
        if self._queue.waiting > RECORDED_WAITING_MAX:
            return None
        recorded = self._recorder(exchange)
        return recorded if isinstance(recorded, Recorded) else None

    def _piece(self) -> list[bytes]:
        piece: list[bytes] = []
        size_bytes = 0
        for record in islice(self._waiting, PIECE):
            size_bytes += len(record)
            if piece and size_bytes > PIECE_BYTES:
                break
            piece.append(record)
        return piece

    def _take_off(self) -> None:
        self._waiting_bytes -= len(self._waiting.popleft())

    def _lose(self, records: int) -> None:
        if self.lost == 0:
            log.warning("records for Tyk's pump are lost: it does not take them in time")
        self.lost += records
