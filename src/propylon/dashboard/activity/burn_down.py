"""How a quota is used up in its period, and where that ends at this pace.

The past is told backwards from what is left now, which is exact; what passed before now is from usage. So the picture
always ends at the meter's own number, and an exchange that was charged but failed at the target bends it a little.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from math import ceil
from typing import Any, Final, NamedTuple

from propylon.control.usage_api import activity
from propylon.dashboard.activity.asking import told
from propylon.dashboard.activity.scope import CUSTOM, Scope
from propylon.dashboard.activity.series import start_of
from propylon.dashboard.charts import Picture, stacked
from propylon.dashboard.visit import Visit
from propylon.dashboard.words import clock_label

STEPS: Final = 48  # of a picture, about
MINUTELY_S: Final = 6 * 3_600  # periods up to this are told by minute


class Point(NamedTuple):
    at: int
    left: int
    forecast: int  # of a time to come, 0 before


class BurnDown(NamedTuple):
    """One quota of a key. Times are Unix times, 0 where there is none."""

    scope: str  # "" for the key's own, else the API or policy that it is of
    quota_max: int
    used: int
    remaining: int
    used_per_hour: float
    renews_at: float
    runs_out_at: float
    points: list[Point]  # none when no period has begun
    picture: Picture
    labels: list[str]


async def burn_down_of(visit: Visit, record: str, row: dict[str, Any], api_ids: Sequence[str]) -> BurnDown:
    """`row` is what the REST API tells of the quota."""
    began, renews, ends = (_time(row[name]) for name in ("began_at", "renews_at", "runs_out_at"))
    points = []
    if began and began < visit.now < renews:
        step = _step(renews - began)
        passed = await _passed(visit, record, began, row["scope"] if row["scope"] in api_ids else "")
        points = course(row, passed, range(int(began), ceil(renews), step), visit.now)
    picture = stacked([(one.left, one.forecast) for one in points])
    labels = [clock_label(at, renews - began) for at in (began, (began + renews) / 2, renews)] if points else []
    words = (row["scope"], row["quota_max"], row["used"], row["remaining"], row["used_per_hour"])
    return BurnDown(*words, renews, ends, points, picture, labels)


def course(row: dict[str, Any], passed: Sequence[tuple[int, int]], starts: range, now: float) -> list[Point]:
    """What is left at the beginning of each stretch. `passed` are (beginning of a stretch, exchanges) of the period."""
    points = []
    for at in starts:
        if at <= now:
            # The stretch that the period began in may have begun before it.
            since = sum(number for start, number in passed if start >= at or at == starts[0])
            points.append(Point(at, min(row["quota_max"], row["remaining"] + since), 0))
        else:
            spent = row["used_per_hour"] * (at - now) / 3_600
            points.append(Point(at, 0, max(0, round(row["remaining"] - spent))))
    return points


def _step(period_s: float) -> int:
    """Whole minutes of a short period, whole hours of a long one."""
    unit = 60 if period_s <= MINUTELY_S else 3_600
    return max(1, ceil(period_s / STEPS / unit)) * unit


async def _passed(visit: Visit, record: str, began: float, api_id: str) -> list[tuple[int, int]]:
    res = "minute" if visit.now - began <= MINUTELY_S else "hour"
    filters = {"caller": record} | ({"api_id": api_id} if api_id else {})
    over = Scope(CUSTOM, _day(began), _day(visit.now), res, False, filters)
    document = await told(visit, activity.usage, over, res=res)
    rows = [(start_of(row["id"]), row["success"]) for row in document["data"] if row["success"]]
    return [one for one in rows if one[0] >= began - (60 if res == "minute" else 3_600)]


def _day(at: float) -> date:
    return datetime.fromtimestamp(at, UTC).date()


def _time(text: str | None) -> float:
    return datetime.fromisoformat(text).timestamp() if text else 0.0
