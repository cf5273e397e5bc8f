"""The demo as a user has it who installed the wheel: in an environment with nothing else, away from the source."""

import os
import re
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.kit.client import get
from tests.kit.waiting import SAFETY_S
from tests.release.conftest import Release

LAST_LINE = "Tokens are good for an hour. Ctrl-C ends the demo."
PRINTED_WITHIN_S = 120.0  # a bound against hanging; its first run compiles what it imports
COMMAND = re.compile(r"^# (passes|refused).*\n(curl -i .+)$", re.MULTILINE)


class Demo(NamedTuple):
    process: "subprocess.Popen[str]"
    printed: str


@pytest.fixture
def demo(released: Release, tmp_path: Path) -> Iterator[Demo]:
    """Running, and all printed."""
    program = released.dist / "installed" / "bin" / "propylon"
    command = [str(program), "demo", "--listen", "127.0.0.1:0", "--data-dir", "demo"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        too_long = threading.Timer(PRINTED_WITHIN_S, os.killpg, (process.pid, signal.SIGKILL))
        too_long.start()
        try:
            yield Demo(process, _read(process))
        finally:
            too_long.cancel()
            if _is_anybody_left(process):
                os.killpg(process.pid, signal.SIGKILL)


def _read(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.strip() == LAST_LINE:
            break
    return "".join(lines)


def _is_anybody_left(process: "subprocess.Popen[str]") -> bool:
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_does_what_it_prints_and_ctrl_c_ends_it_and_all_that_it_started(demo: Demo) -> None:
    outcomes = [(said, _status(command)) for said, command in COMMAND.findall(demo.printed)]
    assert [status for said, status in outcomes if said == "passes"] == [200] * 4
    assert [status for said, status in outcomes if said == "refused"] == [404, 403, 403, 403]
    os.killpg(demo.process.pid, signal.SIGINT)  # as a terminal sends it: to all of them
    assert demo.process.wait(SAFETY_S) == 0
    assert not _is_anybody_left(demo.process)


def _status(command: str) -> int:
    _, _, url, *given = shlex.split(command)
    fields = dict(one.split(": ", 1) for one in given[1::2])
    return get(url, fields).status
