"""`python -m bench`: Propylon beside nginx and HAProxy, all in one run on one machine. `--help` says more."""

import datetime
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from bench.footprint import idle_connection_kib, idle_members, members_table, memory_goals, start_goals
from bench.gateway import Gateway, running_fleet_node, running_gateway
from bench.load import CONNECTIONS, PACED_CONNECTIONS
from bench.machine import machine_lines
from bench.origin import running_origin
from bench.processes import NotRun, demand, end_all_on_sigterm, two_cores
from bench.proxies import running_bare_nginx, running_haproxy
from bench.rounds import Bench, Proxies
from bench.rows import ROWS, Row
from bench.stores import running_stores
from bench.table import Goal, Results, budgets, goals_table, notes_list, redis_table, results_table
from bench.tokens import HMAC_SECRET

METHOD = """\
One core for the proxy, one for wrk ({connections} connections, 12 request headers) and the origin (nginx, 500 bytes of
JSON). A client sends the same lines with each request, and Propylon finds them again instead of judging them anew; the
row "an id of its own" says what it costs when it cannot. One worker each. Rounds: {rounds}, of {seconds} s a row, all
rows in turn. Figures are medians (least–most), ratios are taken within a round. CPU is that of all processes of the
proxy, from before the load until they are quiet again, which includes Propylon's control process draining usage. "Core
busy" below 95 % means that wrk or the origin was the limit, not the proxy. Paced rows use {paced} connections that wait
between requests. In rows of a fleet Redis (appendfsync everysec) and PostgreSQL run on wrk's core; their CPU is not
that of the proxy."""
Opened = TypeVar("Opened")
NAMES = {row.name: row for row in ROWS}


class Report:
    """What the run has found so far; grows section by section."""

    def __init__(self) -> None:
        self.results: Results = {}
        self.goals: list[Goal] = []
        self.sections: list[str] = []

    def text(self, rounds: int, seconds: int) -> str:
        parts = [
            f"# Benchmark of {datetime.date.today()}",
            "\n".join(machine_lines()),
            METHOD.format(connections=CONNECTIONS, paced=PACED_CONNECTIONS, rounds=rounds, seconds=seconds),
            results_table(self.results),
            notes_list(self.results),
            redis_table(self.results),
            goals_table(budgets(self.results) + self.goals),
            *self.sections,
        ]
        return "\n\n".join(part for part in parts if part) + "\n"


def bench(
    rows: Annotated[list[str] | None, typer.Argument(help=f"Rows to run, of: {' '.join(NAMES)}. None = all.")] = None,
    seconds: Annotated[int, typer.Option(min=1, max=60, help="Length of one measurement.")] = 5,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="How often each row is measured.")] = 3,
    out: Annotated[Path | None, typer.Option(help="Where to write. Default: docs/benchmarks/<date>.md")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="1 round of 2 s; written only if --out is given.")] = False,
) -> None:
    """Measures the rows side by side and prints their table."""
    end_all_on_sigterm()
    chosen = _chosen(rows or list(NAMES))
    if quick:
        seconds, rounds = 2, 1
    elif out is None:
        out = Path(__file__).parent.parent / "docs" / "benchmarks" / f"{datetime.date.today()}.md"
    try:
        demand("wrk")
        text = _measured(chosen, seconds, rounds).text(rounds, seconds)
    except NotRun as reason:
        _say(f"bench: {reason}")
        raise typer.Exit(2) from reason
    typer.echo(text)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text)


def _chosen(names: list[str]) -> list[Row]:
    """In the order of the catalogue, so that a row comes after those it needs."""
    if unknown := sorted(set(names) - set(NAMES)):
        raise typer.BadParameter(f"no such row: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    return [row for row in ROWS if row.name in names]


def _measured(rows: list[Row], seconds: int, rounds: int) -> Report:
    proxy_core, load_core = two_cores()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="propylon-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        origin = stack.enter_context(running_origin(folder, core=load_core))
        gateway = _opened(stack, running_gateway(folder / "gateway", origin, core=proxy_core))
        fleet = _opened(stack, _running_fleet(folder / "fleet", origin, proxy_core, load_core))
        proxies: Proxies = {
            "nginx": _opened(stack, running_bare_nginx(folder, origin, core=proxy_core)),
            "haproxy": _opened(stack, running_haproxy(folder, origin, HMAC_SECRET, core=proxy_core)),
            "propylon": gateway if isinstance(gateway, NotRun) else gateway.proxy,
            "fleet": fleet if isinstance(fleet, NotRun) else fleet.proxy,
        }
        if not isinstance(gateway, NotRun):
            _measure_footprint(report, folder / "starts", origin, gateway)
        operators = {
            name: one for name, one in (("propylon", gateway), ("fleet", fleet)) if not isinstance(one, NotRun)
        }
        run = Bench(proxies, operators, origin, folder, load_core=load_core, seconds=seconds)
        report.results = run.run(rows, rounds, _say)
    return report


@contextmanager
def _running_fleet(folder: Path, origin: int, proxy_core: int, load_core: int) -> Iterator[Gateway]:
    with running_stores(load_core) as stores, running_fleet_node(folder, origin, stores, core=proxy_core) as gateway:
        yield gateway


def _opened(stack: ExitStack, opening: AbstractContextManager[Opened]) -> Opened | NotRun:
    try:
        return stack.enter_context(opening)
    except NotRun as reason:
        return reason


def _measure_footprint(report: Report, folder: Path, origin: int, gateway: Gateway) -> None:
    members = idle_members(gateway)
    report.sections.append(members_table(members))
    try:
        report.goals = memory_goals(members, idle_connection_kib(gateway)) + start_goals(folder, origin, _say)
    except NotRun as reason:
        report.sections.append(f"Start-up and memory not run: {reason}")


def _say(line: str) -> None:
    typer.echo(line, err=True)


if __name__ == "__main__":
    typer.run(bench)
