"""How latencies are spread: histograms added up in the database, off the event loop, and the percentiles of them."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import JSON, BigInteger, Select, Table, TableValuedAlias, cast, func, literal, select, true, union_all

from propylon.stores.records.engines import SQL_ERRORS
from propylon.stores.records.records import Records
from propylon.usage.figures import Question, by_index, is_by_caller, narrowed, stretches
from propylon.usage.histogram import percentile_us
from propylon.usage.ranges import Stretch, source_of
from propylon.usage.rows import Grain

PERCENTILES: Final = (0.5, 0.9, 0.95, 0.99)

Histogram = dict[int, int]


class Spread(NamedTuple):
    """The latencies of the exchanges that share what was asked for."""

    at: int  # Unix time, as of Figures
    values: tuple[str | int, ...]
    buckets: Histogram

    def percentiles(self) -> dict[str, int]:
        """Microseconds, by "p50" and so on; within 12.5 % of the exact ones."""
        return {f"p{round(part * 100)}": percentile_us(self.buckets, part) for part in PERCENTILES}


async def spreads(records: Records, question: Question) -> list[Spread]:
    """Oldest first. Of single callers as long as hours are kept, as longer stretches of them have no histogram."""
    engine = records.usage_reading_engine.dialect.name
    coarsest = min(question.step or Grain.DAY, Grain.HOUR if is_by_caller(question) else Grain.DAY)
    over = stretches(question._replace(step=coarsest))
    parts = [_part(question, stretch, engine) for stretch in over]
    if not parts:
        return []
    rows = union_all(*parts).subquery("rows")
    keys = [rows.c.stretch, *(rows.c[one] for one in question.by), rows.c.bucket]
    query = select(*keys, func.sum(rows.c.number)).group_by(*keys)
    with SQL_ERRORS:
        async with records.usage_reading_engine.connect() as connection:
            found = (await connection.execute(query)).all()
    return _spreads(found)


def _spreads(rows: Sequence[Any]) -> list[Spread]:
    spread: dict[tuple[int, tuple[str | int, ...]], Histogram] = {}
    for stretch, *values, bucket, number in rows:
        spread.setdefault((stretch * 60, tuple(values)), {})[int(bucket)] = int(number)
    return [Spread(at, values, buckets) for (at, values), buckets in sorted(spread.items())]


def _part(question: Question, stretch: Stretch, engine: str) -> Select[Any]:
    source = source_of(stretch, engine, by_caller=is_by_caller(question))
    table, at, within, _ = source
    start = literal(question.over.first) if question.step is None else at - at % int(question.step)
    buckets = _buckets(table, engine)
    columns = [table.c[one] for one in question.by]
    number = cast(buckets.c.value, BigInteger).label("number")
    query = select(start.label("stretch"), *columns, buckets.c.key.label("bucket"), number).select_from(table)
    query = query.join(buckets, true()).where(within, *narrowed(table, question.only, engine))
    return by_index(query, source, question)


def _buckets(table: Table, engine: str) -> TableValuedAlias:
    """The latencies of a row as rows."""
    if engine == "postgresql":
        return func.json_each_text(cast(table.c.latencies, JSON)).table_valued("key", "value")
    return func.json_each(table.c.latencies).table_valued("key", "value")
