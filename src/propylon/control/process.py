"""The control process, from fork to exit: what it opens, in which order, and how it ends.

Runs in a process of its own; the parent (`server.py`) talks to it through signals and two pipes. Traffic goes on
without it: after a bug in what it repeats it ends, and the parent starts another. What it serves is `app.py`, what it
repeats `housekeeping.py`.
"""

import asyncio
import contextlib
import importlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Final, NamedTuple, NoReturn, Protocol

from propylon import __version__
from propylon.clock import SystemClock
from propylon.control.announcer import Announcer
from propylon.control.definitions import KnownApis
from propylon.control.desk import Desk
from propylon.control.explainer import Explainer
from propylon.control.files import Files
from propylon.control.housekeeping import Housekeeping
from propylon.control.people.signing_in import SigningIn
from propylon.control.standing import Standing
from propylon.errors import StoreUnavailable
from propylon.listening import BACKLOG, bind
from propylon.settings import Address, Settings
from propylon.stores.chosen import node_name, open_lookups, open_node_meters
from propylon.stores.ports import NodeMeters
from propylon.stores.records.leadership import Leadership
from propylon.stores.records.opening import open_records
from propylon.stores.records.placed import records_url_of
from propylon.stores.records.records import Records
from propylon.stores.records.schema import CannotOpen
from propylon.stores.root_secrets import RootSecretMismatch, RootSecrets
from propylon.tasks import spawn
from propylon.telemetry.metrics import Metrics, Of
from propylon.usage.histogram import bucket_end_us

log = logging.getLogger("propylon.control")
BEAT_S: Final = 0.5


class Serving(Protocol):
    """A server of an application: uvicorn's, which this module does not load."""

    should_exit: bool

    async def serve(self, sockets: list[socket.socket]) -> None: ...


class ControlPlan(NamedTuple):
    """What the parent hands to the control process."""

    settings: Settings
    since: float  # Unix time at which the node was started
    socket_path: str
    root_secrets: RootSecrets
    beat_fd: int  # one byte each half second; the first says prepared: workers may start
    lifeline_fd: int  # end of file: the parent is gone
    dashboard: Callable[[Desk], Serving]  # called once, when it is to be served
    takes_over: bool = False  # from a control process that still listens


def run_control(plan: ControlPlan) -> None:
    """Returns when the control process has ended; SystemExit(2), with the reason on stderr, when it cannot start."""
    asyncio.run(ControlProcess(plan).run())


