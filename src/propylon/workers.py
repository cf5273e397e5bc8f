"""One gateway worker, from fork to exit: what it opens, in which order, and how it ends.

Runs in a process of its own; the parent (`server.py`) talks to it through signals, two pipes and one shared page.
Imports nothing of the control plane.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import uvloop

from propylon import __version__
from propylon.clock import SystemClock
from propylon.collector import spare_the_collector
from propylon.errors import StoreUnavailable
from propylon.exchange import Exchange
from propylon.gateway import replies
from propylon.gateway.deadlines import Deadlines
from propylon.gateway.downstream import Downstream, DownstreamSettings
from propylon.gateway.forward import Forward
from propylon.gateway.handle import Handle
from propylon.gateway.listener import Listener, server_tls
from propylon.gateway.node_metrics import NodeMetrics
from propylon.gateway.own_pages import OwnPages
from propylon.gateway.pinning import ControlPinning
from propylon.gateway.pool import PoolLimits, Pools
from propylon.gateway.pumping import Pumping
from propylon.gateway.revocation import Revocation
from propylon.gateway.status_pages import StatusPages
from propylon.gateway.traced import Tracing
from propylon.http.client_address import TrustedProxies
from propylon.http.limits import HeadLimits
from propylon.repeating import Repeating
from propylon.settings import Settings
from propylon.snapshot.assembly import deciding_parts, fetching_issuers
from propylon.snapshot.route import control_route
from propylon.steps.imported_keys import Ask, ask_nobody
from propylon.stores.chosen import node_name, open_lookups, open_node_meters
from propylon.stores.ports import Beat
from propylon.stores.root_secrets import RootSecretMismatch, RootSecrets, sealing_of
from propylon.telemetry import access_log
from propylon.telemetry.counters import Counters
from propylon.telemetry.load import Load
from propylon.telemetry.report import Report, encode
from propylon.usage.entry import EveryExchange
from propylon.usage.folding import Folding, LogLimits
from propylon.usage.node_lines import NodeLines
from propylon.usage.recorded import Recorder

log = logging.getLogger("propylon.worker")
BEAT_S: Final = 0.5
FOLLOW_S: Final = 0.25
FLUSH_S: Final = 1.0
SYNC_S: Final = 3.0


class WorkerPlan(NamedTuple):
    """What the parent hands to a worker."""

    slot: int
    since: float  # Unix time at which the node was started
    settings: Settings
    listening: socket.socket
    control_socket: str
    root_secrets: RootSecrets
    beat_fd: int  # one byte each half second; the first says ready
    lifeline_fd: int  # end of file: the parent is gone
    node_state: Callable[[], dict[str, object]]  # what the parent knows of the other processes


def run_worker(plan: WorkerPlan) -> None:
    """Returns when the worker has drained; SystemExit(2), with the reason on stderr, when it cannot start."""
    try:
        uvloop.run(Worker(plan).run())
    except RootSecretMismatch as why:
        print(f"propylon cannot start: {why}", file=sys.stderr)
        raise SystemExit(2) from why


class Worker:
    """The parts of one worker and its two visible sequences: start and stop."""

    def __init__(self, plan: WorkerPlan) -> None:
        self._plan = plan
        self._settings = plan.settings
        self._stop = asyncio.Event()
        self._clock = SystemClock()
        self._repeating = Repeating(self._clock, log, on_bug=self._stop.set)  # the parent replaces it
        self._counters = Counters(plan.slot)
        self._load = Load()
        self._access_log = access_log.AccessLog(access_log.output_to(sys.stderr))
        self._pumping = Pumping(plan.settings, self._clock)
        self._tracing = Tracing(plan.settings, self._clock, f"{node_name(plan.settings)}:{plan.slot + 1}")

    async def run(self) -> None:
        await self._start()
        await self._stop.wait()
        await self._end()

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGINT, lambda: None)  # the parent's to handle
        loop.add_signal_handler(signal.SIGHUP, self._reread_tls)
        loop.add_reader(self._plan.lifeline_fd, self._parent_gone)
        self._lookups = open_lookups(self._settings)
        self._meters = await open_node_meters(self._settings, self._lookups.revision)
        sealing = await sealing_of(self._lookups, self._plan.root_secrets)
        settings, clock, counters = self._settings, self._clock, self._counters
        issuers = self._issuers = fetching_issuers(settings, self._meters, clock, counters)
        self._follow, self._keyring = deciding_parts(
            settings, sealing, self._lookups, self._meters, clock, counters, issuers, self._ask_control()
        )
        self._follow.on_snapshot = issuers.watch_definitions
        await self._follow.start()
        self._usage = self._folding()
        self._running: dict[Exchange, Downstream] = {}
        self._deadlines = Deadlines(loop)
        self._listener = self._make_listener()
        revocation = Revocation(self._follow, self._running, self._clock)
        self._follow.on_change = lambda names: self._note_change(names, revocation)
        self._deadlines.start()
        await self._listener.start(self._plan.listening)
        for work, name, every_s in (
            (self._beat, "beat", BEAT_S),
            (self._keep_up, "follow", self._settings.follow_interval_s or FOLLOW_S),
            (self._usage.flush, "usage", FLUSH_S),
            (self._pumping.flush, "pump", FLUSH_S),
            (self._access_log.flush, "access log", access_log.FLUSH_S),
            (self._sync, "sync", SYNC_S),
            (self._report, "node", 1.0),
            (partial(self._tidy, revocation), "tidy", 1.0),
            (issuers.refresh, "key sets", 1.0),
        ):
            self._repeating.begin(work, name, every_s=every_s)
        self._metrics = self._node_metrics()
        if self._metrics is not None:
            self._repeating.begin(self._metrics.collect, "metrics", every_s=1.0)
        spare_the_collector()

    async def _end(self) -> None:
        """Not ready → running exchanges end → what is repeated ends → usage is flushed → stores close."""
        self._pages.is_draining = True
        await self._listener.drain(self._settings.drain_timeout_s)
        self._deadlines.stop()
        self._pools.close()
        await self._repeating.end()
        await self._access_log.flush()
        if self._metrics is not None:
            await self._metrics.end()
        await self._usage.flush()
        await self._pumping.end()
        await self._tracing.end()
        await self._issuers.close()
        await self._meters.close()
        await self._lookups.close()

    # -- parts ----------------------------------------------------------------------------------------------------

    def _ask_control(self) -> Ask:
        if self._settings.role == "gateway":
            return ask_nobody
        return ControlPinning(self._plan.control_socket, self._settings.secret_text())

    def _folding(self) -> Folding:
        settings, queue = self._settings, self._meters.own_queue
        limits = LogLimits(settings.request_log_per_s, settings.refusal_log_per_s)
        write = self._access_log.write if settings.access_log == "refusals" else None
        # Where nobody would take them, lines would fill the queue.
        are_taken = settings.role == "all" or settings.metrics_address is not None
        node_lines = NodeLines(queue) if queue is not None and are_taken else None
        recorder = Recorder(self._follow.definition_of)
        return Folding(self._meters, self._clock, limits, self._gauges, write, node_lines, recorder)

    def _node_metrics(self) -> NodeMetrics | None:
        """In the first worker of a node without a control process."""
        settings, queue = self._settings, self._meters.own_queue
        address = settings.metrics_address
        if settings.role != "gateway" or self._plan.slot != 0 or address is None or queue is None:
            return None
        downstream = self._downstream._replace(
            trusted_proxies=TrustedProxies(()), tls=None, note_refused=lambda failure: None
        )
        of = (node_name(settings), settings.role, __version__)
        return NodeMetrics(address, queue, of, downstream, self._deadlines)

    def _make_listener(self) -> Listener:
        settings = self._settings
        limits = HeadLimits(settings.target_max_bytes, settings.head_max_bytes, settings.head_fields_max)
        pool_limits = PoolLimits(
            settings.connect_timeout_s,
            settings.upstream_idle_timeout_s,
            settings.upstream_idle_max,
            settings.upstream_connections_max,
        )
        self._pools = Pools(pool_limits, limits, self._deadlines)
        certificate, key = settings.tls_certificate, settings.tls_key
        self._tls = server_tls(certificate, key) if certificate and key else None
        scheme = b"https" if self._tls else b"http"
        forward = Forward(self._pools, settings.upstream_timeout_s, scheme, settings.recorded_body_max_bytes)
        serves_control = settings.role == "all" and settings.serves_control_on_listen
        control = control_route(self._plan.control_socket) if serves_control else None
        status = self._pages = StatusPages(settings, self._follow, self._meters, self._plan.node_state)
        pages = OwnPages(forward, control, {"/hello": status.hello, "/ready": status.ready})
        record: Callable[[Exchange], None] = self._usage.record
        if settings.access_log == "all":
            record = EveryExchange(record, self._access_log.write, self._clock)
        record = self._pumping.around(record, self._follow)
        send_on, record = self._tracing.around(forward, record, self._follow)
        handle = Handle(self._follow, send_on, pages, record, self._running)
        if settings.hide_generator_header:
            replies.generator_fields.clear()
        self._downstream = DownstreamSettings(
            limits,
            settings.head_timeout_s,
            settings.idle_timeout_s,
            settings.body_timeout_s,
            settings.request_body_max_bytes,
            TrustedProxies(settings.trusted_proxies),
            self._tls,
            self._usage.record_unread,
        )
        return Listener(handle, self._downstream, self._deadlines, settings.connections_max)

    # -- repeated work --------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        with contextlib.suppress(OSError):  # the pipe is full or closed: the parent is behind or gone
            os.write(self._plan.beat_fd, b".")

    async def _keep_up(self) -> None:
        try:
            await self._follow.catch_up()
        except StoreUnavailable:  # how far behind it is shows then, too
            await self._note_lag()
            raise
        await self._note_lag()

    async def _note_lag(self) -> None:
        self._counters.revision_lag = max(0, await self._meters.recent_head() - self._follow.applied)

    def _note_change(self, names: frozenset[str], revocation: Revocation) -> None:
        self._counters.catch_ups += 1
        if not self._settings.streams_outlive_revocation:
            revocation.on_change(names)

    async def _report(self) -> None:
        """To whoever shows the nodes of a fleet."""
        settings, counters = self._settings, self._counters
        numbers = (self._follow.applied, counters.exchanges_per_s, len(self._running))
        report = Report(settings.role, __version__, self._plan.since, *numbers)
        await self._meters.beat(Beat(f"worker {self._plan.slot + 1}", serves=True, said=encode(report)))

    def _gauges(self) -> dict[str, float]:
        """What travels with the usage of each second and becomes this worker's metrics."""
        counters, troubles = self._counters, self._meters.troubles
        counters.exchanges = self._usage.exchanges
        counters.exchanges_per_s = self._load.note(self._clock.monotonic(), counters.exchanges)
        counters.cached_keys = len(self._keyring)
        counters.upstream_connects, counters.upstream_reuses = self._pools.connects, self._pools.reuses
        counters.running_exchanges = len(self._running)
        counters.applied_revision = self._follow.applied
        counters.stores_away = int(self._meters.is_away)
        counters.quotas_uncounted, counters.outcomes_unknown = troubles.quotas_uncounted, troubles.outcomes_unknown
        counters.durability_problems = len(troubles.durability)
        counters.access_lines_lost, counters.pump_records_lost = self._access_log.lost, self._pumping.lost
        counters.spans_sent, counters.spans_lost = self._tracing.counts
        return counters.values()

    def _parent_gone(self) -> None:
        asyncio.get_running_loop().remove_reader(self._plan.lifeline_fd)
        self._stop.set()

    async def _sync(self) -> None:
        """In a thread: it waits for the disk."""
        await asyncio.to_thread(self._meters.sync)

    def _tidy(self, revocation: Revocation) -> None:
        self._pools.close_idle(asyncio.get_running_loop().time())
        revocation.sweep()

    def _reread_tls(self) -> None:
        """A renewed certificate for connections from now on; one that does not load changes nothing."""
        certificate, key = self._settings.tls_certificate, self._settings.tls_key
        if self._tls is None or certificate is None or key is None:
            return
        try:
            self._tls.load_cert_chain(certificate, key)
        except OSError as error:
            log.error("tls_certificate and tls_key were not read again: %s", error)  # noqa: TRY400 - the text says it all
