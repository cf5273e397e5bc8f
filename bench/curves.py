"""`python -m bench.curves`: what a request costs with many keys, many APIs, several nodes. `--help` says more."""

import datetime
import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated, Any, NamedTuple

import typer

from bench.cpu import settled_cpu_s
from bench.gateway import CACHED_KEYS_MAX, Gateway, definition, running_gateway, session, written_config
from bench.load import CONNECTIONS, Load, Mode, run_loads
from bench.machine import machine_lines
from bench.origin import running_origin
from bench.processes import NotRun, end_all_on_sigterm, two_cores
from bench.rows import per_key_callers
from bench.stored_keys import PATTERN, store_keys, stored_name
from bench.stores import RedisWork, Stores, migrate, running_stores, work_of
from propylon.stores.records.engines import sqlite_url
from propylon.stores.sealing import RootSecret, load_or_make

KEYS = (1_000, 100_000, 1_000_000)
APIS = (10, 1_000)
NODES = (1, 2, 3)
ASKED_KEYS = 4 * CACHED_KEYS_MAX  # in turn, so that each request looks its key up
SEED = 20261128

METHOD = """\
One core for all processes of Propylon, one for wrk ({connections} connections a node), the origin, Redis and
PostgreSQL. One worker a node. {rounds} rounds of {seconds} s, all points of a curve in turn. Figures are medians,
ratios are taken within a round. CPU is that of all processes of Propylon until they are quiet again. A cold key is
looked up for the request ({asked} keys in turn, drawn at random among all; {cached} are kept)."""


class Point(NamedTuple):
    """One measurement."""

    cpu_us: float  # per request
    rate_per_s: float
    redis: RedisWork  # in all
    requests: int


class Series(NamedTuple):
    """One line of a table: the same thing at one size, over all rounds."""

    title: str
    points: list[Point]
    note: str = ""


class Place(NamedTuple):
    """Where curves are measured."""

    folder: Path
    origin: int
    stores: Stores
    proxy_core: int
    load_core: int
    seconds: int

    def point(self, gateways: Sequence[Gateway], loads: Sequence[Load], others: Sequence[Gateway] = ()) -> Point:
        """CPU of `others` counts too: they work for the requests, and are not asked."""
        run_loads(loads, 1, self.folder, core=self.load_core)
        before, redis_before = self._cpu_s([*gateways, *others]), work_of(self.stores.redis)
        outcomes = run_loads(loads, self.seconds, self.folder, core=self.load_core)
        redis = work_of(self.stores.redis) - redis_before
        cpu_s = self._cpu_s([*gateways, *others]) - before
        if any(outcome.refused or outcome.broken for outcome in outcomes):
            raise NotRun(f"{sum(outcome.refused + outcome.broken for outcome in outcomes)} requests were not answered")
        requests = sum(outcome.requests for outcome in outcomes)
        return Point(cpu_s * 1e6 / requests, requests / self.seconds, redis, requests)

    def _cpu_s(self, gateways: Sequence[Gateway]) -> float:
        return sum(settled_cpu_s(gateway.proxy.pid)[0] for gateway in gateways)

    def load(self, gateway: Gateway, path: str, mode: Mode, callers: Sequence[str]) -> Load:
        file = self.folder / f"callers-{gateway.proxy.port}-{mode}"
        file.write_text("\n".join(callers) + "\n")
        return Load(f"http://127.0.0.1:{gateway.proxy.port}{path}", mode, file)


