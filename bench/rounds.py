"""Measures rows: all of them once, then all of them again, so that a slow minute of the machine falls on every row.

Before a row is measured one request has to get the origin's answer and, where callers are checked, one that must not
get in has to be refused: what does not do its work is not timed.
"""

import http.client
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

from bench.cpu import SETTLED_WITHIN_S, cpu_s, settled_cpu_s
from bench.gateway import Gateway, status
from bench.load import Load, Outcome, run_loads
from bench.origin import BODY
from bench.processes import NotRun
from bench.proxies import Proxy
from bench.rows import FLOOD_RATE_PER_S, CallerFiles, Row
from bench.stores import RedisWork, work_of
from bench.table import Result, Sample
from bench.tokens import forged

WARM_UP_S = 1

Proxies = Mapping[str, Proxy | NotRun]


class Bench:
    """One run: proxies that are up, the rows, and what came of them so far."""

    def __init__(
        self,
        proxies: Proxies,
        operators: Mapping[str, Gateway],
        origin: int,
        folder: Path,
        *,
        load_core: int,
        seconds: int,
    ) -> None:
        self._proxies = proxies
        self._origin = origin
        self._operators = operators  # by proxy, of those that have one
        self._folder = folder
        self._callers = CallerFiles(folder)
        self._load_core = load_core
        self._seconds = seconds
        self._samples: dict[str, list[Sample]] = {}
        self._reasons: dict[str, str] = {}
        self._notes: dict[str, list[str]] = {}

    def run(self, rows: Sequence[Row], rounds: int, say: Callable[[str], None]) -> dict[str, Result]:
        """A row that fails once is not run again, and its earlier rounds do not count."""
        for number in range(rounds):
            for row in rows:
                if row.name not in self._reasons:
                    say(f"round {number + 1}/{rounds}: {row.title}")
                    self._try(row)
        return {row.name: self._result(row) for row in rows}

    def _result(self, row: Row) -> Result:
        reason = self._reasons.get(row.name, "")
        samples = () if reason else tuple(self._samples[row.name])
        return Result(row.title, samples, reason, tuple(self._notes.get(row.name, ())))

    def _try(self, row: Row) -> None:
        try:
            self._samples.setdefault(row.name, []).append(self._measure(row))
        except NotRun as reason:
            self._reasons[row.name] = str(reason)

    def _measure(self, row: Row) -> Sample:
        proxy = self._proxies[row.proxy]
        if isinstance(proxy, NotRun):
            raise proxy
        loads = self._loads(row, proxy)
        _demand_service(row, proxy, loads[0].credentials)
        run_loads(loads[:1], WARM_UP_S, self._folder, core=self._load_core)
        before, _ = _counted_cpu_s(proxy)
        work_before = _redis_work(proxy)
        outcomes = run_loads(loads, self._seconds, self._folder, core=self._load_core)
        redis_work = _redis_work(proxy) - work_before
        after, is_quiet = _counted_cpu_s(proxy)
        if not is_quiet:
            self._note(row, f"still busy {SETTLED_WITHIN_S:.0f} s after the load; its CPU is not all counted")
        _demand_answers(outcomes[0])
        if row.flood == "proxy":
            _demand_refusals(outcomes[1])
        for flood in outcomes[1:]:
            self._note(row, f"the flood reached {flood.rate_per_s:,.0f}/s")
        return _sample(outcomes if row.flood == "proxy" else outcomes[:1], after - before, redis_work)

    def _loads(self, row: Row, proxy: Proxy) -> list[Load]:
        """The row's own requests first."""
        credentials = self._callers.file(row, self._operators.get(row.proxy))
        loads = [Load(f"http://127.0.0.1:{proxy.port}{row.path}", row.mode, credentials, self._rate_per_s(row))]
        if row.flood:
            at = proxy.port if row.flood == "proxy" else self._origin
            loads.append(Load(f"http://127.0.0.1:{at}{row.path}", "unknown", credentials, FLOOD_RATE_PER_S))
        return loads

    def _rate_per_s(self, row: Row) -> float:
        if row.share is None:
            return row.rate_per_s
        of, part = row.share
        if of in self._reasons or of not in self._samples:
            raise NotRun(f"needs the row {of}")
        return median(sample.rate_per_s for sample in self._samples[of]) * part

    def _note(self, row: Row, text: str) -> None:
        self._notes.setdefault(row.name, []).append(text)


def _counted_cpu_s(proxy: Proxy) -> tuple[float, bool]:
    """So far, with what is left over from the load where there is such work; and whether that is done."""
    return settled_cpu_s(proxy.pid) if proxy.has_usage else (cpu_s(proxy.pid), True)


def _redis_work(proxy: Proxy) -> RedisWork:
    """So far; none where there is no Redis."""
    return RedisWork(0, 0.0) if proxy.redis is None else work_of(proxy.redis)


def _sample(outcomes: Sequence[Outcome], cpu_seconds: float, redis: RedisWork) -> Sample:
    """CPU is shared by all requests of the row, refused ones included; the times are the good requests' own."""
    good = outcomes[0]
    requests = sum(outcome.requests for outcome in outcomes)
    return Sample(
        cpu_seconds * 1e6 / requests,
        requests / good.seconds,
        good.p50_ms,
        good.p99_ms,
        redis.calls / requests,
        redis.cpu_s * 1e6 / requests,
    )


def _demand_answers(good: Outcome) -> None:
    if good.broken or not good.requests:
        raise NotRun(f"{good.broken} requests broke off, {good.requests} were answered")
    if good.refused:
        raise NotRun(f"{good.refused} of {good.requests} requests were refused")


def _demand_refusals(flood: Outcome) -> None:
    if flood.broken or flood.refused != flood.requests:
        raise NotRun(
            f"of {flood.requests} unknown keys {flood.requests - flood.refused} got in, {flood.broken} broke off"
        )


def _demand_service(row: Row, proxy: Proxy, credentials: Path) -> None:
    with credentials.open() as lines:
        good = lines.readline().strip()
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    try:
        connection.request("GET", row.path, headers={"Authorization": good})
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise NotRun(f"the first request failed: {error}") from error
    finally:
        connection.close()
    if answer.status != 200 or text != BODY:
        raise NotRun(f"the first request was answered {answer.status}: {text[:120]}")
    if row.is_guarded and (let_in := status(proxy.port, row.path, {"Authorization": _wrong(good)})) not in (401, 403):
        raise NotRun(f"a caller that must not get in was answered {let_in}")


def _wrong(good: str) -> str:
    return f"Bearer {forged(good.removeprefix('Bearer '))}" if good.startswith("Bearer ") else good + "x"
