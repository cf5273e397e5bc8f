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
from typing import Final, NamedTuple, NoReturn

from propylon.clock import SystemClock
from propylon.control.announcer import Announcer
from propylon.control.definitions import KnownApis
from propylon.control.desk import Desk
from propylon.control.explainer import Explainer
from propylon.control.files import Files
from propylon.control.housekeeping import Housekeeping
from propylon.errors import StoreUnavailable
from propylon.settings import Address, Settings
from propylon.stores.lmdb import LmdbMeters
from propylon.stores.records.engines import sqlite_url
from propylon.stores.records.lookups import SqliteLookups
from propylon.stores.records.opening import open_records
from propylon.stores.records.records import Records
from propylon.stores.records.schema import CannotOpen
from propylon.stores.sealing import RootSecret
from propylon.tasks import spawn
from propylon.telemetry.metrics import Metrics
from propylon.usage.histogram import bucket_end_us

log = logging.getLogger("propylon.control")
BEAT_S: Final = 0.5
BACKLOG: Final = 1024  # requests that wait, also while the application is imported


class ControlPlan(NamedTuple):
    """What the parent hands to the control process."""

    settings: Settings
    socket_path: str
    root_secret: RootSecret
    open_meters: Callable[[], LmdbMeters]
    beat_fd: int  # one byte each half second; the first says prepared: workers may start
    lifeline_fd: int  # end of file: the parent is gone


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
            self._records = await open_records(sqlite_url(self._settings.records_path), self._plan.root_secret)
            self._meters = self._plan.open_meters()
            self._desk = _desk(self._plan, self._records, self._meters)
            self._housekeeping = Housekeeping(self._desk, self._meters, self._stop.set)
            await self._housekeeping.restore_quotas()
            await self._desk.files.load()
            await self._desk.announcer.announce()
            listening = _listen(self._plan.socket_path, self._settings.control_address)
        except CannotOpen as why:
            _cannot_start(str(why))
        except StoreUnavailable as failure:
            _cannot_start(failure.detail)
        self._housekeeping.start()
        return listening

    async def _serve(self, listening: list[socket.socket]) -> None:
        """FastAPI and uvicorn are imported once workers may start; requests wait in the backlog until then."""
        serving = importlib.import_module("propylon.control.serving")
        server = serving.server_of(self._desk)

        async def stop() -> None:
            await self._stop.wait()
            server.should_exit = True

        spawn(stop(), "stop serving")
        await server.serve(listening)

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


def _desk(plan: ControlPlan, records: Records, meters: LmdbMeters) -> Desk:
    settings = plan.settings
    known_apis = KnownApis(records, settings)
    files = Files(settings, records, known_apis)
    announcer = Announcer(records, meters)
    clock = SystemClock()
    explainer = Explainer(settings, plan.root_secret, meters, clock, lambda: SqliteLookups(settings.records_path))
    return Desk(
        settings,
        plan.root_secret,
        records,
        meters,
        known_apis,
        files,
        announcer,
        clock,
        Metrics(bucket_end_us),
        explainer,
    )


def _listen(socket_path: str, address: Address | None) -> list[socket.socket]:
    """Listening before the application is there, so that nobody is turned away while it is imported."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(socket_path)  # of a control process before this one
    private = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    private.bind(socket_path)
    os.chmod(socket_path, 0o600)
    sockets = [private] if address is None else [private, _bound(address)]
    for one in sockets:
        one.listen(BACKLOG)
    return sockets


def _bound(address: Address) -> socket.socket:
    host = "127.0.0.1" if address.host == "localhost" else address.host
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, address.port))
    except OSError as error:
        remedy = "stop what uses it or set another control_listen"
        _cannot_start(f"control_listen {address}: {error.strerror}; {remedy}")
    return bound


def _cannot_start(why: str) -> NoReturn:
    print(f"propylon cannot start: {why}", file=sys.stderr)
    raise SystemExit(2)
