"""/tyk/nodes: which nodes there are, what they run, how far each is and how busy. Ours beside Tyk's API. Reads only.

In a fleet each process says so with its beat in Redis; on one machine its workers say so with their usage.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from propylon import __version__
from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import answer
from propylon.stores.ports import Heard
from propylon.telemetry.report import Report, encode, parse


class _Process(NamedTuple):
    heard: Heard
    report: Report | None  # None of another version that says other things


async def read_all(desk: Desk, call: Call) -> Answer:
    """By name; those too that were heard within the last hour and are not any more."""
    heard = await desk.meters.heard() if desk.settings.has_redis else _of_this_machine(desk)
    processes = [_Process(one, parse(one.said)) for one in heard]
    grouped = groupby(processes, key=lambda process: process.heard.node)
    nodes = [_node(name, list(its_processes)) for name, its_processes in grouped]
    return answer({"nodes": nodes, "revision": await desk.records.revision()})


def _node(name: str, processes: Sequence[_Process]) -> dict[str, Any]:
    alive = [process for process in processes if process.heard.is_alive]
    reports = [process.report for process in alive or processes if process.report is not None]
    newest = max(reports, key=lambda report: report.since, default=None)
    workers = [process.report for process in alive if process.report is not None and process.heard.process != "control"]
    return {
        "name": name,
        "role": newest.role if newest else "",
        "version": newest.version if newest else "",
        "is_alive": bool(alive),
        "since": round(newest.since, 3) if newest else 0,
        "last_seen": round(max(process.heard.at for process in processes), 3),
        "workers": len(workers),
        "applied_revision": min((worker.applied_revision for worker in workers), default=None),
        "exchanges_per_s": round(sum(worker.exchanges_per_s for worker in workers), 1),
        "running_exchanges": sum(worker.running_exchanges for worker in workers),
    }


def _of_this_machine(desk: Desk) -> list[Heard]:
    """It lives, as it answers; what its workers said last is a second or two old."""
    role, now = desk.settings.role, desk.clock.wall()
    reports = {"control": Report(role, __version__, desk.standing.since, 0, 0.0, 0)}
    for slot, numbers in sorted(desk.metrics.workers.items()):
        reports[f"worker {slot}"] = Report(
            role,
            __version__,
            desk.standing.since,
            int(numbers.get("applied_revision", 0)),
            numbers.get("exchanges_per_s", 0.0),
            int(numbers.get("running_exchanges", 0)),
        )
    return [Heard(desk.standing.node, process, encode(report), now, True) for process, report in reports.items()]
