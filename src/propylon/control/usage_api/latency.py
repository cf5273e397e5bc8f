"""/api/activity/latency: percentiles over time, from histograms that add up; within 12.5 % of the exact ones."""

from typing import Final

from propylon.control.desk import Desk
from propylon.control.envelope import Refused
from propylon.control.usage_api import row as shape
from propylon.control.usage_api.answers import Document
from propylon.control.usage_api.asking import RESOLUTIONS, Query, asked_filter, asked_range, resolution
from propylon.control.usage_api.callers import callers_by
from propylon.usage.figures import Question
from propylon.usage.rows import Grain
from propylon.usage.spread import spreads

POINTS_MAX: Final = 200  # of one chart; beyond it the stretches are days


async def percentiles(desk: Desk, org_id: str | None, path: Query, query: Query) -> Document:
    """Microseconds; stretches without exchanges are not there. `res` says what was used: days where hours are many."""
    named = resolution(query) or "day"
    if named == "month":
        raise Refused(400, "res: write minute, hour or day; percentiles are not told by month")
    over = asked_range(desk, path, min(RESOLUTIONS[named], Grain.HOUR))
    if (over.end - over.first) // RESOLUTIONS[named] > POINTS_MAX:
        named = "day"
    only = asked_filter(org_id, query)
    if query.get("q"):
        only = only._replace(identities=await callers_by(desk, org_id, query["q"]))
    step = RESOLUTIONS[named]
    found = await spreads(desk.records, Question(over, (), only, step, min(step, Grain.HOUR)))
    rows = [
        {"id": shape.at(one.at, named), "hits": sum(one.buckets.values()), "latency_us": one.percentiles()}
        for one in found
    ]
    return {"data": rows, "res": named}
