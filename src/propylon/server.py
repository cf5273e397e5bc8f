"""The parent process and composition root: binds, forks, watches, drains. The workers' stores are chosen here.

It stays clean (no loop, thread, LMDB or SQL handle), so that it can fork successors at any time. What it knows of
its children it shares with them in one anonymous page: a byte per worker slot and one for the control process.
"""

import logging
import mmap
import os
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from setproctitle import setproctitle

from propylon.children import CONTROL, DEATHS_MAX, Child, State, ending, live, read_beats
from propylon.clock import SystemClock
from propylon.control_child import ControlChild, be_control
from propylon.settings import Settings
from propylon.startup import CannotStart, bind_all, check_place, load_tracing, lock, ready_at, root_secrets
from propylon.upgrade import Inheritance, Succession, inherit
from propylon.workers import WorkerPlan, run_worker

log = logging.getLogger("propylon.server")
DEATHS_WITHIN_S: Final = 10.0
BACK_OFF_S: Final = 5.0
TICK_S: Final = 0.25
KILL_AFTER_S: Final = 5.0  # beyond drain_timeout_s, before what is left is killed
TAKEN: Final = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGUSR2,
    signal.SIGCHLD,
)  # signals that the parent answers


class Server:
    """Made once by `serve`; `run` is the parent's whole life."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._control = [] if settings.role == "gateway" else [Child(CONTROL)]
        self._workers = [] if settings.role == "control" else [Child(slot) for slot in range(settings.workers)]
        self._children = [*self._control, *self._workers]
        self._page = mmap.mmap(-1, mmap.PAGESIZE)
        self._selector = selectors.DefaultSelector()
        self._since = SystemClock.wall()
        self._stopping = self._announced = False
        self._heritage: Inheritance | None = None
        self._succession = Succession()

    def run(self) -> int:
        setproctitle("propylon: parent")
        load_tracing(self._settings)
        heritage = self._heritage = inherit()
        self._lock = heritage.lock if heritage is not None else lock(self._settings.data_dir)
        self._root_secrets = root_secrets(self._settings)
        kept = heritage.listening if heritage is not None else []
        self._listening = bind_all(self._settings.listen_address, len(self._workers), kept)
        if heritage is None:  # else it is in use, and has been looked at
            check_place(self._settings)
        self._runtime_dir = tempfile.mkdtemp(prefix="propylon-")  # 0700, and short: socket paths end at 107 bytes
        self._lifeline_read, self._lifeline_write = os.pipe()
        self._take_signals()
        try:
            self._start_control_and_wait()
            for child in self._workers:
                self._fork(child)
            while not self._stopping:
                self._tick()
            return self._end()
        finally:
            self._kill_all()
            shutil.rmtree(self._runtime_dir, ignore_errors=True)

    # -- start ----------------------------------------------------------------------------------------------------

    def _start_control_and_wait(self) -> None:
        """Control opens the records, migrates and loads files before any worker reads them."""
        for control in self._control:
            self._fork(control)
            while self._state(control) is State.STARTING and not self._stopping:
                self._wait(1.0)
                if control.pid == 0:
                    raise CannotStart("")  # the control process has said why

    def _fork(self, child: Child) -> None:
        beat_read, beat_write = os.pipe()
        os.set_blocking(beat_read, False)
        os.set_blocking(beat_write, False)
        self._page[child.slot + 1] = State.STARTING
        # A signal that met the newborn under the parent's handlers would be lost: it waits until there are others.
        masked = signal.pthread_sigmask(signal.SIG_BLOCK, TAKEN)
        pid = os.fork()
        if pid == 0:
            os.close(beat_read)
            live(lambda: self._be(child, beat_write))
        signal.pthread_sigmask(signal.SIG_SETMASK, masked)
        os.close(beat_write)
        child.pid, child.beat_fd, child.last_beat = pid, beat_read, time.monotonic()
        self._selector.register(beat_read, selectors.EVENT_READ, child)

    def _be(self, child: Child, beat_fd: int) -> None:
        """In the child: becomes what the slot says."""
        signal.set_wakeup_fd(-1)
        for number in TAKEN:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the loop answers it: a child that starts reads all anew
        signal.pthread_sigmask(signal.SIG_UNBLOCK, TAKEN)
        os.close(self._lifeline_write)
        os.close(self._lock)
        setproctitle(f"propylon: {child.title}")
        if child.slot == CONTROL:
            for listening in self._listening:
                listening.close()
            be_control(
                ControlChild(
                    settings=self._settings,
                    since=self._since,
                    socket_path=self._control_socket,
                    root_secrets=self._root_secrets,
                    beat_fd=beat_fd,
                    lifeline_fd=self._lifeline_read,
                    takes_over=self._heritage is not None,
                )
            )
            return
        run_worker(
            WorkerPlan(
                slot=child.slot,
                since=self._since,
                settings=self._settings,
                listening=self._listening[child.slot],
                control_socket=self._control_socket,
                root_secrets=self._root_secrets,
                beat_fd=beat_fd,
                lifeline_fd=self._lifeline_read,
                node_state=self._node_state,
            )
        )

    @property
    def _control_socket(self) -> str:
        return str(Path(self._runtime_dir) / "control")

    # -- watch ----------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        self._wait(TICK_S)
        now = time.monotonic()
        for child in self._children:
            if child.pid == 0:
                if now >= child.start_at:
                    self._fork(child)
            elif child.slot != CONTROL and now - child.last_beat > self._settings.worker_stall_s:
                self._kill_silent(child, now)
        if not self._announced and all(self._state(child) is State.READY for child in self._children):
            self._announced = True
            print(f"propylon ready on {ready_at(self._settings, self._listening)}", flush=True)
            if self._heritage is not None:
                os.kill(self._heritage.predecessor, signal.SIGTERM)

    def _kill_silent(self, worker: Child, now: float) -> None:
        """A stopped control process is left alone, but not when it may hold the lock that the worker waits for.

        It may have beaten last some time after the worker did: half of the worker's time is enough.
        """
        half = self._settings.worker_stall_s / 2
        for child, allowed_s in ((worker, 0.0), *((control, half) for control in self._control)):
            silent_s = now - child.last_beat
            if child.pid and silent_s > allowed_s:
                log.error("%s was silent for %.1f s and is replaced", child.title, silent_s)
                os.kill(child.pid, signal.SIGKILL)
                child.last_beat = now

    def _wait(self, seconds: float) -> None:
        """Until a beat, a signal or the time; then buries the dead."""
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                self._wakeup_read.recv(4096)
                continue
            child: Child = key.data
            beats = read_beats(key.fd)
            if beats:
                child.last_beat = time.monotonic()
                self._page[child.slot + 1] = State.READY
        self._bury()

    def _bury(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            child = next((child for child in self._children if child.pid == pid), None)
            if child is not None:
                self._note_death(child, status)
            else:
                self._succession.note_death(pid, status)

    def _note_death(self, child: Child, status: int) -> None:
        now = time.monotonic()
        self._selector.unregister(child.beat_fd)
        os.close(child.beat_fd)
        child.pid = 0
        self._page[child.slot + 1] = State.STARTING
        if self._stopping:
            return
        log.error("%s ended (%s)", child.title, ending(status))
        if not self._announced and child.slot != CONTROL and os.waitstatus_to_exitcode(status) == 2:
            raise CannotStart("")  # the worker has said why
        child.deaths.append(now)
        if len(child.deaths) == DEATHS_MAX and now - child.deaths[0] < DEATHS_WITHIN_S:
            child.start_at = now + BACK_OFF_S
            self._page[child.slot + 1] = State.BACKING_OFF
            log.error(
                "%s died %d times in %.0f s; next try in %.0f s", child.title, DEATHS_MAX, DEATHS_WITHIN_S, BACK_OFF_S
            )

    def _state(self, child: Child) -> State:
        return State(self._page[child.slot + 1])

    def _node_state(self) -> dict[str, object]:
        """For /ready, read in the children from the shared page."""
        states = {child.title: State(self._page[child.slot + 1]).name.lower() for child in self._children}
        return {"processes": states, "degraded": any(state == "backing_off" for state in states.values())}

    # -- stop -----------------------------------------------------------------------------------------------------

    def _take_signals(self) -> None:
        self._wakeup_read, wakeup_write = socket.socketpair()
        self._wakeup_read.setblocking(False)
        wakeup_write.setblocking(False)
        self._wakeup_write = wakeup_write
        signal.set_wakeup_fd(wakeup_write.fileno())
        self._selector.register(self._wakeup_read, selectors.EVENT_READ, None)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGHUP, lambda *_: self._signal_all(signal.SIGHUP))
        signal.signal(signal.SIGUSR2, self._hand_over)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _hand_over(self, *_: object) -> None:
        if not self._stopping:
            self._succession.begin(self._lock, self._listening)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _end(self) -> int:
        """Workers drain first; control ends after them, so that their last usage is stored."""
        self._ask_to_end(self._workers, self._settings.drain_timeout_s + KILL_AFTER_S)
        self._ask_to_end(self._control, KILL_AFTER_S)
        return 0

    def _ask_to_end(self, children: list[Child], within_s: float) -> None:
        for child in children:
            if child.pid:
                os.kill(child.pid, signal.SIGTERM)
        deadline = time.monotonic() + within_s
        while any(child.pid for child in children) and time.monotonic() < deadline:
            self._wait(TICK_S)
        for child in children:
            if child.pid:
                log.error("%s did not end within %.0f s and is killed", child.title, within_s)
                os.kill(child.pid, signal.SIGKILL)

    def _signal_all(self, number: signal.Signals) -> None:
        for child in self._children:
            if child.pid:
                os.kill(child.pid, number)

    def _kill_all(self) -> None:
        self._stopping = True
        self._signal_all(signal.SIGKILL)
        for child in self._children:
            if child.pid:
                os.waitpid(child.pid, 0)


def serve(settings: Settings) -> int:
    """Runs until told to stop; the process's exit code. Says on standard error why it cannot start (2)."""
    try:
        return Server(settings).run()
    except CannotStart as why:
        if str(why):
            print(f"propylon cannot start: {why}", file=sys.stderr)
        return 2
