"""`python -m bench.profile ROW`: where the worker's time goes under one row's load, by room and by function.

py-spy samples the busiest process of the gateway from outside; `stacks.py` reads what it saw.
"""

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from bench.cpu import busiest
from bench.gateway import running_gateway
from bench.load import Load, run_loads, wrk_command
from bench.origin import running_origin
from bench.processes import NotRun, end_all_on_sigterm, running, two_cores
from bench.rows import ROWS, CallerFiles, Row
from bench.stacks import profile_table, read_profile

SAMPLES_PER_S = 200  # py-spy stops the process for each; at this rate the slowing stays small
WARM_UP_S = 1
FIND_WORKER_S = 1
OVERLAP_S = 5  # the load outlasts the sampling, which takes a moment to start
PROFILED = {row.name: row for row in ROWS if row.proxy == "propylon" and not (row.share or row.flood)}


def profile_row(
    name: Annotated[str, typer.Argument(help=f"One of: {' '.join(PROFILED)}.")] = "jwt-limits",
    seconds: Annotated[int, typer.Option(min=2, max=120, help="How long to sample.")] = 10,
    raw: Annotated[Path | None, typer.Option(help="Keep the collapsed stacks here, for a flame graph.")] = None,
) -> None:
    """Profiles the worker under the load of one row and prints where its time goes."""
    if name not in PROFILED:
        raise typer.BadParameter(f"no such row: {name}; there are {', '.join(PROFILED)}")
    end_all_on_sigterm()
    row = PROFILED[name]
    try:
        collapsed = _sampled(row, seconds)
    except NotRun as reason:
        typer.echo(f"profile: {reason}", err=True)
        raise typer.Exit(2) from reason
    if raw is not None:
        raw.write_text(collapsed)
    typer.echo(f"{row.title}: {profile_table(read_profile(collapsed))}")


def _sampled(row: Row, seconds: int) -> str:
    proxy_core, load_core = two_cores()
    with tempfile.TemporaryDirectory(prefix="propylon-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        origin = stack.enter_context(running_origin(folder, core=load_core))
        gateway = stack.enter_context(running_gateway(folder / "gateway", origin, core=proxy_core))
        credentials = CallerFiles(folder).file(row, gateway)
        load = Load(f"http://127.0.0.1:{gateway.proxy.port}{row.path}", row.mode, credentials, row.rate_per_s)
        run_loads([load], WARM_UP_S, folder, core=load_core)
        return _sampled_under_load(load, gateway.proxy.pid, seconds, folder, load_core)


def _sampled_under_load(load: Load, root: int, seconds: int, folder: Path, load_core: int) -> str:
    """py-spy runs on the core of the load: on the proxy's it would slow what it looks at."""
    with ExitStack() as stack:
        wrk = wrk_command(load, seconds + FIND_WORKER_S + OVERLAP_S)
        stack.enter_context(running(wrk, folder / "wrk.log", core=load_core))
        worker = busiest(root, FIND_WORKER_S)
        stacks, log = folder / "stacks", folder / "py-spy.log"
        command = [_py_spy(), "record", "--format", "raw", "--output", str(stacks), "--pid", str(worker)]
        command += ["--duration", str(seconds), "--rate", str(SAMPLES_PER_S)]
        sampler = stack.enter_context(running(command, log, core=load_core))
        try:
            sampler.wait(seconds + 30)
        except subprocess.TimeoutExpired as late:
            raise NotRun("py-spy did not end") from late
        if not stacks.exists():
            raise NotRun(f"py-spy gave no stacks: {log.read_text(errors='replace').strip()[-300:]}")
        return stacks.read_text()


def _py_spy() -> str:
    program = Path(sys.executable).with_name("py-spy")
    if not program.exists():
        raise NotRun(f"py-spy is not installed; {sys.executable} -m pip install py-spy")
    return str(program)


if __name__ == "__main__":
    typer.run(profile_row)
