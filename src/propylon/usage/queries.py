"""What the Gateway API asks of usage: totals over time, and the log of single exchanges. Reads only.

The questions of the screens and the dashboard's API are `figures.py`, `spread.py` and `entries.py`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Row, Select, literal, select

from propylon.stores.records.engines import SQL_ERRORS
from propylon.stores.records.records import Records
from propylon.stores.records.usage_tables import request_log
from propylon.usage.figures import Dimension as Dimension
from propylon.usage.figures import Filter, Page, Question, figures
from propylon.usage.line import LogEntry
from propylon.usage.ranges import range_of
from propylon.usage.rows import Grain
from propylon.usage.spread import spreads

TOTALS_MAX: Final = 10_000
LOG_MAX: Final = 1_000
EVER: Final = float(2**53)

Step = Grain  # how long the stretches are that exchanges are added up over

_Select = Select[*tuple[Any, ...]]


class Total(NamedTuple):
    """The exchanges of one stretch that share the dimensions asked for."""

    at: int  # Unix time of its beginning
    values: tuple[str | int, ...]  # of the dimensions asked for, in their order
    exchanges: int
    bytes_in: int
    bytes_out: int


class LogFilter(NamedTuple):
    """None: whatever it is."""

    api_id: str | None = None
    identity: str | None = None
    key_hash: str | None = None
    status: int | None = None
    reason: str | None = None


EVERY_ENTRY: Final = LogFilter()


async def totals(
    records: Records,
    step: Step,
    by: Sequence[Dimension] = (),
    *,
    where: Mapping[Dimension, str | int] | None = None,
    since: float = 0.0,
    until: float = EVER,
    limit: int = TOTALS_MAX,
) -> list[Total]:
    """Newest stretch first, most exchanges first in each. `since` and `until` count by the minute that holds them."""
    over = range_of(since, until, Grain.MINUTE)
    question = Question(over, tuple(by), _filter(where or {}), step, Grain.MINUTE)
    found = await figures(records, question, Page(limit=min(limit, TOTALS_MAX)))
    return [Total(one.at, one.values, one.exchanges, one.bytes_in, one.bytes_out) for one in found]


async def latencies(
    records: Records,
    *,
    where: Mapping[Dimension, str | int] | None = None,
    since: float = 0.0,
    until: float = EVER,
) -> dict[int, int]:
    """The histogram of all exchanges chosen, for `percentile_us`."""
    over = range_of(since, until, Grain.MINUTE)
    found = await spreads(records, Question(over, (), _filter(where or {}), None, Grain.MINUTE))
    return found[0].buckets if found else {}


async def recent_log(
    records: Records,
    only: LogFilter = EVERY_ENTRY,
    *,
    api_ids: Collection[str] | None = None,
    since: float = 0.0,
    until: float = EVER,
    limit: int = 100,
) -> list[LogEntry]:
    """Newest first. For the entries before a page, `until` is the time of its last one: it comes again."""
    query = select(*(request_log.c[name] for name in LogEntry._fields))
    query = query.where(request_log.c.at >= since, request_log.c.at <= until)
    if api_ids is not None:
        query = query.where(request_log.c.api_id.in_(api_ids))
    for name, value in only._asdict().items():
        if value is not None:
            query = query.where(request_log.c[name] == _asked(value))
    query = query.order_by(request_log.c.at.desc(), request_log.c.id.desc()).limit(min(limit, LOG_MAX))
    return [LogEntry._make(row) for row in await _read(records, query)]


async def logged_as(records: Records, trace: str) -> LogEntry | None:
    """The exchange that was refused or failed with this trace."""
    query = select(*(request_log.c[name] for name in LogEntry._fields)).where(request_log.c.trace == trace).limit(1)
    rows = await _read(records, query)
    return LogEntry._make(rows[0]) if rows else None


def _filter(where: Mapping[Dimension, str | int]) -> Filter:
    lists = {Dimension.API: "api_ids", Dimension.IDENTITY: "identities"}
    given: dict[str, Any] = {}
    for one, value in where.items():
        given[lists.get(one, one.value)] = (value,) if one in lists else value
    return Filter(**given)


def _asked(value: str | int) -> Any:
    """A number that the column could not hold is simply not there."""
    return literal(value, BigInteger) if isinstance(value, int) else value


async def _read(records: Records, query: _Select) -> Sequence[Row[*tuple[Any, ...]]]:
    with SQL_ERRORS:
        async with records.usage_reading_engine.connect() as connection:
            return (await connection.execute(query)).all()
