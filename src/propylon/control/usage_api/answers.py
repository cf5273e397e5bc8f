"""Lists and series as documents: rows named at read time, paged, and a series with zeros where nobody called."""

import calendar
import time
from collections.abc import Iterator
from typing import Any

from propylon.control.desk import Desk
from propylon.control.refusals import refusal_of
from propylon.control.usage_api import row as shape
from propylon.control.usage_api.asking import RESOLUTIONS, Query, page_of, paging
from propylon.control.usage_api.callers import named
from propylon.stores.records.engines import SQL_ERRORS
from propylon.stores.records.names import names_of_apis
from propylon.usage.figures import Dimension, Figures, Question, figures, page_of_figures
from propylon.usage.ranges import Range
from propylon.usage.tag_sets import read_stored

Document = dict[str, Any]


async def listed(desk: Desk, question: Question, query: Query) -> Document:
    """A page of groups, with how many pages and rows there are, and the total over all of them."""
    asked = paging(query)
    rows, groups = await page_of_figures(desk.records, question, page_of(query, asked))
    total = await figures(desk.records, question._replace(by=()))
    ids = await _ids(desk, question, rows)
    return {
        "data": [shape.row(one, named_as) for one, named_as in zip(rows, ids, strict=True)],
        "pages": asked.pages(groups),
        "rows": groups,
        "total": shape.row(total[0], {}) if total else shape.row(_nothing(question.over.first * 60), {}),
    }


async def series(desk: Desk, question: Question, resolution: str, more: Document) -> Document:
    """Oldest first, each stretch of the range once. `more` are members of each `id`."""
    step = RESOLUTIONS[resolution]
    found = await figures(desk.records, question._replace(step=step, by=()))
    by_start: dict[int, list[Figures]] = {}
    for one in found:
        by_start.setdefault(_start(one.at, resolution), []).append(one)
    starts = list(_starts(question.over, resolution))
    rows = [_together(start, by_start.get(start, [])) for start in starts]
    return {"data": [shape.row(one, {**more, **shape.at(one.at, resolution)}) for one in rows], "pages": 1}


def _starts(over: Range, resolution: str) -> Iterator[int]:
    """Unix times; of months, their first days."""
    step = int(RESOLUTIONS[resolution])
    starts = range(over.first - over.first % step, over.end, step)
    yield from dict.fromkeys(_start(minute * 60, resolution) for minute in starts)


def _start(at: int, resolution: str) -> int:
    if resolution != "month":
        return at
    then = time.gmtime(at)
    return calendar.timegm((then.tm_year, then.tm_mon, 1, 0, 0, 0))


def _together(start: int, found: list[Figures]) -> Figures:
    if not found:
        return _nothing(start)
    return Figures(
        start,
        (),
        sum(one.exchanges for one in found),
        sum(one.errors for one in found),
        sum(one.bytes_in for one in found),
        sum(one.bytes_out for one in found),
        sum(one.latency_us for one in found),
        min(one.min_us for one in found),
        max(one.max_us for one in found),
        max(one.last_minute for one in found),
    )


def _nothing(start: int) -> Figures:
    return Figures(start, (), 0, 0, 0, 0, 0, 0, 0, 0)


async def _ids(desk: Desk, question: Question, rows: list[Figures]) -> list[Document]:
    """What each row is called, as it is called now."""
    values = {one: [figure.values[place] for figure in rows] for place, one in enumerate(question.by)}
    ids: list[Document] = [{} for _ in rows]
    for dimension, column in values.items():
        for one, told in zip(ids, await _told(desk, dimension, column), strict=True):
            one |= told
    return ids


async def _told(desk: Desk, dimension: Dimension, column: list[Any]) -> list[Document]:
    match dimension:
        case Dimension.IDENTITY:
            callers = await named(desk, column)
            return [shape.caller(callers[one]) for one in column]
        case Dimension.API:
            with SQL_ERRORS:
                async with desk.records.reading_engine.connect() as connection:
                    names = await names_of_apis(connection, column)
            return [{"api_id": one, "api_name": names.get(one, one), "api_exists": one in names} for one in column]
        case Dimension.ENDPOINT:
            return [{"path": one, "url": one} for one in column]
        case Dimension.STATUS:
            return [{"code": one} for one in column]
        case Dimension.REASON:
            return [{"reason": one, "because": refusal_of(one).because if one else ""} for one in column]
        case Dimension.TAGS:
            return [{"tags": read_stored(one)} for one in column]
        case Dimension.VERSION | Dimension.ORG:
            return [{dimension.value: one} for one in column]
