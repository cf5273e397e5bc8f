"""What people ask of usage: totals over time, and the log of single exchanges. Reads only, and holds up no writer."""

from collections.abc import Mapping, Sequence
from enum import IntEnum, StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Row,
    Select,
    TableValuedAlias,
    cast,
    func,
    literal,
    select,
    true,
)

from propylon.stores.records.engines import SQL_ERRORS
from propylon.stores.records.records import Records
from propylon.stores.records.tables import request_log, usage
from propylon.usage.line import LogEntry

TOTALS_MAX: Final = 10_000
LOG_MAX: Final = 1_000
EVER: Final = float(2**53)

_Select = Select[*tuple[Any, ...]]


class Step(IntEnum):
    """How long the stretches are that exchanges are added up over; minutes."""

    MINUTE = 1
    HOUR = 60
    DAY = 1440  # of UTC


class Dimension(StrEnum):
    """What totals can be told apart by; columns of `usage`."""

    API = "api_id"
    IDENTITY = "identity"
    STATUS = "status"
    REASON = "reason"
    ENDPOINT = "endpoint"


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
    at = _stretch(step)
    columns: list[Any] = [usage.c[one] for one in by]
    sums: list[Any] = [func.sum(usage.c[name]) for name in ("count", "bytes_in", "bytes_out")]
    query = _narrowed(select(at, *sums, *columns), where or {}, since, until)
    query = query.group_by(at, *columns).order_by(at.desc(), sums[0].desc(), *columns).limit(min(limit, TOTALS_MAX))
    return [_total(*row) for row in await _read(records, query)]


async def latencies(
    records: Records,
    *,
    where: Mapping[Dimension, str | int] | None = None,
    since: float = 0.0,
    until: float = EVER,
) -> dict[int, int]:
    """The histogram of all exchanges chosen, for `percentile_us`; added up in the database, off the event loop."""
    buckets = _buckets(records.usage_reading_engine.dialect.name)
    counts = func.sum(cast(buckets.c.value, BigInteger))
    query: _Select = select(buckets.c.key, counts).select_from(usage).join(buckets, true())
    query = _narrowed(query, where or {}, since, until).group_by(buckets.c.key)
    return {int(bucket): int(count) for bucket, count in await _read(records, query)}


async def recent_log(
    records: Records,
    only: LogFilter = EVERY_ENTRY,
    *,
    since: float = 0.0,
    until: float = EVER,
    limit: int = 100,
) -> list[LogEntry]:
    """Newest first. For the entries before a page, `until` is the time of its last one: it comes again."""
    query = select(*(request_log.c[name] for name in LogEntry._fields))
    query = query.where(request_log.c.at >= since, request_log.c.at <= until)
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


def _buckets(engine: str) -> TableValuedAlias:
    """The latencies of a row as rows."""
    if engine == "postgresql":
        return func.json_each_text(cast(usage.c.latencies, JSON)).table_valued("key", "value")
    return func.json_each(usage.c.latencies).table_valued("key", "value")


def _total(at: int, exchanges: int, bytes_in: int, bytes_out: int, *values: str | int) -> Total:
    """A sum of PostgreSQL is a Decimal."""
    return Total(at, values, int(exchanges), int(bytes_in), int(bytes_out))


def _stretch(step: Step) -> ColumnElement[int]:
    """Unix time of the beginning of the stretch that a minute lies in."""
    return ((usage.c.minute - usage.c.minute % int(step)) * 60).label("stretch")


def _narrowed(query: _Select, where: Mapping[Dimension, str | int], since: float, until: float) -> _Select:
    query = query.where(usage.c.minute >= int(since // 60), usage.c.minute <= int(until // 60))
    for one, value in where.items():
        query = query.where(usage.c[one] == _asked(value))
    return query


def _asked(value: str | int) -> Any:
    """A number that the column could not hold is simply not there."""
    return literal(value, BigInteger) if isinstance(value, int) else value


async def _read(records: Records, query: _Select) -> Sequence[Row[*tuple[Any, ...]]]:
    with SQL_ERRORS:
        async with records.usage_reading_engine.connect() as connection:
            return (await connection.execute(query)).all()
