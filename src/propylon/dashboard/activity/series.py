"""Figures over time, as charts show them: each stretch once, those that are still to come left out."""

from calendar import timegm
from typing import Any, Final, NamedTuple

from propylon.control.usage_api import activity, latency
from propylon.control.usage_api.asking import RESOLUTIONS
from propylon.dashboard.activity.asking import told
from propylon.dashboard.activity.scope import Scope
from propylon.dashboard.charts import Picture, stacked
from propylon.dashboard.visit import Visit
from propylon.dashboard.words import clock_label
from propylon.usage.rows import Grain

SHOWN: Final = ("p50", "p95", "p99")


class Stretch(NamedTuple):
    """Begins then, Unix time."""

    at: int
    success: int
    errors: int


class Requests(NamedTuple):
    res: str
    stretches: list[Stretch]
    picture: Picture
    labels: list[str]

    @property
    def success(self) -> int:
        return sum(one.success for one in self.stretches)

    @property
    def errors(self) -> int:
        return sum(one.errors for one in self.stretches)


class Spread(NamedTuple):
    """Microseconds; 0 where nobody called."""

    at: int
    p50: int
    p95: int
    p99: int


class Latencies(NamedTuple):
    res: str
    stretches: list[Spread]
    picture: Picture
    labels: list[str]


async def requests_of(visit: Visit, scope: Scope, **more: str) -> Requests:
    document = await told(visit, activity.usage, scope, res=scope.res, **more)
    rows = [Stretch(start_of(row["id"]), row["success"], row["error"]) for row in document["data"]]
    rows = [one for one in rows if one.at <= visit.now or any(one[1:])]  # a node's clock may be a little ahead
    return Requests(scope.res, rows, stacked([one[1:] for one in rows]), _labels(visit, scope))


async def latencies_of(visit: Visit, scope: Scope, **more: str) -> Latencies:
    """As finely as the requests, or as finely as percentiles are told of so long a range."""
    asked = _finest(scope)
    document = await told(visit, latency.percentiles, scope, res=asked, **more)
    found = {start_of(row["id"]): row["latency_us"] for row in document["data"]}
    step = int(RESOLUTIONS[document["res"]]) * 60
    starts = range(scope.start, min(scope.end, int(visit.now) + 1), step)
    rows = [Spread(at, *(found.get(at, {}).get(name, 0) for name in SHOWN)) for at in starts]
    # One over the other, not one upon the other: what each adds to the one below it.
    picture = stacked([(one.p50, one.p95 - one.p50, one.p99 - one.p95) for one in rows])
    return Latencies(document["res"], rows, picture, _labels(visit, scope))


def _finest(scope: Scope) -> str:
    for res in ("minute", "hour"):
        is_wanted = RESOLUTIONS[res] >= RESOLUTIONS[scope.res]
        if is_wanted and scope.days * Grain.DAY // RESOLUTIONS[res] <= latency.POINTS_MAX:
            return res
    return "day"


def start_of(told_id: dict[str, Any]) -> int:
    """Of the stretch that the `id` of a row names."""
    day = told_id.get("day") or 1  # a month has none
    return timegm((told_id["year"], told_id["month"], day, told_id.get("hour", 0), told_id.get("minute", 0), 0))


def _labels(visit: Visit, scope: Scope) -> list[str]:
    until = max(scope.start, min(scope.end, int(visit.now)))
    span = until - scope.start
    return [clock_label(at, span) for at in (scope.start, scope.start + span // 2, until)]
