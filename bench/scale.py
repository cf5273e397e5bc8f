"""`python -m bench.scale`: measures what a fleet's operations cost, simulates the rows of the bench that ran beside it,
and then fleets that no bench here can hold. `docs/scale.md` says what follows. `--help` says more.
"""

import datetime
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from bench.constants import BATCHES, CallCosts, DrainCosts, ReadCosts, call_costs, drain_costs, read_costs
from bench.fleet_model import Costs, Load, Outcome, simulate
from bench.gateway import running_fleet_node, running_gateway
from bench.load import CONNECTIONS, run_loads
from bench.load import Load as Traffic
from bench.machine import machine_lines
from bench.origin import running_origin
from bench.processes import end_all_on_sigterm, two_cores
from bench.rounds import Bench
from bench.rows import ROWS
from bench.stores import running_stores
from bench.table import Result

NAMES = ("jwt-limits", "fleet", "fleet-half", "fleet-tenth")
NETWORK_US = 100.0  # one way, within a data centre; assumed
LOOPBACK_US = 15.0
WRK_TICK_US = 1000.0  # its timers are of whole milliseconds
WORKERS = 4  # of a node
BACKGROUND_PER_S = 6.0  # of a worker: head every quarter of a second, a beat, a line of usage
FLEETS = ((10, 250.0), (10, 500.0), (10, 2_500.0), (100, 25.0), (100, 37.5), (100, 250.0), (1_000, 0.5))
SIMULATED = 100_000  # requests, at most
KEEPS_UP = 0.95  # of what is asked; a simulated second of chance is not exact


