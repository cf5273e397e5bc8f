"""CPU time and memory of a process with all its descendants, read from /proc.

Reaped children count too (cutime, cstime), so the sum never falls while the root lives: a worker that dies between two
samples moves its time to its parent.
"""

import os
import time
from pathlib import Path
from typing import NamedTuple

from bench.processes import NotRun

PROC = Path("/proc")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
QUIET_SHARE = 0.03  # of one core; beats and an idle control process stay below it
QUIET_FOR_S = 2.0  # usage leaves a worker each second, so one quiet second proves nothing
SETTLED_WITHIN_S = 20.0


class Process(NamedTuple):
    """What one line of /proc/<pid>/stat says."""

    pid: int
    parent: int
    ticks: int  # user and system, of the process and the children it has reaped


def parse_stat(line: str) -> Process:
    """The name stands in parentheses and may hold spaces and parentheses itself: fields start after the last one."""
    start, _, rest = line.rpartition(")")
    fields = rest.split()
    return Process(int(start.split(" ", 1)[0]), int(fields[1]), sum(map(int, fields[11:15])))


def read_processes(proc: Path = PROC) -> list[Process]:
    found = []
    for folder in proc.iterdir():
        if folder.name.isdigit():
            try:
                found.append(parse_stat((folder / "stat").read_text()))
            except (FileNotFoundError, ProcessLookupError):  # it ended since the folder was listed
                continue
    return found


def family(root: int, processes: list[Process]) -> list[Process]:
    """The root and all that descends from it, root first."""
    children: dict[int, list[Process]] = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process)
    members = [process for process in processes if process.pid == root]
    for member in members:
        members.extend(children.get(member.pid, ()))
    return members


def cpu_s(root: int, proc: Path = PROC) -> float:
    members = family(root, read_processes(proc))
    if not members:
        raise NotRun(f"process {root} has ended")
    return sum(member.ticks for member in members) / TICKS_PER_S


def settled_cpu_s(root: int) -> tuple[float, bool]:
    """CPU time once the family is quiet, so that draining the usage queue is counted; and whether it became quiet."""
    deadline = time.monotonic() + SETTLED_WITHIN_S
    before = cpu_s(root)
    while time.monotonic() < deadline:
        time.sleep(QUIET_FOR_S)
        after = cpu_s(root)
        if after - before <= QUIET_SHARE * QUIET_FOR_S:
            return after, True
        before = after
    return before, False


def busiest(root: int, seconds: float) -> int:
    """The member that used most CPU meanwhile: under load, the worker."""
    before = {member.pid: member.ticks for member in family(root, read_processes())}
    time.sleep(seconds)
    after = {member.pid: member.ticks for member in family(root, read_processes())}
    return max(after, key=lambda pid: after[pid] - before.get(pid, 0))


def parse_pss_mib(rollup: str) -> float:
    """Proportional set size: shared pages count by the number of processes that share them."""
    kib = next(line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:"))
    return int(kib) / 1024


def pss_mib(pid: int, proc: Path = PROC) -> float:
    return parse_pss_mib((proc / str(pid) / "smaps_rollup").read_text())


def title(pid: int, proc: Path = PROC) -> str:
    return (proc / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
