"""What was measured, as Markdown: medians over the rounds, ratios to nginx, goals beside what was reached. Pure."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

YARDSTICK = "nginx"
MISSING = "–"


class Sample(NamedTuple):
    """One row in one round."""

    cpu_us: float  # of all processes of the proxy, per request
    rate_per_s: float
    p50_ms: float
    p99_ms: float
    redis_calls: float = 0  # per request
    redis_cpu_us: float = 0  # per request, of Redis itself


class Result(NamedTuple):
    """One row over all rounds; `reason` says why when there is nothing."""

    title: str
    samples: tuple[Sample, ...]  # by round
    reason: str = ""
    notes: tuple[str, ...] = ()


class Goal(NamedTuple):
    """A budget, and what was measured for it; None = not measured."""

    what: str
    most: float
    unit: str
    measured: float | None


Results = Mapping[str, Result]  # by row name


def ratio(results: Results, name: str, to: str = YARDSTICK) -> float | None:
    """Median of the ratios within each round, so that a slow minute of the machine weighs on both sides alike."""
    pairs = _pairs(results, name, to)
    return median(one.cpu_us / other.cpu_us for one, other in pairs) if pairs else None


def cpu_added_us(results: Results, name: str, to: str) -> float | None:
    pairs = _pairs(results, name, to)
    return median(one.cpu_us - other.cpu_us for one, other in pairs) if pairs else None


def redis_calls(results: Results, name: str) -> float | None:
    result = results.get(name)
    return median(sample.redis_calls for sample in result.samples) if result and result.samples else None


def p99_added_ms(results: Results, name: str, to: str) -> float | None:
    pairs = _pairs(results, name, to)
    return median(one.p99_ms - other.p99_ms for one, other in pairs) if pairs else None


def p99_ratio(results: Results, name: str, to: str) -> float | None:
    pairs = _pairs(results, name, to)
    return median(one.p99_ms / other.p99_ms for one, other in pairs) if pairs else None


def _pairs(results: Results, name: str, to: str) -> list[tuple[Sample, Sample]]:
    one, other = results.get(name), results.get(to)
    if one is None or other is None or not (one.samples and other.samples):
        return []
    return list(zip(one.samples, other.samples, strict=True))


def budgets(results: Results) -> list[Goal]:
    """The goals that rows decide."""
    return [
        Goal("JWT + limits + quota + usage, CPU against nginx", 2.0, "×", ratio(results, "jwt-limits")),
        Goal("the same, CPU against nginx, to close the spine", 3.0, "×", ratio(results, "jwt-limits")),
        Goal("the same, CPU against keyless", 1.3, "×", ratio(results, "jwt-limits", "keyless")),
        Goal("fresh RS256 token, added CPU", 50, "µs", cpu_added_us(results, "rs256-fresh", "rs256")),
        Goal("cold key, added CPU", 40, "µs", cpu_added_us(results, "key-cold", "key")),
        Goal("good p99 beside 10,000 unknown keys/s, against quiet", 2.0, "×", p99_ratio(results, "flood", "quiet")),
        Goal("p99 at half load, above nginx's", 1, "ms", p99_added_ms(results, "half", "nginx-half")),
        Goal("meters in Redis at full load, CPU against LMDB", 1.4, "×", ratio(results, "fleet", "jwt-limits")),
        Goal("the same, calls of Redis per request", 0.1, "", redis_calls(results, "fleet")),
    ]


def redis_table(results: Results) -> str:
    """What rows on Redis ask of it; "" when none did."""
    lines = [_redis_line(result) for result in results.values() if any(sample.redis_calls for sample in result.samples)]
    head = ["| row | requests/s | calls of Redis per request | requests per call | CPU of Redis, µs per request |"]
    return "\n".join([*head, "|---|---|---|---|---|", *lines]) if lines else ""


def _redis_line(result: Result) -> str:
    calls = median(sample.redis_calls for sample in result.samples)
    rate = median(sample.rate_per_s for sample in result.samples)
    cpu_us = median(sample.redis_cpu_us for sample in result.samples)
    return f"| {result.title} | {rate:,.0f} | {calls:.3f} | {1 / calls:.1f} | {cpu_us:.1f} |"


def results_table(results: Results) -> str:
    lines = [
        "| row | CPU µs/request (least–most) | × nginx | requests/s | p50 ms | p99 ms | core busy |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join(lines + [_line(name, results) for name in results])


def _line(name: str, results: Results) -> str:
    result = results[name]
    if not result.samples:
        return f"| {result.title} | not run: {_one_cell(result.reason)} | | | | | |"
    cells = [result.title, _spread([sample.cpu_us for sample in result.samples]), _number(ratio(results, name), 2)]
    cells += [f"{median(sample.rate_per_s for sample in result.samples):,.0f}"]
    cells += [_number(median(sample.p50_ms for sample in result.samples), 2)]
    cells += [_number(median(sample.p99_ms for sample in result.samples), 2)]
    cells += [f"{median(sample.cpu_us * sample.rate_per_s for sample in result.samples) / 1e4:.0f} %"]
    return f"| {' | '.join(cells)} |"


def goals_table(goals: Sequence[Goal]) -> str:
    lines = ["| budget | goal | measured | |", "|---|---|---|---|"]
    return "\n".join(lines + [_goal_line(goal) for goal in goals])


def _goal_line(goal: Goal) -> str:
    if goal.measured is None:
        return f"| {goal.what} | ≤ {goal.most:g} {goal.unit} | {MISSING} | not measured |"
    verdict = "met" if goal.measured <= goal.most else "**missed**"
    return f"| {goal.what} | ≤ {goal.most:g} {goal.unit} | {goal.measured:.2f} {goal.unit} | {verdict} |"


def notes_list(results: Results) -> str:
    """Each note once, in the order of rows."""
    return "\n".join(dict.fromkeys(f"- {result.title}: {note}" for result in results.values() for note in result.notes))


def _spread(values: Sequence[float]) -> str:
    return f"{median(values):.1f} ({min(values):.1f}–{max(values):.1f})"


def _number(value: float | None, digits: int) -> str:
    return MISSING if value is None else f"{value:.{digits}f}"


def _one_cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