def scale(
    seconds: Annotated[int, typer.Option(min=1, max=60, help="Length of one measurement.")] = 3,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="How often each row is measured.")] = 3,
    out: Annotated[Path | None, typer.Option(help="Where to write. Default: docs/benchmarks/<date>-scale.md")] = None,
) -> None:
    """Prints constants, measured beside simulated, and simulated fleets."""
    end_all_on_sigterm()
    proxy_core, load_core = two_cores()
    with tempfile.TemporaryDirectory(prefix="propylon-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        origin = stack.enter_context(running_origin(folder, core=load_core))
        stores = stack.enter_context(running_stores(load_core))
        beside_us = _beside_us(folder, origin, load_core)
        one_caller, many_callers = (call_costs(stores, proxy_core, callers=callers) for callers in (1, BATCHES[-1]))
        reads, drains = read_costs(stores), drain_costs(stores)
        gateway = stack.enter_context(running_gateway(folder / "gateway", origin, core=proxy_core))
        fleet = stack.enter_context(running_fleet_node(folder / "fleet", origin, stores, core=proxy_core))
        operators = {"propylon": gateway, "fleet": fleet}
        proxies = {name: one.proxy for name, one in operators.items()}
        run = Bench(proxies, operators, origin, folder, load_core=load_core, seconds=seconds)
        rows = [row for row in ROWS if row.name in NAMES]
        found = run.run(rows, rounds, lambda line: typer.echo(line, err=True))
    of_bench, of_fleet = (_costs(found["jwt-limits"], calls) for calls in (one_caller, many_callers))
    parts = [
        f"# Scale, {datetime.date.today()}",
        "\n".join(machine_lines()[:2]),
        "Made by `python -m bench.scale`; `docs/scale.md` says what it means.",
        "## Measured constants",
        _constants_table(of_bench, of_fleet, reads, drains, beside_us),
        "## Measured and simulated",
        _points_table([found[name] for name in NAMES[1:]], of_bench._replace(beside_us=beside_us)),
        f"## Simulated fleets, of nodes with {WORKERS} workers and one Redis {NETWORK_US:g} µs away",
        _fleets_table(of_fleet._replace(one_way_us=NETWORK_US, background_per_s=BACKGROUND_PER_S)),
    ]
    text = "\n\n".join(parts) + "\n"
    typer.echo(text)
    out = out or Path(__file__).parent.parent / "docs" / "benchmarks" / f"{datetime.date.today()}-scale.md"
    out.write_text(text)


def _beside_us(folder: Path, origin: int, load_core: int) -> float:
    """What load generator and origin take of their core for one request: they fill it when they talk to each other."""
    callers = folder / "beside"
    callers.write_text("none\n")
    (outcome,) = run_loads([Traffic(f"http://127.0.0.1:{origin}/", "constant", callers)], 2, folder, core=load_core)
    return 1e6 / outcome.rate_per_s


def _costs(embedded: Result, calls: CallCosts) -> Costs:
    """The request as it costs with LMDB, whose charge is about as dear as a waiting one's bookkeeping."""
    request_us = median(sample.cpu_us for sample in embedded.samples)
    return Costs(request_us, calls.call_us, calls.charge_us, calls.redis_call_us, calls.redis_charge_us, LOOPBACK_US)


def _constants_table(of_bench: Costs, of_fleet: Costs, reads: ReadCosts, drains: DrainCosts, beside_us: float) -> str:
    rows = [
        ("a request in a worker, all but its share of a call", of_fleet.request_us),
        ("a call of Redis, in the worker", of_fleet.call_us),
        ("each charge of it, in the worker", of_fleet.charge_us),
        ("a call of Redis, in Redis", of_fleet.redis_call_us),
        ("each charge of it (a rate and a quota), in Redis", of_fleet.redis_charge_us),
        ("the same where all charges are of one caller, as in the bench", of_bench.redis_charge_us),
        ("a key looked up in PostgreSQL, in the worker", reads.worker_us),
        ("the same, in PostgreSQL", reads.postgres_us),
        ("a caller's sums of a worker's second drained, in control", drains.control_us),
        ("the same, in PostgreSQL", drains.postgres_us),
        ("load generator and origin of the bench, a request", beside_us),
    ]
    return "\n".join(["| what | CPU µs |", "|---|---|", *(f"| {what} | {us:.1f} |" for what, us in rows)])


def _points_table(results: Sequence[Result], costs: Costs) -> str:
    lines = [
        "| row | requests/s | the same, simulated | requests per call | the same, simulated |",
        "|---|---|---|---|---|",
    ]
    for at, result in enumerate(results):
        rate = median(sample.rate_per_s for sample in result.samples)
        calls = median(sample.redis_calls for sample in result.samples)
        outcome = simulate(costs, 1, Load(rate, tick_us=WRK_TICK_US) if at else Load(0, CONNECTIONS), 3.0)
        lines.append(
            f"| {result.title} | {rate:,.0f} | {outcome.requests_per_s:,.0f} "
            f"| {1 / calls:.1f} | {1 / outcome.calls_per_request:.1f} |"
        )
    return "\n".join(lines)


def _fleets_table(costs: Costs) -> str:
    lines = [
        "| nodes | requests/s asked | served | per call | Redis busy | worker busy | charges wait: p50, p99 ms |",
        "|---|---|---|---|---|---|---|",
    ]
    for nodes, rate in FLEETS:
        workers = nodes * WORKERS
        outcome = simulate(costs, workers, Load(rate), min(2.0, SIMULATED / (workers * rate)))
        lines.append(_fleet_line(nodes, workers * rate, outcome))
    return "\n".join(lines)


def _fleet_line(nodes: int, asked: float, outcome: Outcome) -> str:
    if outcome.requests_per_s < asked * KEEPS_UP:
        return f"| {nodes:,} | {asked:,.0f} | not | | {outcome.redis_busy:.0%} | | longer and longer |"
    waits = f"{outcome.wait_p50_us / 1000:.1f}, {outcome.wait_p99_us / 1000:.1f}"
    return (
        f"| {nodes:,} | {asked:,.0f} | {outcome.requests_per_s:,.0f} | {1 / outcome.calls_per_request:.1f} "
        f"| {outcome.redis_busy:.0%} | {outcome.worker_busy:.0%} "
        f"| {waits} |"
    )


if __name__ == "__main__":
    typer.run(scale)
