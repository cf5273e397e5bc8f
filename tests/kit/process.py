"""A `propylon` command as a process that leads a session of its own: begun as a person does, or forked.

Reading the code is four fifths of the 2 s CPU that a gateway takes to start, and tests start hundreds: `Forked` comes
from a process that has read it already, and does what the command does.
"""

import contextlib
import functools
import importlib
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import IO, Final, Protocol

from setproctitle import getproctitle

COMMAND: Final = (sys.executable, "-m", "propylon.cli.main")
READ: Final = ["propylon.cli.main", "propylon.cli.serve", "propylon.control.process", "propylon.dashboard.serving"]


class Process(Protocol):
    """What both are."""

    pid: int

    @property
    def stdout(self) -> IO[str] | None: ...

    def send_signal(self, sig: int) -> None: ...

    def wait(self, timeout: float) -> int:
        """The exit code. Raises subprocess.TimeoutExpired."""
        ...


def begun(arguments: Sequence[str], environment: Mapping[str, str], stderr: Path) -> Process:
    """By the command itself."""
    with stderr.open("a") as file:
        return subprocess.Popen(
            [*COMMAND, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
            start_new_session=True,
        )


class Forked:
    """A `Process`, made without reading the code again."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], stderr: Path) -> None:
        read, write = multiprocessing.Pipe(duplex=False)
        with write:
            self._process = _context().Process(target=_run, args=(list(arguments), dict(environment), write, stderr))
            self._process.start()
        with read:
            self.stdout: IO[str] = os.fdopen(os.dup(read.fileno()))
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def send_signal(self, sig: int) -> None:
        with contextlib.suppress(ProcessLookupError):  # as Popen does it
            os.kill(self.pid, sig)

    def wait(self, timeout: float) -> int:
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired(COMMAND[-1], timeout)
        return status


@functools.cache
def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(READ)
    return context


def _run(arguments: list[str], environment: dict[str, str], stdout: Connection, stderr: Path) -> None:
    """In the child: becomes what the command would be; its successor (SIGUSR2) is begun by the command."""
    os.setsid()
    getproctitle()  # finds where titles go by what stands behind them: the environment as it was
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [COMMAND[-1], *arguments]
    sys.orig_argv = [*COMMAND, *arguments]
    os.dup2(stdout.fileno(), 1)
    stdout.close()
    with stderr.open("a") as file:
        os.dup2(file.fileno(), 2)
    importlib.import_module(COMMAND[-1]).main()
