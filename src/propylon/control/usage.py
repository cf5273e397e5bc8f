"""/tyk/usage, /tyk/logs and /tyk/metrics: what the exchanges add up to, ours beside Tyk's API. Reads only.

Everything shown is what the drain has stored: at most a second or two behind the traffic.
"""

from typing import Final

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer, whole_number
from propylon.control.ownership import demand_unbounded, org_of
from propylon.telemetry.metrics import CONTENT_TYPE
from propylon.usage.entries import PAGE_MAX, EntryFilter, page_of_entries
from propylon.usage.histogram import percentile_us
from propylon.usage.queries import TOTALS_MAX, Dimension, Step, latencies, totals

DAY_S: Final = 86_400
HOUR_S: Final = 3_600
LOG_LIMIT: Final = 100  # entries, unless said otherwise
PERCENTILES: Final = (0.5, 0.9, 0.99)
STEPS: Final = {"minute": Step.MINUTE, "hour": Step.HOUR, "day": Step.DAY}
DIMENSIONS: Final[tuple[Dimension, ...]] = tuple(one for one in Dimension if one is not Dimension.TAGS)


async def read_totals(desk: Desk, call: Call) -> Answer:
    """`step` minute|hour|day, `by` a list of dimensions, one value of a dimension, `since` and `until` in Unix time.

    `next`, where a page of `limit` rows is full, is the `after` to go on with. Percentiles are of all rows.
    """
    step, by = _step(call), _dimensions(call)
    limit, after = _limit(call, TOTALS_MAX, TOTALS_MAX), whole_number(call, "after")
    where = {one: _typed(one, call.query[one]) for one in DIMENSIONS if one in call.query}
    since, until = _span(desk, call)
    org_of(call)
    if call.org_id is not None:
        where[Dimension.ORG] = call.org_id
    if step is not Step.MINUTE and since < desk.clock.wall() - desk.settings.usage_minutes_retention_days * DAY_S:
        since -= since % HOUR_S  # of what is older there are no minutes any more
    rows = await totals(desk.records, step, by, where=where, since=since, until=until, after=after, limit=limit)
    buckets = await latencies(desk.records, where=where, since=since, until=until)
    listed = [
        {
            "at": row.at,
            **dict(zip(by, row.values, strict=True)),
            "exchanges": row.exchanges,
            "bytes_in": row.bytes_in,
            "bytes_out": row.bytes_out,
        }
        for row in rows
    ]
    spread = {f"p{round(part * 100)}": percentile_us(buckets, part) for part in PERCENTILES}
    more = {"next": after + limit} if len(rows) == limit else {}
    return answer({"step": step.name.lower(), "usage": listed, "latency_us": spread, **more})


async def read_log(desk: Desk, call: Call) -> Answer:
    """Newest first; `one_in` says for how many exchanges an entry stands."""
    query = call.query
    since, until = _span(desk, call)
    org_of(call)
    identity = query.get("identity")
    only = EntryFilter(
        org_id=call.org_id,
        api_id=query.get("api_id"),
        identities=None if identity is None else (identity,),
        key_hash=query.get("key_hash"),
        status=_number(call, "status", None),
        reason=query.get("reason"),
        since=since,
        until=until,
    )
    entries = await page_of_entries(desk.records, only, limit=_limit(call, LOG_LIMIT, PAGE_MAX))
    return answer({"logs": [entry.log._asdict() for entry in entries]})


async def read_metrics(desk: Desk, call: Call) -> Answer:
    """In Prometheus' text format; counted since this control process started."""
    demand_unbounded(call)
    return Answer(200, await desk.metrics.page(), {"Content-Type": CONTENT_TYPE})


def _step(call: Call) -> Step:
    name = call.query.get("step", "hour")
    try:
        return STEPS[name]
    except KeyError:
        raise Refused(400, "step: write minute, hour or day") from None


def _dimensions(call: Call) -> list[Dimension]:
    names = [name for name in call.query.get("by", "").split(",") if name]
    try:
        return [DIMENSIONS[DIMENSIONS.index(Dimension(name))] for name in names]
    except ValueError:
        raise Refused(400, f"by: write some of {', '.join(DIMENSIONS)}, parted by commas") from None


def _typed(dimension: Dimension, text: str) -> str | int:
    if dimension is not Dimension.STATUS:
        return text
    if not text.isdecimal():
        raise Refused(400, "status: write a number")
    return int(text)


def _span(desk: Desk, call: Call) -> tuple[float, float]:
    """The last day unless said otherwise."""
    now = int(desk.clock.wall())
    since, until = _number(call, "since", now - DAY_S), _number(call, "until", now + 60)
    assert since is not None
    assert until is not None
    return float(since), float(until)


def _limit(call: Call, usual: int, most: int) -> int:
    limit = _number(call, "limit", usual)
    if limit is None or not 1 <= limit <= most:
        raise Refused(400, f"limit: write a number from 1 to {most}")
    return limit


def _number(call: Call, name: str, otherwise: int | None) -> int | None:
    text = call.query.get(name)
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        raise Refused(400, f"{name}: write a whole number")
    return int(text)
