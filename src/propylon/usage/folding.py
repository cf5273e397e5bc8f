"""A worker's usage, added up in memory and flushed each second: one line for thousands of exchanges.

Totals stay exact to the unit. A worker that is killed loses at most its unflushed second; one that is told to end
flushes first. A single exchange becomes a log entry in part: writing each would cost more than
proxying it (design §5.4). `sampling.py` says which.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from propylon.clock import Clock
from propylon.errors import Failure, MetersFull, StoreUnavailable
from propylon.exchange import NO_API, UNTRACKED, ApiFacts, Exchange
from propylon.stores.ports import Meters
from propylon.usage.entry import access_entry, log_entry
from propylon.usage.histogram import bucket_of
from propylon.usage.line import Cell, Line, LogEntry, encode
from propylon.usage.node_lines import NodeLines
from propylon.usage.recorded import Recorder
from propylon.usage.recordings import Recordings
from propylon.usage.sampling import Sampling
from propylon.usage.sightings import Sightings
from propylon.usage.split import Spent, split_us
from propylon.usage.tag_sets import OTHER, Tagged, TagSets
from propylon.usage.uses import Uses

log = logging.getLogger("propylon.usage")
CELLS_MAX: Final = 5_000  # distinct rows per flush; beyond it a line is cut early: memory bounded, totals exact
ENDPOINTS_MAX: Final = 200  # per API and line; the rest counts as "other"
LINES_KEPT_MAX: Final = 600  # ten minutes of a store that is away
LINES_LOST: Final = "usage_lines_lost"  # a gauge
LINES_WAITING: Final = "usage_lines_waiting"  # a gauge
TAGS_OTHER: Final = "usage_tags_other"  # a gauge
RECORDINGS_NOT_KEPT: Final = "recordings_not_kept"  # a gauge
GAUGES: Final = (LINES_LOST, LINES_WAITING, TAGS_OTHER, RECORDINGS_NOT_KEPT)

NO_TAGS: Final[tuple[str, ...]] = ()

Dimensions = tuple[str, str, int, str, str, tuple[str, ...]]  # API, identity, status, reason, endpoint, caller's tags


class LogLimits(NamedTuple):
    """Entries a second and worker."""

    successes_per_s: int
    refusals_per_s: int


class _Sums:
    """A cell that still grows."""

    __slots__ = ("bytes_in", "bytes_out", "count", "latencies", "tags")

    def __init__(self, tags: tuple[str, ...]) -> None:
        self.tags = tags
        self.count = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.latencies: dict[int, int] = {}


def _no_counters() -> dict[str, float]:
    return {}


def _not_written(entry: Mapping[str, object]) -> None:
    return


class Folding:
    """One per worker; `record` is called once for each exchange, by gateway/handle.py.

    `counters` are the worker's own, added to its lines. `write_refusal` is given the entry of every refusal and failure
    that is logged, as it goes to the access log. `node_lines` takes what the node's own metrics need. `recorder` makes
    the recordings of those that are recorded whole; without it none are.
    """

    def __init__(
        self,
        meters: Meters,
        clock: Clock,
        limits: LogLimits,
        counters: Callable[[], dict[str, float]] | None = None,
        write_refusal: Callable[[Mapping[str, object]], None] | None = None,
        node_lines: NodeLines | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._meters = meters
        self._clock = clock
        self._counters = counters or _no_counters
        self._write_refusal = write_refusal or _not_written
        self._node_lines = node_lines
        self._successes = Sampling(limits.successes_per_s)
        self._refusals = Sampling(limits.refusals_per_s)
        self._minute = 0
        self._cells: dict[Dimensions, _Sums] = {}
        self._spent: dict[str, Spent] = {}  # by API; a number for each exchange until the line is cut
        self._endpoints: dict[str, set[str]] = {}
        self._apis: dict[str, ApiFacts] = {}  # of those with cells
        self._tag_sets = TagSets()
        self._log: list[LogEntry] = []
        self._recordings = Recordings(recorder)  # of its entries
        self._sightings = Sightings()
        self._uses = Uses()
        self._lines: deque[bytes] = deque()  # not in the queue yet
        self._lines_lost = 0
        self._counted = 0  # exchanges of lines that were cut
        self._gauges: dict[str, float] = dict.fromkeys(GAUGES, 0)  # as they were last sent

    def record(self, exchange: Exchange) -> None:
        """Adds one exchange; never waits."""
        denial = exchange.denial
        reason = denial.reason if denial is not None else exchange.failure
        caller, credential = exchange.caller, exchange.credential
        record, tags = "", NO_TAGS
        if caller is not None:
            identity, tags = caller.identity, caller.session.tags
            record = identity.record
            if identity.kind == "subject":
                self._sightings.note(exchange, caller)
        if credential is not None and credential not in self._uses.noted:
            self._uses.note(credential)
        if exchange.api_facts is UNTRACKED:  # who was seen, and when a key was last used, is kept all the same
            self._counted += 1
            return
        endpoint = exchange.endpoint and self._bounded(exchange.api_id, exchange.endpoint)
        key = (exchange.api_id, record, exchange.status, reason, endpoint, tags)
        sums = self._cells.get(key) or self._new_sums(key, exchange.api_facts)
        now = self._clock.monotonic()
        latency_us = int((now - exchange.started) * 1e6)
        sums.count += 1
        sums.bytes_in += exchange.body_in
        sums.bytes_out += exchange.body_out
        bucket = bucket_of(latency_us)
        sums.latencies[bucket] = sums.latencies.get(bucket, 0) + 1
        if exchange.asked_at:
            upstream, gateway = self._spent.get(exchange.api_id) or self._new_spent(exchange.api_id)
            upstream_us, gateway_us = split_us(exchange, now)
            upstream.append(upstream_us)
            gateway.append(gateway_us)
        is_refusal = bool(reason) or exchange.status >= 500
        if one_in := (self._refusals if is_refusal else self._successes).stands_for():
            entry = log_entry(exchange, reason, latency_us, one_in, self._clock.wall())
            if exchange.recording is not None or exchange.own_reply:
                self._recordings.note(len(self._log), exchange, is_waiting=bool(self._lines))
            self._log.append(entry)
            if is_refusal:
                self._write_refusal(access_entry(entry, exchange, now))

    def record_unread(self, failure: Failure) -> None:
        """Adds bytes that were no request: there is no exchange, only the reason it was refused for."""
        key = ("", "", failure.status, failure.code, "", ())
        sums = self._cells.get(key) or self._new_sums(key, NO_API)
        sums.count += 1

    async def flush(self) -> None:
        """Each second and before the end: hands what was added up to the queue."""
        own = (self._lines_lost, len(self._lines), self._tag_sets.others, self._recordings.not_kept)
        gauges = self._counters() | dict(zip(GAUGES, own, strict=True))
        if self._cells or (gauges != self._gauges and not self._lines):
            self._gauges = gauges
            self._cut_line()
        self._successes.next_second(spread=True)
        self._refusals.next_second(spread=False)
        self._recordings.next_second()
        if self._node_lines is not None:
            await self._node_lines.flush(self._this_minute(), gauges)
        while self._lines:
            await self._enqueue(self._lines.popleft())

    @property
    def exchanges(self) -> int:
        """How many were recorded so far."""
        return self._counted + sum(sums.count for sums in self._cells.values())

    # -- inside ---------------------------------------------------------------------------------------------------

    def _new_sums(self, key: Dimensions, facts: ApiFacts) -> _Sums:
        """What is the same for all exchanges of a cell is looked at here, once a line and not for each of them."""
        if len(self._cells) >= CELLS_MAX:
            self._cut_line()
        if not self._cells:
            self._minute = self._this_minute()
        if facts is not NO_API:
            self._apis[key[0]] = facts
        tags = key[-1] + facts.tags
        sums = self._cells[key] = _Sums(self._tag_sets.bounded(self._minute, tags) if tags else ())
        return sums

    def _new_spent(self, api_id: str) -> Spent:
        spent = self._spent[api_id] = Spent([], [])
        return spent

    def _bounded(self, api_id: str, endpoint: str) -> str:
        known = self._endpoints.setdefault(api_id, set())
        if endpoint in known:
            return endpoint
        if len(known) >= ENDPOINTS_MAX:
            return OTHER
        known.add(endpoint)
        return endpoint

    def _cut_line(self) -> None:
        """Everything is empty afterwards."""
        cells = [Cell(*key[:5], c.count, c.bytes_in, c.bytes_out, c.latencies) for key, c in self._cells.items()]
        minute = self._minute if cells else self._this_minute()
        seen, used = self._sightings.take(minute), self._uses.take(minute)
        splits = {api_id: spent.split() for api_id, spent in self._spent.items()}
        tagged = _tagged(self._cells.values())
        added = (seen, used, splits, self._apis, tagged, self._recordings.take())
        self._keep(encode(Line(minute, cells, self._log, self._gauges, *added)))
        if self._node_lines is not None:
            self._node_lines.note(minute, cells, splits)
        self._counted = self.exchanges
        self._cells, self._spent, self._log, self._endpoints, self._apis = {}, {}, [], {}, {}

    def _keep(self, line: bytes) -> None:
        self._lines.append(line)
        if len(self._lines) > LINES_KEPT_MAX:
            self._lines.popleft()
            self._lose_line("the store was away too long")

    def _lose_line(self, why: str) -> None:
        self._lines_lost += 1
        log.warning("a line of usage is lost: %s", why)

    async def _enqueue(self, line: bytes) -> None:
        """One by one: a call with several lines may fail after some of them, and those would count twice."""
        try:
            await self._meters.enqueue([line])
        except MetersFull as failure:  # it alone is larger than the queue; to wait for it would hold up all others
            self._lose_line(failure.detail)
        except (StoreUnavailable, asyncio.CancelledError):
            self._lines.appendleft(line)  # tried again with the next flush; the queue knows it again
            raise

    def _this_minute(self) -> int:
        return int(self._clock.wall()) // 60


def _tagged(sums: Iterable[_Sums]) -> list[Tagged]:
    places: dict[tuple[str, ...], list[int]] = {}
    for place, one in enumerate(sums):
        if one.tags:
            places.setdefault(one.tags, []).append(place)
    return [Tagged(list(tags), cells) for tags, cells in places.items()]
