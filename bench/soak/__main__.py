"""`python -m bench.soak`: the long runs, and a report of what was required, measured and held. `--help` says more."""

import datetime
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
import uvloop

from bench.machine import machine_lines
from bench.processes import end_all_on_sigterm
from bench.soak.fleet_history import fleet_history
from bench.soak.fleet_kills import fleet_kills
from bench.soak.fleet_limits import fleet_limits
from bench.soak.fleet_quotas import fleet_quotas
from bench.soak.fleet_restarts import fleet_restarts, fleet_upgrades
from bench.soak.fleet_usage import fleet_usage
from bench.soak.history import history
from bench.soak.key_pages import key_pages_postgres, key_pages_sqlite
from bench.soak.kills import kills, stopped
from bench.soak.leaks import leaks
from bench.soak.limits import exactness, quota
from bench.soak.revocation import revocation
from bench.soak.row import Row, Scenario, Size
from bench.soak.sizes import many_apis, many_keys
from bench.soak.usage import usage
from bench.soak.usage_pages import usage_pages_postgres, usage_pages_sqlite
from bench.soak.whole_pages import whole_pages_postgres, whole_pages_sqlite
from propylon.errors import Failure
from tests.kit.connection import NoAnswer

SEED = 20261124
OUT = Path("docs/soak")
WITHIN_S = 600  # any one scenario; beyond that it hangs
SCENARIOS: dict[str, Scenario] = {
    "exactness": exactness,
    "quota": quota,
    "kills": kills,
    "revocation": revocation,
    "history": history,
    "stopped": stopped,
    "many-keys": many_keys,
    "many-apis": many_apis,
    "usage": usage,
    "usage-pages-sqlite": usage_pages_sqlite,
    "usage-pages-postgres": usage_pages_postgres,
    "key-pages-sqlite": key_pages_sqlite,
    "key-pages-postgres": key_pages_postgres,
    "whole-pages-sqlite": whole_pages_sqlite,
    "whole-pages-postgres": whole_pages_postgres,
    "leaks": leaks,
    "fleet-kills": fleet_kills,
    "fleet-limits": fleet_limits,
    "fleet-quotas": fleet_quotas,
    "fleet-restarts": fleet_restarts,
    "fleet-upgrades": fleet_upgrades,
    "fleet-history": fleet_history,
    "fleet-usage": fleet_usage,
}


class TookTooLong(KeyboardInterrupt):
    """A scenario did not come to its end. An event loop lets an interrupt pass out of a callback, and no other."""


class Part(NamedTuple):
    """One scenario as it went."""

    name: str
    rows: list[Row]
    seconds: float


def main(
    only: Annotated[list[str] | None, typer.Option(help=f"One of {', '.join(SCENARIOS)}; may be repeated.")] = None,
    scale: Annotated[float, typer.Option(min=0.01, max=10, help="How much of the full figures.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Where chance begins.")] = SEED,
    out: Annotated[Path | None, typer.Option(help=f"Folder of the report; a full run's is {OUT}.")] = None,
) -> None:
    """Ends with 1 when something did not hold. A partial run writes no report unless told where."""
    names = only or list(SCENARIOS)
    if unknown := sorted(set(names) - set(SCENARIOS)):
        raise typer.BadParameter(f"no scenario {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    end_all_on_sigterm()
    signal.signal(signal.SIGALRM, _too_long)
    uvloop.install()
    _say(f"seed {seed}, scale {scale:g}")
    parts = [_run(name, SCENARIOS[name], Size(scale, seed)) for name in names]
    is_full = scale >= 1 and not only
    if out or is_full:
        _say(f"written: {_write(out or OUT, report(parts, seed, scale))}")
    sys.exit(0 if all(row.held for part in parts for row in part.rows) else 1)


def _run(name: str, scenario: Scenario, size: Size) -> Part:
    _say(f"{name} …")
    started = time.monotonic()
    rows = _rows_or_why(name, lambda: scenario(size))
    part = Part(name, rows, time.monotonic() - started)
    for row in rows:
        _say(f"  {'held    ' if row.held else 'NOT HELD'} {row.what}: {row.measured}")
    _say(f"  {part.seconds:.0f} s")
    return part


def _rows_or_why(name: str, rows: Callable[[], list[Row]]) -> list[Row]:
    signal.alarm(WITHIN_S)
    try:
        return rows()
    except (AssertionError, OSError, NoAnswer, Failure, TookTooLong) as why:
        return [Row(name, "comes to its end", f"{type(why).__name__}: {str(why)[:500]}", False)]
    finally:
        signal.alarm(0)


def report(parts: list[Part], seed: int, scale: float) -> str:
    held = all(row.held for part in parts for row in part.rows)
    seconds = sum(part.seconds for part in parts)
    lines = [
        f"# Soak of {datetime.date.today().isoformat()}: {'everything held' if held else 'something did not hold'}",
        "",
        *machine_lines()[:2],
        f"- Seed {seed}, scale {scale:g}, {seconds:.0f} s; made by `python -m bench.soak`",
        "",
        "| scenario | what | required | measured | held |",
        "|---|---|---|---|---|",
        *(_line(part.name, row) for part in parts for row in part.rows),
        "",
    ]
    return "\n".join(lines)


def _line(name: str, row: Row) -> str:
    cells = [name, row.what, row.required, row.measured, "yes" if row.held else "**no**"]
    return f"| {' | '.join(' '.join(cell.split()).replace('|', '/') for cell in cells)} |"


def _write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.date.today().isoformat()}.md"
    path.write_text(text)
    return path


def _too_long(*_: object) -> None:
    raise TookTooLong(f"not at its end after {WITHIN_S} s")


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    typer.run(main)
