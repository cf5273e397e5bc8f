"""A range of time as the stretches that stand for it: weeks and days inside, hours and minutes at its edges.

The coarsest stretches that fit are read, so that thirty days of all callers are some ten rows of each and not 720.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Table, and_, func, literal

from propylon.stores.records.usage_tables import usage, usage_callers, usage_traffic
from propylon.usage.progress import mark_query
from propylon.usage.rows import Grain

CALLERS: Final = (Grain.WEEK, Grain.DAY, Grain.QUARTER, Grain.HOUR, Grain.MINUTE)
TRAFFIC: Final = (Grain.DAY, Grain.HOUR, Grain.MINUTE)


class Range(NamedTuple):
    """Minutes since the epoch."""

    first: int
    end: int  # the first one beyond


class Stretch(NamedTuple):
    """Rows of one grain, one after the other."""

    grain: Grain
    first: int
    end: int
    from_mark: bool = False  # those that are in nothing longer yet


def range_of(since: float, until: float, grain: Grain) -> Range:
    """Whole stretches of a grain: those that hold `since` and `until` (Unix time), and all between."""
    return Range(grain.start(int(since // 60)), grain.start(int(until // 60)) + grain)


def cover(over: Range, grains: Sequence[Grain]) -> list[Stretch]:
    """The fewest stretches; `grains` from the coarsest to the one that the range is whole in."""
    if over.first >= over.end:
        return []
    grain, *finer = grains
    first, end = -(-over.first // grain) * grain, over.end // grain * grain
    if first >= end:
        return cover(over, finer) if finer else []
    before = cover(Range(over.first, first), finer) if finer else []
    after = cover(Range(end, over.end), finer) if finer else []
    return [*before, Stretch(grain, first, end), *after]


class Source(NamedTuple):
    """Where the rows of a stretch are."""

    table: Table
    at: ColumnElement[int]  # its column of the time
    within: ColumnElement[bool]
    by_identity: str  # its index for single callers, "" where callers are not told apart


def source_of(stretch: Stretch, engine: str, *, by_caller: bool) -> Source:
    """The mark is read by the statement that reads the rows: minutes that are rolled up meanwhile count once."""
    if by_caller and stretch.grain is Grain.MINUTE:
        at = usage.c.minute
        first: ColumnElement[int] = literal(stretch.first, BigInteger)
        if stretch.from_mark:
            first = (func.greatest if engine == "postgresql" else func.max)(first, mark_query().scalar_subquery())
        return Source(usage, at, and_(at >= first, at < stretch.end), "usage_by_identity")
    table, index = (usage_callers, "usage_callers_by_identity") if by_caller else (usage_traffic, "")
    columns = table.c
    within = and_(columns.grain == int(stretch.grain), columns.at >= stretch.first, columns.at < stretch.end)
    return Source(table, columns.at, within, index)
