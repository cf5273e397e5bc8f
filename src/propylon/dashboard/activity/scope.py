"""What a page of activity is asked: a range of days, how finely it is parted, and what it is narrowed to.

Read from the address of the page and written into its links, so that every view is an address. The names are those of
the REST API (`docs/dashboard-api.md`), except `caller`: a record or the hash of those without a key, never a key.
"""

import datetime
from calendar import timegm
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import urlencode

from propylon.control.envelope import Refused
from propylon.control.usage_api.asking import RESOLUTIONS
from propylon.control.usage_api.callers import RECORD
from propylon.control.usage_api.row import NO_KEY_HASH

DAY_S: Final = 86_400
CUSTOM: Final = "custom"
RANGE_DAYS_MAX: Final = 3_700
# Days that each resolution may part, so that a chart has some 1,500 points at most.
RES_DAYS_MAX: Final = {"minute": 1, "hour": 62, "day": 1_500, "month": RANGE_DAYS_MAX}


class Range(NamedTuple):
    """Days up to and with today."""

    name: str
    title: str
    days: int


RANGES: Final = (
    Range("today", "Today", 1),
    Range("2d", "2 days", 2),
    Range("7d", "7 days", 7),
    Range("30d", "30 days", 30),
    Range("90d", "90 days", 90),
)
USUAL: Final = "2d"  # today alone is empty just after midnight
FILTERS: Final = ("api_id", "api_version", "tags", "caller", "endpoint", "code", "reason", "errors")
# In a form; the others come by a link, and are kept beside it.
TYPED: Final = ("api_id", "api_version", "tags", "errors", "from", "to")


class Scope(NamedTuple):
    """Days are of UTC, both within the range."""

    range: str  # a name of RANGES, or CUSTOM
    first: datetime.date
    last: datetime.date
    res: str  # a name of RESOLUTIONS
    is_usual_res: bool
    filters: Mapping[str, str]  # those that are set

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def start(self) -> int:
        """Unix time of the range's beginning."""
        return timegm(self.first.timetuple())

    @property
    def end(self) -> int:
        """Unix time just after the range."""
        return timegm(self.last.timetuple()) + DAY_S

    @property
    def resolutions(self) -> list[str]:
        """Those that may part this range."""
        return [name for name, most in RES_DAYS_MAX.items() if self.days <= most]

    def dates(self) -> dict[str, str]:
        """As the path of the REST API has them."""
        ends = (("from", self.first), ("to", self.last))
        return {f"{end}_{part}": str(getattr(day, part)) for end, day in ends for part in ("day", "month", "year")}

    def asked(self) -> dict[str, str]:
        """The filters as the query of the REST API has them."""
        asked = {name: value for name, value in self.filters.items() if name != "caller"}
        return asked | ({"q": self.filters["caller"]} if "caller" in self.filters else {})

    def address(self, path: str, /, **changes: str) -> str:
        """A link to another view of the same; "" takes a part away. Without changes it is this view."""
        query = urlencode({name: value for name, value in {**self.own(), **changes}.items() if value})
        return f"{path}?{query}" if query else path

    def own(self) -> dict[str, str]:
        """The parts of the address that are not the usual ones."""
        if self.range == CUSTOM:
            when = {"from": self.first.isoformat(), "to": self.last.isoformat()}
        else:
            when = {} if self.range == USUAL else {"range": self.range}
        return {**when, **({} if self.is_usual_res else {"res": self.res}), **self.filters}


def read_scope(query: Mapping[str, str], now: float) -> Scope:
    """Raises Refused with 400, the field's name before a colon."""
    today = datetime.datetime.fromtimestamp(now, datetime.UTC).date()
    named = query.get("range") or USUAL
    if query.get("from") or query.get("to"):
        first, last = _day(query, "from", today), _day(query, "to", today)
        named = CUSTOM
    else:
        chosen = next((one for one in RANGES if one.name == named), None)
        if chosen is None:
            raise Refused(400, f"range: choose one of {', '.join(one.name for one in RANGES)}")
        first, last = today - datetime.timedelta(days=chosen.days - 1), today
    if last < first:
        raise Refused(400, "to: it is before the first day; choose a later one")
    days = (last - first).days + 1
    if days > RANGE_DAYS_MAX:
        raise Refused(400, f"from: a range has {RANGE_DAYS_MAX} days at most; choose a later day")
    usual = "hour" if days <= 7 else "day" if days <= 400 else "month"
    return Scope(named, first, last, _resolution(query, days, usual), not query.get("res"), _filters(query))


def _day(query: Mapping[str, str], name: str, otherwise: datetime.date) -> datetime.date:
    text = query.get(name)
    if not text:
        return otherwise
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        raise Refused(400, f"{name}: write a day as 2026-11-28") from None
    if day.year < 1970:
        raise Refused(400, f"{name}: choose a day from 1970 on")
    return day


def _resolution(query: Mapping[str, str], days: int, usual: str) -> str:
    named = query.get("res") or usual
    if named not in RESOLUTIONS:
        raise Refused(400, f"res: choose one of {', '.join(RESOLUTIONS)}")
    if days > RES_DAYS_MAX[named]:
        most = RES_DAYS_MAX[named]
        raise Refused(400, f"res: by {named} a range has {most} day{'' if most == 1 else 's'} at most")
    return named


def _filters(query: Mapping[str, str]) -> dict[str, str]:
    filters = {name: value for name in FILTERS if (value := query.get(name, "").strip())}
    if "caller" in filters:
        filters["caller"] = caller_of(filters["caller"])
    return filters


def caller_of(text: str) -> str:
    """Only what a link of ours says: a key would stand in histories and logs. Raises Refused."""
    if text != NO_KEY_HASH and not RECORD.fullmatch(text):
        raise Refused(400, "caller: find callers with the form above the list; a key does not belong in an address")
    return text
