"""What a worker costs, read from /proc: CPU time for a piece of load, memory, open files."""

import asyncio
import itertools
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.cpu import TICKS_PER_S, parse_stat
from tests.kit.gateway import Gateway
from tests.kit.load import Outcome, load
from tests.kit.scenarios import children


class Cost(NamedTuple):
    """Of one piece of load."""

    cpu_us: float  # of all workers, per request
    rate_per_s: float
    outcomes: list[Outcome]


class Taken(NamedTuple):
    """What one worker holds."""

    own_mib: float  # without what is mapped from files: usage and meters grow there, within their bounds
    fds: int


def cost_of(gateway: Gateway, requests: Sequence[bytes], number: int, connections: int = 16) -> Cost:
    """So many requests, in turn, as fast as answers come."""
    before, started = _cpu_s(gateway), time.monotonic()
    outcomes = send(gateway, itertools.cycle(requests).__next__, number, connections)
    seconds = time.monotonic() - started
    return Cost((_cpu_s(gateway) - before) / len(outcomes) * 1e6, len(outcomes) / seconds, outcomes)


def send(gateway: Gateway, make: Callable[[], bytes], number: int, connections: int = 16) -> list[Outcome]:
    outcomes: list[Outcome] = []
    asyncio.run(load(gateway.port, make, connections=connections, until=lambda: len(outcomes) >= number, into=outcomes))
    return outcomes


def workers(gateway: Gateway) -> list[int]:
    return [pid for title, pid in sorted(children(gateway.pid).items()) if title.startswith("worker")]


def taken(pid: int) -> Taken:
    status = Path(f"/proc/{pid}/status").read_text()
    kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:"))
    return Taken(kib / 1024, len(os.listdir(f"/proc/{pid}/fd")))


def _cpu_s(gateway: Gateway) -> float:
    stats = [parse_stat(Path(f"/proc/{pid}/stat").read_text()) for pid in workers(gateway)]
    return sum(stat.ticks for stat in stats) / TICKS_PER_S
