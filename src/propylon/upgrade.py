"""SIGUSR2: another parent takes the place of this one, of whatever version is installed by now, and nobody is cut off.

The listening sockets and the lock of the data folder go to a new process of the same command. It starts its own
children beside the old ones; once they are ready it tells its predecessor to end, which drains as after SIGTERM.
Connections that wait to be accepted wait in sockets that both have. If the new one cannot start, the old one goes on.
"""

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple

from propylon.children import ending

log = logging.getLogger("propylon.server")
VARIABLE: Final = "_PROPYLON_TAKES_OVER"  # not PROPYLON_…: those are settings


class Inheritance(NamedTuple):
    """What a successor gets."""

    predecessor: int  # pid
    lock: int  # descriptor
    listening: list[socket.socket]


class Succession:
    """The parent's side: one successor at a time."""

    def __init__(self) -> None:
        self._successor: subprocess.Popen[bytes] | None = None

    def begin(self, lock: int, listening: Sequence[socket.socket]) -> None:
        """Starts a successor, unless there is one already."""
        if self._successor is not None:
            log.warning("SIGUSR2 changes nothing: process %d is about to take over", self._successor.pid)
            return
        descriptors = [one.fileno() for one in listening]
        told = json.dumps({"pid": os.getpid(), "lock": lock, "listening": descriptors})
        environment = {**os.environ, VARIABLE: told}
        try:
            self._successor = subprocess.Popen(
                sys.orig_argv, executable=sys.executable, env=environment, pass_fds=[lock, *descriptors]
            )
        except OSError as error:
            log.warning("no successor could be started: %s", error)
        else:
            log.warning("process %d is to take over", self._successor.pid)

    def note_death(self, pid: int, status: int) -> None:
        if self._successor is not None and self._successor.pid == pid:
            self._successor = None
            log.error("the successor ended (%s); this gateway goes on", ending(status))


def inherit() -> Inheritance | None:
    """None in a process that was started by hand."""
    told = os.environ.pop(VARIABLE, "")
    if not told:
        return None
    said = json.loads(told)
    if said["pid"] != os.getppid():  # the predecessor has ended, or this is a process that a successor started
        return None
    for descriptor in (said["lock"], *said["listening"]):
        os.set_inheritable(descriptor, False)
    return Inheritance(said["pid"], said["lock"], [socket.socket(fileno=one) for one in said["listening"]])
