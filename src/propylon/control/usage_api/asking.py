"""What a call of the usage API asks: its range, its filters and its page, read from path and query.

Dates are days of UTC. What is malformed is refused with the field's name and what to write.
"""

import datetime
import time
from collections.abc import Mapping
from typing import Final, NamedTuple

from propylon.control.desk import Desk
from propylon.control.envelope import Refused
from propylon.usage.figures import GROUPS_MAX, Filter, Page
from propylon.usage.ranges import Range, range_of
from propylon.usage.rows import Grain

DATES: Final = "{from_day}/{from_month}/{from_year}/{to_day}/{to_month}/{to_year}"
RESOLUTIONS: Final = {"minute": Grain.MINUTE, "hour": Grain.HOUR, "day": Grain.DAY, "month": Grain.DAY}
PAGE_SIZE: Final = 10
PAGE_SIZE_MAX: Final = 1_000
DAY_S: Final = 86_400
SORTS: Final = {
    "hits": "exchanges",
    "error": "errors",
    "bytes_in": "bytes_in",
    "bytes_out": "bytes_out",
    "last_hit": "last_minute",
    "max_latency": "max_us",
}

Query = Mapping[str, str]


class Paging(NamedTuple):
    """Which page of how many rows; number 0 = all of them, GROUPS_MAX at most."""

    number: int
    size: int

    def pages(self, rows: int) -> int:
        return max(1, -(-rows // (self.size if self.number else GROUPS_MAX)))


def asked_range(desk: Desk, path: Query, finest: Grain = Grain.HOUR) -> Range:
    """From the beginning of one day to the end of another; not beyond the day after today, as nothing is there yet."""
    first, last = _day(path, "from"), _day(path, "to")
    if last < first:
        raise Refused(400, "the dates: the second is before the first; write /day/month/year/day/month/year")
    end = min(last + DAY_S, (int(desk.clock.wall()) // DAY_S + 2) * DAY_S)
    return range_of(first, max(first, end - 1), finest)


def _day(path: Query, name: str) -> int:
    """Unix time of its beginning."""
    try:
        year, month, number = (int(path[f"{name}_{part}"]) for part in ("year", "month", "day"))
        day = datetime.datetime(year, month, number, tzinfo=datetime.UTC)
    except (ValueError, OverflowError):
        raise Refused(
            400, "the dates: write /day/month/year/day/month/year, for instance /1/11/2026/30/11/2026"
        ) from None
    return max(0, int(day.timestamp()))


def resolution(query: Query) -> str | None:
    """A name of RESOLUTIONS."""
    named = query.get("res")
    if named is not None and named not in RESOLUTIONS:
        raise Refused(400, f"res: write {', '.join(RESOLUTIONS)}")
    return named


def asked_filter(org_id: str | None, query: Query) -> Filter:
    """Filters combine. Tyk's names, and ours beside them."""
    tags = [one for one in query.get("tags", "").split(",") if one]
    if len(tags) > 1:
        raise Refused(400, "tags: write one tag")
    api_id = query.get("api_id") or query.get("api")
    return Filter(
        org_id,
        (api_id,) if api_id else None,
        None,
        query.get("api_version") or None,
        whole_number(query, "code"),
        query.get("reason"),
        query.get("endpoint"),
        tags[0] if tags else None,
        query.get("errors", "") in ("1", "true"),
    )


def paging(query: Query) -> Paging:
    """`p` from 1; 0 and below: everything."""
    text = query.get("p", "1")
    size = whole_number(query, "page_size")
    if size is not None and not 1 <= size <= PAGE_SIZE_MAX:
        raise Refused(400, f"page_size: write a number from 1 to {PAGE_SIZE_MAX}")
    if not text.removeprefix("-").isdecimal() or len(text) > 9:
        raise Refused(400, "p: write the number of a page from 1, or -1 for all")
    return Paging(max(0, int(text)), size or PAGE_SIZE)


def page_of(query: Query, asked: Paging) -> Page:
    """`by` names what is sorted by; `sort=1` (the default) has the most first, `sort=-1` the least."""
    by = query.get("by", "hits").lower()
    if by not in SORTS:
        raise Refused(400, f"by: write one of {', '.join(SORTS)}")
    if query.get("sort", "1") not in ("1", "-1"):
        raise Refused(400, "sort: write 1 for the most first, or -1")
    descending = query.get("sort", "1") == "1"
    if not asked.number:
        return Page(SORTS[by], descending, 0, GROUPS_MAX)
    return Page(SORTS[by], descending, (asked.number - 1) * asked.size, asked.size)


def whole_number(query: Query, name: str) -> int | None:
    text = query.get(name)
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 12):
        raise Refused(400, f"{name}: write a whole number")
    return int(text)


def rfc3339(at: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) if at else "0001-01-01T00:00:00Z"
