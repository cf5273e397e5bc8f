"""Runs wrk and reads what it measured. What is sent stands in traffic.lua; which proxy answers is not known here."""

import json
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, NamedTuple

from bench.processes import NotRun, demand, running

SCRIPT = Path(__file__).with_name("traffic.lua")
CONNECTIONS = 32
PACED_CONNECTIONS = 128  # enough that the answer's own time hardly lowers the rate asked for
LATE_BY_S = 20.0

Mode = Literal["constant", "rotating", "unknown", "traced"]


class Load(NamedTuple):
    """One stream of requests."""

    url: str
    mode: Mode
    credentials: Path  # Authorization values, one a line
    rate_per_s: float = 0  # 0 = as fast as answers come


class Outcome(NamedTuple):
    """What wrk saw of one stream."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int  # answers with a status of 400 and above
    broken: int  # connections that failed, timeouts

    @property
    def rate_per_s(self) -> float:
        return self.requests / self.seconds


def mean_delay_ms(rate_per_s: float, connections: int) -> float:
    return 1000 * connections / rate_per_s if rate_per_s else 0.0


def parse_outcome(output: str) -> Outcome:
    for line in output.splitlines():
        if line.startswith("OUTCOME "):
            return Outcome(**json.loads(line.removeprefix("OUTCOME ")))
    raise NotRun(f"wrk gave no outcome: {output.strip()[-300:]}")


def wrk_command(load: Load, seconds: int) -> list[str]:
    connections = PACED_CONNECTIONS if load.rate_per_s else CONNECTIONS
    delay_ms = f"{mean_delay_ms(load.rate_per_s, connections):.4f}"
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT)]
    return [demand("wrk"), *options, load.url, "--", load.mode, str(load.credentials), delay_ms]


def run_loads(loads: Sequence[Load], seconds: int, folder: Path, *, core: int) -> list[Outcome]:
    """All streams at once, in order of `loads`."""
    with ExitStack() as stack:
        logs = [folder / f"wrk{number}.log" for number in range(len(loads))]
        started = [
            stack.enter_context(running(wrk_command(load, seconds), log, core=core))
            for load, log in zip(loads, logs, strict=True)
        ]
        for process in started:
            try:
                process.wait(seconds + LATE_BY_S)
            except subprocess.TimeoutExpired as late:
                raise NotRun(f"wrk did not end within {seconds + LATE_BY_S:.0f} s") from late
        return [parse_outcome(log.read_text()) for log in logs]
