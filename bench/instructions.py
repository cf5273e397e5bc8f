"""`python -m bench.instructions`: instructions a request costs in the worker, counted by callgrind.

The same figure whatever else the machine is doing, which no timing here is; but instructions differ in price, and those
of the kernel and of the socket calls are not among them. Two numbers of requests are run in one process, and only what
lies between is counted, so that start-up and first times are not.
"""

import gc
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from bench.in_process import PlayedOperator, in_process
from bench.machine import machine_lines
from bench.processes import NotRun, demand
from bench.rows import CALLERS, ROWS, Row

WARM_UP = 400
REQUESTS = 1600
PLAIN = "key"
COUNTED = {row.name: row for row in ROWS if row.proxy == "propylon" and row.mode in ("constant", "rotating")}
COUNTED = {name: row for name, row in COUNTED.items() if not (row.share or row.flood or row.rate_per_s)}
HEAD = """\
GET {path} HTTP/1.1\r
Host: 127.0.0.1:8080\r
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36\r
Accept: application/json, text/plain, */*\r
Accept-Encoding: gzip, deflate, br\r
Accept-Language: en-GB,en;q=0.9,de;q=0.8\r
Cache-Control: no-cache\r
Cookie: session=5f2b8c1e9d7a4c60; theme=dark; consent=1\r
Referer: https://app.example.com/orders/2026\r
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r
X-Request-Id: 7b6f3d52-8f7e-4a39-9a55-1d3f0c7f2a10\r
X-Client-Version: web 8.14.2\r
Authorization: {authorization}\r
\r
"""


def count(
    rows: Annotated[list[str] | None, typer.Argument(help=f"Rows, of: {' '.join(COUNTED)}. None = all.")] = None,
    run: Annotated[bool, typer.Option(hidden=True, help="Inside callgrind: sends the requests of the row.")] = False,
) -> None:
    """Prints the table, rows against the plain key."""
    if run and rows:
        uvloop.run(_run(COUNTED[rows[0]]))
        return
    counts: dict[str, float] = {}
    for name in rows or COUNTED:
        if name not in COUNTED:
            raise typer.BadParameter(f"no such row: {name}; there are {', '.join(COUNTED)}")
        try:
            counts[name] = _counted(name)
        except NotRun as reason:
            typer.echo(f"instructions: {reason}", err=True)
            raise typer.Exit(2) from reason
    typer.echo(table(counts))


def table(counts: dict[str, float]) -> str:
    """Markdown; `counts` by row."""
    lines = [*machine_lines(), "", "| row | instructions/request | × plain key |", "|---|---|---|"]
    for name, instructions in counts.items():
        ratio = f"{instructions / counts[PLAIN]:.2f}" if PLAIN in counts else "–"
        lines.append(f"| {COUNTED[name].title} | {instructions:,.0f} | {ratio} |")
    return "\n".join(lines)


def _counted(row: str) -> float:
    with tempfile.TemporaryDirectory(prefix="propylon-bench-") as folder:
        out = Path(folder) / "callgrind.out"
        tool = [demand("valgrind"), "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
        inside = [sys.executable, "-m", "bench.instructions", row, "--run"]
        ran = subprocess.run(
            [*tool, *inside], env={**os.environ, "PYTHONHASHSEED": "0"}, capture_output=True, text=True
        )
        if ran.returncode:
            raise NotRun(f"{row}: {ran.stderr.strip()[-300:]}")
        totals = [line for line in out.read_text().splitlines() if line.startswith("totals:")]
        return int(totals[-1].split()[1]) / REQUESTS


async def _run(row: Row) -> None:
    operator = PlayedOperator()
    callers = CALLERS[row.callers](operator)
    texts = callers if row.mode == "rotating" else callers[:1]
    heads = [HEAD.format(path=row.path, authorization=text).encode() for text in texts]
    with tempfile.TemporaryDirectory(prefix="propylon-bench-") as folder:
        async with in_process(operator, heads, Path(folder)) as played:
            await played.run(WARM_UP)
            gc.collect()
            gc.freeze()
            _callgrind("-i", "on")
            await played.run(REQUESTS)
            _callgrind("-i", "off")


def _callgrind(*options: str) -> None:
    subprocess.run([demand("callgrind_control"), *options, str(os.getpid())], check=True, capture_output=True)


if __name__ == "__main__":
    typer.run(count)
