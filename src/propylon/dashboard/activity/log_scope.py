"""What the request log is asked: a stretch of time and filters, read from the address and written into links.

As in `scope.py`, a caller is named by record only: what is searched for may be a key, and travels in a form.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import urlencode

from propylon.control.envelope import Refused
from propylon.dashboard.activity.scope import CUSTOM, caller_of


class Lately(NamedTuple):
    name: str
    title: str
    span_s: int


RANGES: Final = (
    Lately("1h", "1 hour", 3_600),
    Lately("24h", "24 hours", 86_400),
    Lately("7d", "7 days", 7 * 86_400),
    Lately("30d", "30 days", 30 * 86_400),
)
USUAL: Final = "24h"
FILTERS: Final = ("api_id", "caller", "code", "errors", "reason", "method", "path", "trace")
TYPED: Final = ("api_id", "code", "errors", "reason", "method", "path", "trace", "from", "to")
MINUTE_S: Final = 60


class LogScope(NamedTuple):
    """`start` and `end` are Unix times, both within; no end is now."""

    range: str  # a name of RANGES, or CUSTOM
    start: int
    end: int | None
    filters: Mapping[str, str]  # those that are set

    def asked(self) -> dict[str, str]:
        """As the query of the REST API has it."""
        asked = self.asked_of_each() | {"start": str(self.start)}
        return asked if self.end is None else asked | {"end": str(self.end)}

    def asked_of_each(self) -> dict[str, str]:
        """Without the time."""
        asked = {name: value for name, value in self.filters.items() if name != "caller"}
        return asked | ({"token": self.filters["caller"]} if "caller" in self.filters else {})

    def address(self, path: str, /, **changes: str) -> str:
        """A link to another view of the same; "" takes a part away."""
        query = urlencode({name: value for name, value in {**self.own(), **changes}.items() if value})
        return f"{path}?{query}" if query else path

    def own(self) -> dict[str, str]:
        if self.range == CUSTOM:
            until = {} if self.end is None else {"to": _local(self.end - MINUTE_S)}
            return {"from": _local(self.start), **until, **self.filters}
        return {**({} if self.range == USUAL else {"range": self.range}), **self.filters}


def read_log_scope(query: Mapping[str, str], now: float) -> LogScope:
    """Raises Refused with 400, the field's name before a colon."""
    filters = {name: value for name in FILTERS if (value := query.get(name, "").strip())}
    if "caller" in filters:
        filters["caller"] = caller_of(filters["caller"])
    if query.get("from") or query.get("to"):
        start, end = _minute(query, "from"), _minute(query, "to")
        if start is not None and end is not None and end < start:
            raise Refused(400, "to: it is before the beginning; choose a later time")
        return LogScope(CUSTOM, start or 0, None if end is None else end + MINUTE_S, filters)
    named = query.get("range") or USUAL
    chosen = next((one for one in RANGES if one.name == named), None)
    if chosen is None:
        raise Refused(400, f"range: choose one of {', '.join(one.name for one in RANGES)}")
    return LogScope(named, int(now) - chosen.span_s, None, filters)


def _minute(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        raise Refused(400, f"{name}: write a time as 2026-11-28T18:30, UTC") from None
    return max(0, int(at) // MINUTE_S * MINUTE_S)


def _local(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M}"