class ControlProcess:
    """The parts of one control process and its visible sequences: start, serve, end."""

    def __init__(self, plan: ControlPlan) -> None:
        self._plan = plan
        self._settings = plan.settings
        self._stop = asyncio.Event()
        self._hung_up = asyncio.Event()  # SIGHUP: files are to be read again

    async def run(self) -> None:
        self._take_signals()
        listening = await self._start()
        self._beat()
        for work, name in ((self._keep_beating(), "beat"), (self._keep_reading_files(), "files")):
            spawn(work, name).add_done_callback(lambda _: self._stop.set())
        await self._serve(listening)
        await self._end()

    async def _start(self) -> list[socket.socket]:
        """Records → meters → quotas → files → head → sockets: what workers read first is there before they start."""
        try:
            self._records = await open_records(
                records_url_of(self._settings),
                self._plan.root_secrets.current,
                other=self._plan.root_secrets.other,
                timeout_s=self._settings.store_timeout_s,
            )
            self._meters = await open_node_meters(self._settings, self._records.revision)
            self._desk = _desk(self._plan, self._records, self._meters)
            leadership = Leadership(records_url_of(self._settings), timeout_s=self._settings.store_timeout_s)
            self._housekeeping = Housekeeping(self._desk, self._meters, leadership, self._stop.set)
            await self._housekeeping.restore_quotas()
            await self._desk.files.load()
            await self._desk.announcer.announce()
            await self._desk.standing.look()
            listening = _listen(self._plan)
            self._metrics_listening = self._listen_apart("metrics_listen", self._settings.metrics_address)
            self._dashboard_listening = self._listen_apart("dashboard_listen", self._settings.dashboard_address)
        except (CannotOpen, RootSecretMismatch) as why:
            _cannot_start(str(why))
        except StoreUnavailable as failure:
            _cannot_start(failure.detail)
        self._housekeeping.start()
        return listening

    def _listen_apart(self, setting: str, address: Address | None) -> socket.socket | None:
        return None if address is None else _bound(setting, address, takes_over=self._plan.takes_over)

    async def _serve(self, listening: list[socket.socket]) -> None:
        """FastAPI and uvicorn are imported once workers may start; requests wait in the backlog until then."""
        serving = importlib.import_module("propylon.control.serving")
        servers: list[tuple[Serving, list[socket.socket]]] = [(serving.server_of(self._desk), listening)]
        if self._metrics_listening is not None:
            servers.append((serving.metrics_server_of(self._desk), [self._metrics_listening]))
        if self._dashboard_listening is not None:
            servers.append((self._plan.dashboard(self._desk), [self._dashboard_listening]))

        async def stop() -> None:
            await self._stop.wait()
            self._desk.standing.is_ending = True
            for server, _ in servers:
                server.should_exit = True

        spawn(stop(), "stop serving")
        await asyncio.gather(*(server.serve(sockets) for server, sockets in servers))

    async def _end(self) -> None:
        """Requests have ended → the last usage and quotas are stored → stores close."""
        await self._housekeeping.end()
        await self._desk.explainer.close()
        await self._records.close()
        await self._meters.close()

    def _beat(self) -> None:
        with contextlib.suppress(OSError):  # the pipe is full or closed: the parent is behind or gone
            os.write(self._plan.beat_fd, b".")

    async def _keep_beating(self) -> None:
        while True:
            await self._desk.clock.sleep(BEAT_S)
            self._beat()

    async def _keep_reading_files(self) -> None:
        while True:
            await self._hung_up.wait()
            self._hung_up.clear()
            try:
                await self._desk.files.load()
                await self._desk.announcer.announce()
            except StoreUnavailable as failure:
                log.warning("files were not read again: %s", failure.detail)

    # -- signals --------------------------------------------------------------------------------------------------

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGINT, lambda: None)  # the parent's to handle
        loop.add_signal_handler(signal.SIGHUP, self._hung_up.set)
        loop.add_reader(self._plan.lifeline_fd, self._parent_gone)

    def _parent_gone(self) -> None:
        asyncio.get_running_loop().remove_reader(self._plan.lifeline_fd)
        self._stop.set()


def _desk(plan: ControlPlan, records: Records, meters: NodeMeters) -> Desk:
    settings = plan.settings
    known_apis = KnownApis(records, settings)
    files = Files(settings, records, known_apis)
    announcer = Announcer(records, meters)
    clock = SystemClock()
    explainer = Explainer(settings, records.sealing, meters, clock, lambda: open_lookups(settings))
    standing = Standing(records, meters, node_name(settings), plan.since)
    of = Of(standing.node, settings.role, __version__)
    return Desk(
        settings,
        records.sealing,
        records,
        meters,
        known_apis,
        files,
        announcer,
        clock,
        Metrics(bucket_end_us, of, standing.numbers),
        explainer,
        standing,
        SigningIn(records, clock),
    )


def _public_address(settings: Settings) -> Address | None:
    """A node without workers answers on `listen` itself."""
    return settings.control_address or (settings.listen_address if settings.role == "control" else None)


def _listen(plan: ControlPlan) -> list[socket.socket]:
    """Listening before the application is there, so that nobody is turned away while it is imported."""
    socket_path, address = plan.socket_path, _public_address(plan.settings)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(socket_path)  # of a control process before this one
    private = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    private.bind(socket_path)
    os.chmod(socket_path, 0o600)
    private.listen(BACKLOG)
    if address is None:
        return [private]
    name = "control_listen" if plan.settings.control_listen else "listen"
    return [private, _bound(name, address, takes_over=plan.takes_over)]


def _bound(setting: str, address: Address, *, takes_over: bool) -> socket.socket:
    """The port is shared while one takes over from another; first it is tried alone, so that a stranger is noticed."""
    try:
        if not takes_over:
            bind(address.host, address.port, shared=False).close()
        return bind(address.host, address.port, shared=True)
    except OSError as error:
        _cannot_start(f"{setting} {address}: {error.strerror}; stop what uses it or set another {setting}")


def _cannot_start(why: str) -> NoReturn:
    print(f"propylon cannot start: {why}", file=sys.stderr)
    raise SystemExit(2)
