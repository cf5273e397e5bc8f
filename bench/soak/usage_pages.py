"""Every list and chart of usage over a month of many callers, on both engines: how long the database takes for each."""

from typing import Final

from sqlalchemy import text

from bench.soak.pages import Ask, Fill, rows_of_pages
from bench.soak.row import Row, Size
from bench.usage_history import fill
from propylon.stores.records.names import names_of
from propylon.stores.records.records import Records
from propylon.usage.entries import EntryFilter, Place, page_of_entries
from propylon.usage.figures import Dimension, Filter, Page, Question, page_of_figures
from propylon.usage.ranges import Range
from propylon.usage.rows import Grain
from propylon.usage.spread import spreads

CALLERS: Final = 10_000
DAYS: Final = 30
END: Final = 29_000_160 - 29_000_160 % Grain.DAY + Grain.DAY  # a minute; the data ends with the day before
ORG: Final = Filter("default")


def usage_pages_sqlite(size: Size) -> list[Row]:
    return rows_of("sqlite", size)


def usage_pages_postgres(size: Size) -> list[Row]:
    return rows_of("postgres", size)


def rows_of(engine: str, size: Size) -> list[Row]:
    callers, days = size.of(CALLERS, least=200), size.of(DAYS, least=9)
    of_what = f"{days} days of {callers:,} callers"
    return rows_of_pages(engine, of_what, usage(callers, days, END), questions(days))


def usage(callers: int, days: int, end: int) -> Fill:
    """Of the days before the minute `end`."""

    async def made(records: Records) -> None:
        async with records.usage_engine.begin() as connection:
            await fill(connection, callers, days, end)
        async with records.usage_engine.begin() as connection:
            await connection.execute(text("ANALYZE"))

    return made


def questions(days: int) -> dict[str, Ask]:
    """By what a person sees."""
    month = Range(END - days * Grain.DAY, END)
    lately = Range(END - Grain.DAY - 7 * Grain.HOUR, END - 7 * Grain.HOUR)  # a day that begins within one
    shifted = Range(END - days * Grain.DAY + 5 * Grain.HOUR, END - 19 * Grain.HOUR)
    caller, refused = ORG._replace(identities=("k77",)), ORG._replace(reason="key_rate")
    log = EntryFilter("default")
    at = float((END - 3 * Grain.DAY) * 60)
    return {
        "total": _figures(Question(month, (), ORG)),
        "by hour": _figures(Question(month, (), ORG, Grain.HOUR)),
        "by day": _figures(Question(month, (), ORG, Grain.DAY)),
        "by hour, one API": _figures(Question(month, (), ORG._replace(api_ids=("api-7",)), Grain.HOUR)),
        "by hour and status": _figures(Question(month, (Dimension.STATUS,), ORG, Grain.HOUR)),
        "by API": _figures(Question(month, (Dimension.API,), ORG)),
        "by endpoint": _figures(Question(month, (Dimension.API, Dimension.ENDPOINT), ORG)),
        "by version": _figures(Question(month, (Dimension.VERSION,), ORG)),
        "by tags": _figures(Question(month, (Dimension.TAGS,), ORG)),
        "by status and reason": _figures(Question(month, (Dimension.STATUS, Dimension.REASON), ORG)),
        "callers, a page of": _figures(Question(month, (Dimension.IDENTITY,), ORG), Page(limit=10)),
        "callers, the last page": _figures(Question(month, (Dimension.IDENTITY,), ORG), Page(offset=9_000, limit=10)),
        "callers of odd hours": _figures(Question(shifted, (Dimension.IDENTITY,), ORG), Page(limit=10)),
        "callers of a day": _figures(Question(lately, (Dimension.IDENTITY,), ORG), Page(limit=10)),
        "callers of one API": _figures(
            Question(month, (Dimension.IDENTITY,), ORG._replace(api_ids=("api-7",))), Page(limit=10)
        ),
        "callers with a tag": _figures(
            Question(month, (Dimension.IDENTITY,), ORG._replace(tag="night")), Page(limit=10)
        ),
        "callers refused": _figures(Question(month, (Dimension.IDENTITY,), refused), Page(limit=10)),
        "callers with most errors": _figures(Question(month, (Dimension.IDENTITY,), ORG), Page("errors", limit=10)),
        "one caller by hour": _figures(Question(month, (), caller, Grain.HOUR)),
        "one caller by day": _figures(Question(month, (), caller, Grain.DAY)),
        "one caller by endpoint": _figures(Question(month, (Dimension.API, Dimension.ENDPOINT), caller)),
        "percentiles": _spreads(Question(month, (), ORG)),
        "percentiles by day": _spreads(Question(month, (), ORG, Grain.DAY)),
        "percentiles by hour, a week": _spreads(Question(Range(END - Grain.WEEK, END), (), ORG, Grain.HOUR)),
        "percentiles by API": _spreads(Question(month, (Dimension.API,), ORG)),
        "percentiles of one caller": _spreads(Question(month, (), caller)),
        "names of 100 callers": _names,
        "log": _page(log),
        "log, far back": _page(log, Place(at, 1)),
        "log of an API": _page(log._replace(api_id="api-7")),
        "log of a caller": _page(log._replace(identities=("k77",))),
        "log of a reason": _page(log._replace(reason="key_rate")),
        "log, errors only": _page(log._replace(errors_only=True)),
        "log, another method": _page(log._replace(method="POST", since=at)),
        "log, another path": _page(log._replace(path_begins="/bills", since=at)),
    }


def _figures(question: Question, page: Page = Page()) -> Ask:  # noqa: B008 - frozen
    return lambda records: page_of_figures(records, question, page)


def _spreads(question: Question) -> Ask:
    return lambda records: spreads(records, question)


def _page(only: EntryFilter, before: Place | None = None) -> Ask:
    return lambda records: page_of_entries(records, only, before=before)


async def _names(records: Records) -> object:
    async with records.reading_engine.connect() as connection:
        return await names_of(
            connection, [f"k{number}" for number in range(50)] + [f"s{number:032x}" for number in range(50)]
        )
