"""A worker's usage, added up in memory and flushed each second: one line for thousands of exchanges.

Totals stay exact to the unit. A worker that is killed loses at most its unflushed second; one that is told to end
flushes first. A single exchange becomes a log entry only as `_is_logged` says: writing each would cost more than
proxying it (design §5.4).
"""

import json
from typing import Final, NamedTuple

from propylon.clock import Clock
from propylon.errors import StoreUnavailable
from propylon.exchange import Exchange
from propylon.stores.ports import Meters
from propylon.usage.histogram import bucket_of

CELLS_MAX: Final = 5_000  # distinct rows per flush; beyond it a line is cut early: memory bounded, totals exact
ENDPOINTS_MAX: Final = 200  # per API and flush; the rest counts as "other"
OTHER: Final = "other"
PATH_LOGGED_MAX: Final = 512
LINES_KEPT_MAX: Final = 600  # ten minutes of a store that is away

Dimensions = tuple[str, str, int, str, str]  # API, identity, status, reason, endpoint


class LogLimits(NamedTuple):
    """Entries a second and worker."""

    successes_per_s: int
    refusals_per_s: int


class Cell:
    """The exchanges that share their dimensions."""

    __slots__ = ("bytes_in", "bytes_out", "count", "latencies")

    def __init__(self) -> None:
        self.count = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.latencies: dict[int, int] = {}


class Folding:
    """One per worker; `record` is called once for each exchange, by gateway/handle.py."""

    def __init__(self, meters: Meters, clock: Clock, limits: LogLimits) -> None:
        self._meters = meters
        self._clock = clock
        self._limits = limits
        self._cells: dict[Dimensions, Cell] = {}
        self._endpoints: dict[str, set[str]] = {}
        self._log: list[list[object]] = []
        self._full: list[bytes] = []  # lines of flushes that came early
        self._successes = 0
        self._refusals_logged = 0
        self._log_every = 1  # of the successes; from the rate of the second before
        self._minute = int(clock.wall()) // 60

    def record(self, exchange: Exchange) -> None:
        """Adds one exchange; never waits."""
        denial = exchange.denial
        reason = denial.reason if denial is not None else exchange.failure
        caller = exchange.caller
        identity = caller.identity.record if caller is not None else ""
        endpoint = exchange.endpoint and self._bounded(exchange.api_id, exchange.endpoint)
        key = (exchange.api_id, identity, exchange.status, reason, endpoint)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._new_cell(key)
        latency_us = int((self._clock.monotonic() - exchange.started) * 1e6)
        cell.count += 1
        cell.bytes_in += exchange.body_in
        cell.bytes_out += exchange.body_out
        bucket = bucket_of(latency_us)
        cell.latencies[bucket] = cell.latencies.get(bucket, 0) + 1
        if self._is_logged(reason, exchange.status):
            self._log.append(self._entry(exchange, reason, latency_us))

    async def flush(self) -> None:
        """Each second and before the end: hands what was added up to the queue."""
        if not self._cells and not self._full:
            return
        lines = [*self._full, self._take_line()] if self._cells else self._full
        self._full = []
        self._log_every = max(1, self._successes // max(1, self._limits.successes_per_s))
        self._successes = self._refusals_logged = 0
        try:
            await self._meters.enqueue(lines)
        except StoreUnavailable:
            self._full = lines[-LINES_KEPT_MAX:]  # tried again with the next flush
            raise

    # -- inside ---------------------------------------------------------------------------------------------------

    def _new_cell(self, key: Dimensions) -> Cell:
        if len(self._cells) >= CELLS_MAX:
            self._full.append(self._take_line())
        cell = self._cells[key] = Cell()
        return cell

    def _bounded(self, api_id: str, endpoint: str) -> str:
        known = self._endpoints.setdefault(api_id, set())
        if endpoint in known:
            return endpoint
        if len(known) >= ENDPOINTS_MAX:
            return OTHER
        known.add(endpoint)
        return endpoint

    def _take_line(self) -> bytes:
        """One line of JSON, in the form `usage/drain.py` reads; everything is empty afterwards."""
        cells = [[*key, c.count, c.bytes_in, c.bytes_out, c.latencies] for key, c in self._cells.items()]
        line = json.dumps({"minute": self._minute, "cells": cells, "log": self._log}, separators=(",", ":")).encode()
        self._cells, self._log, self._endpoints = {}, [], {}
        self._minute = int(self._clock.wall()) // 60
        return line

    def _is_logged(self, reason: str, status: int) -> bool:
        """Every refusal and 5xx up to a bound, successes one in `_log_every`."""
        if reason or status >= 500:
            self._refusals_logged += 1
            return self._refusals_logged <= self._limits.refusals_per_s
        self._successes += 1
        return self._limits.successes_per_s > 0 and self._successes % self._log_every == 0

    def _entry(self, exchange: Exchange, reason: str, latency_us: int) -> list[object]:
        identity = exchange.caller.identity if exchange.caller is not None else None
        return [
            round(self._clock.wall(), 3),
            exchange.api_id,
            identity.record if identity else "",
            identity.key_hash if identity else "",
            identity.name if identity else "",
            exchange.head.method,
            exchange.head.path[:PATH_LOGGED_MAX],
            exchange.status,
            reason,
            latency_us,
            exchange.upstream_status,
            exchange.client_ip,
            1 if reason else self._log_every,
        ]
