"""What Propylon takes before any traffic: time to its first answer, memory of processes and of idle connections."""

import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.cpu import family, pss_mib, read_processes, settled_cpu_s, title
from bench.gateway import Gateway, seconds_to_first_200
from bench.processes import NotRun
from bench.table import Goal

STARTS = 3
IDLE_CONNECTIONS = 500


class Member(NamedTuple):
    """One process of an idle gateway."""

    title: str
    pss_mib: float

    @property
    def is_worker(self) -> bool:
        return "worker" in self.title


def start_goals(folder: Path, origin: int, say: Callable[[str], None]) -> list[Goal]:
    """The first start makes root secret and databases; the later ones find them."""
    say("start-up")
    first_s = seconds_to_first_200(folder, origin)
    later_s = median(seconds_to_first_200(folder, origin) for _ in range(STARTS))
    return [
        Goal("`propylon serve` to the first 200, empty data folder", 1.5, "s", first_s),
        Goal("`propylon serve` to the first 200, later starts", 1.5, "s", later_s),
    ]


def idle_members(gateway: Gateway) -> list[Member]:
    settled_cpu_s(gateway.proxy.pid)
    members = family(gateway.proxy.pid, read_processes())
    return [Member(title(member.pid)[:60], pss_mib(member.pid)) for member in members]


def memory_goals(members: list[Member], connection_kib: float) -> list[Goal]:
    workers = [member.pss_mib for member in members if member.is_worker]
    return [
        Goal("memory (PSS) of an idle worker", 40, "MiB", max(workers, default=None)),
        Goal("memory (PSS) per idle connection", 12, "KiB", connection_kib),
    ]


def idle_connection_kib(gateway: Gateway) -> float:
    """Each connection has been served once and stays open."""
    before = _family_pss_mib(gateway)
    with ExitStack() as stack:
        try:
            for _ in range(IDLE_CONNECTIONS):
                stack.enter_context(_served_connection(gateway.proxy.port))
        except OSError as error:
            raise NotRun(f"idle connections: {error}") from error
        return (_family_pss_mib(gateway) - before) * 1024 / IDLE_CONNECTIONS


def members_table(members: list[Member]) -> str:
    lines = ["| process | PSS MiB, idle |", "|---|---|"]
    return "\n".join(lines + [f"| {member.title} | {member.pss_mib:.1f} |" for member in members])


def _family_pss_mib(gateway: Gateway) -> float:
    return sum(pss_mib(member.pid) for member in family(gateway.proxy.pid, read_processes()))


def _served_connection(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.sendall(b"GET /hello HTTP/1.1\r\nHost: bench\r\n\r\n")
    connection.recv(65_536)
    return connection
