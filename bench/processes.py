"""Child processes of a bench run: started on one core, awaited until they serve, ended by their own process id.

Knows no proxy. Every wait is bounded, and whatever was started is gone when its `with` block is left.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

INSTALL_HINT = "apt-get install nginx haproxy wrk"
READY_WITHIN_S = 20.0
ENDED_WITHIN_S = 10.0


class NotRun(Exception):
    """Why something could not be measured. It becomes the text of the row: no figure is ever made up."""


def end_all_on_sigterm() -> None:
    """Turns the signal into an exit, so that every `finally` still ends what was started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def demand(program: str) -> str:
    """The path of a program, or NotRun with how to get it."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        raise NotRun(f"{program} is not installed; {INSTALL_HINT}")
    return path


def two_cores() -> tuple[int, int]:
    """One for what is measured, one for load generator and origin; on one core they would measure each other."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise NotRun("the bench needs two cores: one for the proxy, one for load generator and origin")
    return cores[0], cores[1]


def on_core(core: int | None, command: Sequence[str]) -> list[str]:
    """taskset executes the command in its own place, so the process id is the command's."""
    return list(command) if core is None else ["taskset", "-c", str(core), *command]


@contextmanager
def running(command: Sequence[str], log: Path, *, core: int | None) -> Iterator["subprocess.Popen[bytes]"]:
    """A process in a group of its own, its output in `log`."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            on_core(core, command), stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0
        )
    try:
        yield process
    finally:
        _end(process)


def wait_until(is_true: Callable[[], bool], within_s: float, *, every_s: float = 0.005) -> bool:
    deadline = time.monotonic() + within_s
    while not (came_true := is_true()) and time.monotonic() < deadline:
        time.sleep(every_s)
    return came_true


def wait_until_ready(process: "subprocess.Popen[bytes]", log: Path, is_ready: Callable[[], bool]) -> None:
    """Raises NotRun with the end of the log when the process dies or stays silent."""
    wait_until(lambda: is_ready() or _has_exited(process), READY_WITHIN_S)
    if _has_exited(process) or not is_ready():
        what = "ended" if _has_exited(process) else f"was not ready within {READY_WITHIN_S:.0f} s"
        raise NotRun(f"{what} at start: {_last_words(log)}")


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _has_exited(process: "subprocess.Popen[bytes]") -> bool:
    """Does not reap: the id must stay ours until `_end` has signalled the group."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.returncode is not None:  # reaped by its user: the id may be another's by now
        return
    os.kill(process.pid, signal.SIGTERM)  # Popen.terminate would reap one that has exited
    wait_until(lambda: _has_exited(process), ENDED_WITHIN_S)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return " / ".join(line.strip() for line in lines[-3:] if line.strip())[-400:] or "it printed nothing"
