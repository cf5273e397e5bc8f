"""One gateway worker, from fork to exit: what it opens, in which order, and how it ends.

Runs in a process of its own; the parent (`server.py`) talks to it through signals, two pipes and one shared page.
Imports nothing of the control plane.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import Callable
from typing import Final, NamedTuple

import uvloop

from propylon import __version__
from propylon.clock import SystemClock
from propylon.errors import StoreUnavailable
from propylon.exchange import Exchange
from propylon.gateway import replies
from propylon.gateway.deadlines import Deadlines
from propylon.gateway.downstream import Downstream, DownstreamSettings
from propylon.gateway.forward import Forward
from propylon.gateway.handle import Handle
from propylon.gateway.listener import Listener, server_tls
from propylon.gateway.own_pages import OwnPages
from propylon.gateway.pinning import ControlPinning
from propylon.gateway.pool import PoolLimits, Pools
from propylon.gateway.revocation import Revocation
from propylon.http.client_address import TrustedProxies
from propylon.http.limits import HeadLimits
from propylon.settings import Settings
from propylon.snapshot.assembly import deciding_parts, fetching_issuers
from propylon.snapshot.route import control_route
from propylon.stores.lmdb import LmdbMeters
from propylon.stores.ports import Lookups
from propylon.stores.sealing import RootSecret
from propylon.tasks import spawn
from propylon.telemetry import access_log
from propylon.telemetry.counters import Counters
from propylon.usage.folding import Folding, LogLimits

log = logging.getLogger("propylon.worker")
BEAT_S: Final = 0.5
FOLLOW_S: Final = 0.25
FLUSH_S: Final = 1.0
SYNC_S: Final = 3.0


class WorkerPlan(NamedTuple):
    """What the parent hands to a worker."""

    slot: int
    settings: Settings
    listening: socket.socket
    control_socket: str
    root_secret: RootSecret
    open_stores: Callable[[], tuple[Lookups, LmdbMeters]]
    beat_fd: int  # one byte each half second; the first says ready
    lifeline_fd: int  # end of file: the parent is gone
    node_state: Callable[[], dict[str, object]]  # what the parent knows of the other processes


def run_worker(plan: WorkerPlan) -> None:
    """Returns when the worker has drained."""
    uvloop.run(Worker(plan).run())


class Worker:
    """The parts of one worker and its two visible sequences: start and stop."""

    def __init__(self, plan: WorkerPlan) -> None:
        self._plan = plan
        self._settings = plan.settings
        self._stop = asyncio.Event()
        self._draining = False
        self._clock = SystemClock()
        self._counters = Counters(plan.slot)

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
        self._lookups, self._meters = self._plan.open_stores()
        settings, secret, clock, counters = self._settings, self._plan.root_secret, self._clock, self._counters
        issuers = self._issuers = fetching_issuers(settings, self._meters, clock, counters)
        self._follow, self._keyring = deciding_parts(
            settings, secret, self._lookups, self._meters, clock, counters, issuers, self._ask_control()
        )
        self._follow.on_snapshot = issuers.watch_definitions
        await self._follow.start()
        limits = LogLimits(self._settings.request_log_per_s, self._settings.refusal_log_per_s)
        self._usage = Folding(self._meters, self._clock, limits, self._gauges, access_log.write)
        self._running: dict[Exchange, Downstream] = {}
        self._deadlines = Deadlines(loop)
        self._listener = self._make_listener()
        revocation = Revocation(self._follow, self._running, self._clock)
        if not self._settings.streams_outlive_revocation:
            self._follow.on_change = revocation.on_change
        self._deadlines.start()
        await self._listener.start(self._plan.listening)
        spawn(self._every(BEAT_S, self._beat), "beat")
        spawn(self._every(FOLLOW_S, self._follow.catch_up), "follow")
        spawn(self._every(FLUSH_S, self._usage.flush), "usage")
        spawn(self._every(SYNC_S, self._sync), "sync")
        spawn(self._every(1.0, self._tidy, revocation), "tidy")
        spawn(self._every(1.0, issuers.refresh), "key sets")
        _spare_the_collector()

    async def _end(self) -> None:
        """Not ready → running exchanges end → usage is flushed → stores close."""
        self._draining = True
        await self._listener.drain(self._settings.drain_timeout_s)
        self._deadlines.stop()
        self._pools.close()
        await self._usage.flush()
        await self._issuers.close()
        await self._meters.close()
        await self._lookups.close()

    # -- parts ----------------------------------------------------------------------------------------------------

    def _ask_control(self) -> ControlPinning:
        return ControlPinning(self._plan.control_socket, self._settings.secret_text())

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
        self._tls = (
            server_tls(settings.tls_certificate, settings.tls_key)
            if settings.tls_certificate and settings.tls_key
            else None
        )
        forward = Forward(self._pools, settings.upstream_timeout_s, b"https" if self._tls else b"http")
        control = control_route(self._plan.control_socket) if settings.serves_control_on_listen else None
        pages = OwnPages(forward, control, {"/hello": self._hello, "/ready": self._ready})
        handle = Handle(self._follow, forward, pages, self._usage.record, self._running)
        if settings.hide_generator_header:
            replies.generator_fields.clear()
        downstream = DownstreamSettings(
            limits,
            settings.head_timeout_s,
            settings.idle_timeout_s,
            settings.body_timeout_s,
            settings.request_body_max_bytes,
            TrustedProxies(settings.trusted_proxies),
            self._tls,
            self._usage.record_unread,
        )
        return Listener(handle, downstream, self._deadlines, settings.connections_max)

    # -- repeated work --------------------------------------------------------------------------------------------

    async def _every(self, seconds: float, work: "Callable[..., object]", *arguments: object) -> None:
        """A failing store is waited for; its absence shows in /ready and in every refusal."""
        while True:
            try:
                outcome = work(*arguments)
                if asyncio.iscoroutine(outcome):
                    await outcome
            except StoreUnavailable as failure:
                log.warning("%s: %s", failure.code, failure.detail)
            await asyncio.sleep(seconds)

    def _beat(self) -> None:
        with contextlib.suppress(OSError):  # the pipe is full or closed: the parent is behind or gone
            os.write(self._plan.beat_fd, b".")

    def _gauges(self) -> dict[str, int]:
        """What travels with the usage of each second and becomes this worker's metrics."""
        counters = self._counters
        counters.cached_keys = len(self._keyring)
        counters.upstream_connects, counters.upstream_reuses = self._pools.connects, self._pools.reuses
        counters.running_exchanges = len(self._running)
        counters.applied_revision = self._follow.applied
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

    # -- own pages ------------------------------------------------------------------------------------------------

    def _hello(self) -> tuple[int, dict[str, object]]:
        return 200, {"status": "pass", "version": __version__, "description": "Propylon"}

    def _ready(self) -> tuple[int, dict[str, object]]:
        if self._draining:
            return 503, {"status": "error", "message": "Gateway is shutting down"}
        broken = {
            api_id: [problem.message for problem in state.problems]
            for api_id, state in self._follow.snapshot.apis.items()
            if state.problems
        }
        state = self._plan.node_state()
        status = "degraded" if broken or state.get("degraded") else "pass"
        details = {
            **state,
            "revision": self._follow.applied,
            "apis": len(self._follow.snapshot.apis),
            "problems": broken,
        }
        return 200, {"status": status, "version": __version__, "description": "Propylon ready", "details": details}


def _spare_the_collector() -> None:
    """What is there now stays: it is not looked at again. An exchange makes few cycles, so passes may be rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