def curves(
    seconds: Annotated[int, typer.Option(min=1, max=60, help="Length of one measurement.")] = 3,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="How often each point is measured.")] = 3,
    most_keys: Annotated[int, typer.Option(help="Leave larger sizes out.")] = KEYS[-1],
    out: Annotated[Path | None, typer.Option(help="Where to write. Default: docs/benchmarks/<date>-curves.md")] = None,
) -> None:
    """Measures the curves and prints their tables."""
    end_all_on_sigterm()
    proxy_core, load_core = two_cores()
    with tempfile.TemporaryDirectory(prefix="propylon-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        origin = stack.enter_context(running_origin(folder, core=load_core))
        stores = stack.enter_context(running_stores(load_core))
        place = Place(folder, origin, stores, proxy_core, load_core, seconds)
        method = METHOD.format(
            connections=CONNECTIONS, rounds=rounds, seconds=seconds, asked=ASKED_KEYS, cached=CACHED_KEYS_MAX
        )
        parts = [f"# Curves of {datetime.date.today()}", "\n".join(machine_lines()[:2]), method]
        sizes = [size for size in KEYS if size <= most_keys]
        parts += ["## Keys", _table("keys", _keys(place, sizes, rounds))]
        parts += ["## APIs", _table("APIs", _apis(place, rounds))]
        parts += ["## Nodes", _nodes_table(_nodes(place, rounds))]
    text = "\n\n".join(parts) + "\n"
    typer.echo(text)
    out = out or Path(__file__).parent.parent / "docs" / "benchmarks" / f"{datetime.date.today()}-curves.md"
    out.write_text(text)


# -- keys -------------------------------------------------------------------------------------------------------------


def _keys(place: Place, sizes: Sequence[int], rounds: int) -> list[Series]:
    with ExitStack() as stack:
        held = [
            (f"{number:,}, {where}", number, stack.enter_context(_with_keys(place, number, on_servers=on_servers)))
            for where, on_servers in (("SQLite and LMDB", False), ("PostgreSQL and Redis", True))
            for number in sizes
        ]
        found = [Series(f"{title}: {kind} key", []) for title, _, _ in held for kind in ("cached", "cold")]
        for _ in range(rounds):
            points = [_ask_keys(place, *one) for one in held]
            for series, point in zip(found, [point for pair in points for point in pair], strict=True):
                series.points.append(point)
    return found


@contextmanager
def _with_keys(place: Place, number: int, *, on_servers: bool) -> Iterator[Gateway]:
    folder = place.folder / f"keys-{number}-{on_servers}"
    settings = place.stores.settings(KEYS.index(number)) if on_servers else {}
    if on_servers:
        migrate(written_config(folder, place.origin, 0, settings))
    _say(f"{number:,} keys in {'PostgreSQL' if on_servers else 'SQLite'}")
    with running_gateway(folder, place.origin, core=place.proxy_core, settings=settings) as gateway:
        gateway.put_key(PATTERN, session(["key"]) | {"alias": PATTERN})
    data = folder / "data"
    url = settings.get("records_url", sqlite_url(data / "records.db"))
    root = RootSecret.from_text(settings["root_secret"]) if on_servers else load_or_make(data / "root_secret")
    store_keys(url, number, root.lasting_keys.key_hash)
    with running_gateway(folder, place.origin, core=place.proxy_core, settings=settings) as gateway:
        yield gateway


def _ask_keys(place: Place, title: str, number: int, gateway: Gateway) -> tuple[Point, Point]:
    _say(title)
    chance = random.Random(SEED)
    names = [stored_name(chance.randrange(number)) for _ in range(ASKED_KEYS)]
    loads = [place.load(gateway, "/key/", "constant", names), place.load(gateway, "/key/", "rotating", names)]
    cached, cold = (place.point([gateway], [load]) for load in loads)
    return cached, cold


# -- APIs -------------------------------------------------------------------------------------------------------------


def _apis(place: Place, rounds: int) -> list[Series]:
    with ExitStack() as stack:
        held = [(number, *stack.enter_context(_with_apis(place, number))) for number in APIS]
        found = [
            Series(f"{number:,} APIs: one of them, keyless", [], f"ready after {s:.2f} s") for number, _, s in held
        ]
        for _ in range(rounds):
            for (number, gateway, _), series in zip(held, found, strict=True):
                _say(series.title)
                load = place.load(gateway, f"/api-{number // 2}/", "constant", ["none"])
                series.points.append(place.point([gateway], [load]))
    return found


@contextmanager
def _with_apis(place: Place, number: int) -> Iterator[tuple[Gateway, float]]:
    folder = place.folder / f"apis-{number}"
    written_config(folder, place.origin, 0, {})
    for at in range(number):
        one = definition(f"api-{at}", place.origin, {"use_keyless": True})
        (folder / "apis" / f"api-{at}.json").write_text(json.dumps(one))
    with running_gateway(folder, place.origin, core=place.proxy_core):
        pass  # the first start reads the files; later ones find them in the records
    started = time.monotonic()
    with running_gateway(folder, place.origin, core=place.proxy_core) as gateway:
        yield gateway, time.monotonic() - started


# -- nodes ------------------------------------------------------------------------------------------------------------


def _nodes(place: Place, rounds: int) -> list[Series]:
    """Control on its own; nodes share a core, so that their number changes what each does, and not the sum of it."""
    with ExitStack() as stack:
        shared = place.stores.settings(15)
        folder = place.folder / "control"
        migrate(written_config(folder, place.origin, 0, shared | {"role": "control"}))
        control = stack.enter_context(_node(place, "control", shared | {"role": "control"}))
        (token,) = per_key_callers(control)
        nodes = [
            stack.enter_context(_node(place, f"node-{at}", shared | {"role": "gateway"})) for at in range(max(NODES))
        ]
        loads = [place.load(node, "/jwt-limits/", "constant", [token]) for node in nodes]
        found = [Series(str(number), []) for number in NODES]
        for _ in range(rounds):
            for number, series in zip(NODES, found, strict=True):
                _say(f"{number} nodes")
                series.points.append(place.point(nodes[:number], loads[:number], [control]))
    return found


@contextmanager
def _node(place: Place, name: str, settings: dict[str, Any]) -> Iterator[Gateway]:
    with running_gateway(place.folder / name, place.origin, core=place.proxy_core, settings=settings) as gateway:
        yield gateway


# -- tables -----------------------------------------------------------------------------------------------------------


def _table(what: str, found: Sequence[Series]) -> str:
    """Ratios to the first line of the same kind, which the text after the colon tells."""
    lines = [f"| {what} | CPU µs/request (least–most) | × the smallest | requests/s | |", "|---|---|---|---|---|"]
    first: dict[str, Series] = {}
    for series in found:
        size, _, kind = series.title.partition(":")
        base = first.setdefault(size.partition(", ")[2] + kind, series)
        ratio = median(one.cpu_us / other.cpu_us for one, other in zip(series.points, base.points, strict=True))
        rate = median(point.rate_per_s for point in series.points)
        lines.append(f"| {series.title} | {_spread(series)} | {ratio:.2f} | {rate:,.0f} | {series.note} |")
    return "\n".join(lines)


def _nodes_table(found: Sequence[Series]) -> str:
    lines = [
        "| nodes | CPU µs/request (least–most) | requests/s of all | calls of Redis per request | CPU µs of Redis |",
        "|---|---|---|---|---|",
    ]
    for series in found:
        rate = median(point.rate_per_s for point in series.points)
        calls = median(point.redis.calls / point.requests for point in series.points)
        redis_us = median(point.redis.cpu_s * 1e6 / point.requests for point in series.points)
        lines.append(f"| {series.title} | {_spread(series)} | {rate:,.0f} | {calls:.3f} | {redis_us:.1f} |")
    return "\n".join(lines)


def _spread(series: Series) -> str:
    values = [point.cpu_us for point in series.points]
    return f"{median(values):.1f} ({min(values):.1f}–{max(values):.1f})"


def _say(line: str) -> None:
    typer.echo(line, err=True)


if __name__ == "__main__":
    typer.run(curves)
