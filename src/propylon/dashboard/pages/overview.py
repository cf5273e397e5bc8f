"""The first page: traffic, refusals and why, who is busiest, and whether the stores and nodes are well."""

import asyncio
from collections import Counter
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from propylon.control import nodes, usage
from propylon.control.envelope import Refused
from propylon.control.refusals import refusal_of
from propylon.dashboard.asking import ask
from propylon.dashboard.charts import Picture, stacked
from propylon.dashboard.names import Caller, api_names, callers
from propylon.dashboard.visit import Visit
from propylon.dashboard.words import clock_label, moment
from propylon.usage.figures import Dimension, Filter, Page, Question, figures
from propylon.usage.ranges import range_of
from propylon.usage.rows import Grain

TOP: Final = 8  # rows of each list


class Range(NamedTuple):
    """A stretch of time that is looked at, and how long the pieces are that it is shown in."""

    name: str
    title: str
    span_s: int
    step: str  # as the usage resource names it
    step_s: int


RANGES: Final = (
    Range("1h", "1 hour", 3600, "minute", 60),
    Range("24h", "24 hours", 86_400, "hour", 3600),
    Range("7d", "7 days", 7 * 86_400, "hour", 3600),
    Range("30d", "30 days", 30 * 86_400, "day", 86_400),
)


class Stretch(NamedTuple):
    """One piece of time. Every exchange is in exactly one of the three."""

    at: int
    passed: int
    refused: int  # 4xx
    failed: int  # 5xx, and those that ended without an answer


class Traffic(NamedTuple):
    stretches: list[Stretch]
    picture: Picture
    labels: list[str]
    passed: int
    refused: int
    failed: int
    latency_us: dict[str, int]

    @property
    def total(self) -> int:
        return self.passed + self.refused + self.failed


class Reason(NamedTuple):
    reason: str
    because: str
    exchanges: int


class Most(NamedTuple):
    """A value of a dimension, and how many exchanges have it."""

    value: str
    exchanges: int
    not_passed: int


class Busy(NamedTuple):
    """A caller or an API, and how much of the traffic is its."""

    caller: Caller | None
    name: str
    exchanges: int
    not_passed: int


async def show(visit: Visit) -> Response:
    if not visit.who.permissions.allows("analytics", "read"):
        return visit.page("overview.html", chosen=None, ranges=RANGES, **await _health(visit))
    chosen = _range(visit)
    traffic, reasons, busiest, apis = await asyncio.gather(
        _traffic(visit, chosen), _reasons(visit, chosen), _busiest_callers(visit, chosen), _busiest_apis(visit, chosen)
    )
    return visit.page(
        "overview.html",
        chosen=chosen,
        ranges=RANGES,
        moment=moment,
        traffic=traffic,
        reasons=reasons,
        busiest=busiest,
        apis=apis,
        **await _health(visit),
    )


def _range(visit: Visit) -> Range:
    name = visit.query.get("range", "1h")
    found = next((one for one in RANGES if one.name == name), None)
    if found is None:
        raise Refused(400, f"range: choose one of {', '.join(one.name for one in RANGES)}")
    return found


def _bounds(visit: Visit, chosen: Range) -> tuple[int, int]:
    """Whole pieces, the running one last."""
    until = int(visit.now) // chosen.step_s * chosen.step_s + chosen.step_s
    return until - chosen.span_s, until


async def _traffic(visit: Visit, chosen: Range) -> Traffic:
    since, until = _bounds(visit, chosen)
    query = {"by": "status", "step": chosen.step, "since": str(since), "until": str(until - 1)}
    found: Counter[tuple[int, int]] = Counter()
    document: dict[str, Any] = {"next": 0}
    while "next" in document:
        document = await ask(visit, usage.read_totals, query={**query, "after": str(document["next"])})
        for row in document["usage"]:
            found[row["at"], _class(row["status"])] += row["exchanges"]
    stretches = [
        Stretch(at, *(found[at, outcome] for outcome in range(3))) for at in range(since, until, chosen.step_s)
    ]
    passed, refused, failed = (sum(one[place] for one in stretches) for place in (1, 2, 3))
    labels = [clock_label(at, chosen.span_s) for at in (since, (since + until) // 2, until)]
    return Traffic(
        stretches, stacked([one[1:] for one in stretches]), labels, passed, refused, failed, document["latency_us"]
    )


def _class(status: int) -> int:
    """0 passed, 1 refused, 2 failed. An exchange without an answer has a status below 100."""
    if status >= 500 or status < 100:
        return 2
    return 1 if status >= 400 else 0


async def _reasons(visit: Visit, chosen: Range) -> list[Reason]:
    rows = await _most(visit, chosen, Dimension.REASON, TOP + 1)  # one may be that of those without
    return [Reason(row.value, refusal_of(row.value).because, row.exchanges) for row in rows if row.value][:TOP]


async def _most(visit: Visit, chosen: Range, by: Dimension, number: int) -> list[Most]:
    """Those with most exchanges first."""
    since, until = _bounds(visit, chosen)
    over = range_of(since, until - 1, Grain.MINUTE)
    question = Question(over, (by,), Filter(visit.who.org_id), None, Grain.MINUTE)
    rows = await figures(visit.desk.records, question, Page(limit=number))
    return [Most(str(row.values[0]), row.exchanges, row.errors) for row in rows]


async def _busiest_callers(visit: Visit, chosen: Range) -> list[Busy]:
    rows = await _most(visit, chosen, Dimension.IDENTITY, TOP)
    named = await callers(visit, [row.value for row in rows])
    return [Busy(named[row.value], named[row.value].name, row.exchanges, row.not_passed) for row in rows]


async def _busiest_apis(visit: Visit, chosen: Range) -> list[Busy]:
    names = await api_names(visit)
    rows = await _most(visit, chosen, Dimension.API, TOP)
    return [Busy(None, names.get(row.value, row.value) or "no API", row.exchanges, row.not_passed) for row in rows]


async def _health(visit: Visit) -> dict[str, Any]:
    """Shown to everybody who may see how the system is."""
    if not visit.who.permissions.allows("system", "read"):
        return {"standing": None, "nodes": []}
    document = await ask(visit, nodes.read_all)
    return {"standing": visit.desk.standing, "nodes": document["nodes"]}
