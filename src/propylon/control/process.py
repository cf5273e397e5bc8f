"""The control process, from fork to exit: what it opens, in which order, what it repeats, and how it ends.

Runs in a process of its own; the parent (`server.py`) talks to it through signals and two pipes. Traffic goes on
without it. What it serves is `app.py`.
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
from pathlib import Path
from typing import Final, NamedTuple

from propylon.clock import SystemClock
from propylon.control.announcer import Announcer
from propylon.control.desk import Desk
from propylon.control.files import Files
from propylon.errors import StoreUnavailable
from propylon.settings import Address, Settings
from propylon.stores.lmdb import LmdbMeters
from propylon.stores.sealing import RootSecret
from propylon.tasks import spawn

log = logging.getLogger("propylon.control")
BEAT_S: Final = 0.5
ANNOUNCE_S: Final = 1.0
DRAIN_S: Final = 1.0
SWEEP_S: Final = 5.0
SWEEP_METERS: Final = 2000  # looked at in one go
CHECKPOINT_S: Final = 60.0
BACKLOG: Final = 1024  # requests that wait, also while the application is imported


class ControlPlan(NamedTuple):
    """What the parent hands to the control process."""

    settings: Settings
    socket_path: str
    root_secret: RootSecret
    open_meters: Callable[[], LmdbMeters]
    beat_fd: int  # one byte each half second; the first says prepared: workers may start
    lifeline_fd: int  # end of file: the parent is gone
    parent_pid: int


def run_control(plan: ControlPlan) -> None:
    """Returns when the control process has ended; SystemExit(2), with the reason on stderr, when it cannot start."""
    asyncio.run(ControlProcess(plan).run())


class ControlProcess:
    """The parts of one control process and its two visible sequences: start and stop."""

    def __init__(self, plan: ControlPlan) -> None:
        self._plan = plan
        self._settings = plan.settings
        self._stop = asyncio.Event()

    async def run(self) -> None:
        self._take_signals()
        await self._prepare()
        listening = _listen(self._plan.socket_path, self._settings.control_address)
        self._repeat()
        await self._serve(listening)
        await self._end()

    async def _prepare(self) -> None:
        """What workers read at their start has to be there before they start."""
        self._meters = self._plan.open_meters()
        self._records = await self._open_records()
        await self._meters.restore_quotas(await self._records.quota_checkpoints())
        announcer = Announcer(self._records, self._meters)
        files = Files(self._settings, self._records)
        self._desk = Desk(self._settings, self._records, self._plan.root_secret, self._meters, files, announcer, SystemClock())
        await self._read_files()

    async def _serve(self, listening: list[socket.socket]) -> None:
        """FastAPI and uvicorn are imported here, once workers may start; requests wait in the backlog meanwhile."""
        serving = importlib.import_module("propylon.control.serving")
        server = serving.server_of(self._desk)
        spawn(self._stop_serving(server), "stop")
        await server.serve(listening)

    async def _end(self) -> None:
        """Requests have ended → the last usage and quotas are stored → stores close."""
        with contextlib.suppress(StoreUnavailable):
            await self._drain.run_once()
            await self._checkpoint()
        await self._records.close()
        await self._meters.close()

    def _repeat(self) -> None:
        self._beat()
