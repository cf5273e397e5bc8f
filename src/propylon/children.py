"""The parent's view of its children: a slot, the process that fills it now, its beats and its deaths.

Knows no socket, store or setting; forking and judging are `server.py`.
"""

import os
import sys
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from typing import Final, NoReturn

DEATHS_MAX: Final = 5
CONTROL: Final = -1  # the slot of the control process


class State(IntEnum):
    """What the shared page says of a child."""

    STARTING = 0
    READY = 1
    BACKING_OFF = 2


class Child:
    """One slot and the process that fills it now."""

    def __init__(self, slot: int) -> None:
        self.slot = slot
        self.pid = 0
        self.beat_fd = -1
        self.last_beat = 0.0
        self.deaths: deque[float] = deque(maxlen=DEATHS_MAX)
        self.start_at = 0.0  # monotonic; not before

    @property
    def title(self) -> str:
        return "control" if self.slot == CONTROL else f"worker {self.slot + 1}"


def live(work: Callable[[], object]) -> NoReturn:
    """A child's whole life. It never returns into the parent's code, whatever happens."""
    code = 1
    try:
        work()
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 1
    finally:
        bug = sys.exc_info()[1]
        if bug is not None and not isinstance(bug, SystemExit | KeyboardInterrupt):
            sys.excepthook(type(bug), bug, bug.__traceback__)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def read_beats(fd: int) -> bytes:
    try:
        return os.read(fd, 4096)
    except BlockingIOError:
        return b""


def ending(status: int) -> str:
    return (
        f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit code {os.waitstatus_to_exitcode(status)}"
    )
