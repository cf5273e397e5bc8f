"""What exchanges add up to: over a range, told apart by some dimensions, narrowed by filters that combine.

Every figure of every screen and of the APIs comes from here, so totals by caller, by API and of all are the same to
the unit. Names of callers are not known here: they are joined when they are shown (`names.py` of the records).
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    RowMapping,
    Select,
    Table,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
)

from propylon.stores.records.engines import SQL_ERRORS
from propylon.stores.records.records import Records
from propylon.usage.ranges import CALLERS, TRAFFIC, Range, Source, Stretch, cover, source_of
from propylon.usage.rows import Grain
from propylon.usage.tag_sets import SEPARATOR

GROUPS_MAX: Final = 10_000  # rows of one answer
FIRST_FOUND_MAX: Final = 500  # callers of a page that are found before they are added up


class Dimension(StrEnum):
    """What figures can be told apart by; columns of the tables."""

    ORG = "org_id"
    API = "api_id"
    VERSION = "version"
    IDENTITY = "identity"
    STATUS = "status"
    REASON = "reason"
    ENDPOINT = "endpoint"
    TAGS = "tags"  # sets of them, as stored


class Filter(NamedTuple):
    """None: whatever it is."""

    org_id: str | None = None
    api_ids: tuple[str, ...] | None = None
    identities: tuple[str, ...] | None = None  # "" for those without a key
    version: str | None = None
    status: int | None = None
    reason: str | None = None
    endpoint: str | None = None
    tag: str | None = None
    errors_only: bool = False


class Figures(NamedTuple):
    """The exchanges that share what was asked for."""

    at: int  # Unix time of the beginning of their stretch; of the range when none was asked for
    values: tuple[str | int, ...]  # of the dimensions asked for, in their order
    exchanges: int
    errors: int  # answered with 400 or above, or with nothing
    bytes_in: int
    bytes_out: int
    latency_us: int  # of all of them together; from histograms, so within 12.5 %
    min_us: int
    max_us: int
    last_minute: int  # since the epoch, of the latest one


class Question(NamedTuple):
    """`over` is whole in the finest grain; `step` parts it, None = all of it is one."""

    over: Range
    by: tuple[Dimension, ...] = ()
    only: Filter = Filter()
    step: Grain | None = None
    finest: Grain = Grain.HOUR


class Page(NamedTuple):
    """Which of the groups, in which order."""

    sort: str = "exchanges"  # a field of Figures
    descending: bool = True
    offset: int = 0
    limit: int = GROUPS_MAX


EVERYTHING: Final = Page()
_NAMES: Final = Figures._fields[2:]
_SOURCES: Final = {"exchanges": "count"}  # columns of another name
_AGGREGATES: Final[dict[str, Any]] = {"min_us": func.min, "max_us": func.max, "last_minute": func.max}


class Found(NamedTuple):
    """A page of groups."""

    rows: list[Figures]
    groups: int  # in all pages


async def figures(records: Records, question: Question, page: Page = EVERYTHING) -> list[Figures]:
    """Sorted as `page` says, the rest by stretch and dimensions so that the order is always the same."""
    return (await page_of_figures(records, question, page)).rows


async def page_of_figures(records: Records, question: Question, page: Page) -> Found:
    """Of many callers those of the page are found first, by what they are sorted by alone: half the price."""
    if question.by != (Dimension.IDENTITY,) or question.step is not None or page.limit > FIRST_FOUND_MAX:
        return await _found(records, question, page, _NAMES)
    first = await _found(records, question, page, (page.sort,))
    callers = tuple(str(one.values[0]) for one in first.rows)
    only = question.only._replace(identities=callers)
    whole = {one.values: one for one in await figures(records, question._replace(only=only))} if callers else {}
    return Found([whole.get(one.values, one) for one in first.rows], first.groups)


async def _found(records: Records, question: Question, page: Page, names: Sequence[str]) -> Found:
    query = _query(question, records.usage_reading_engine.dialect.name, names)
    if query is None:
        return Found([], 0)
    columns = {column.name: column for column in query.selected_columns}
    first = [columns["stretch"].desc()] if question.step is not None and page.sort == "exchanges" else []
    wanted = columns[page.sort].desc() if page.descending else columns[page.sort].asc()
    query = query.order_by(*first, wanted, *(columns[one] for one in question.by))
    rows = await _read(records, query.limit(min(page.limit, GROUPS_MAX)).offset(page.offset))
    if rows:
        return Found([_figures(question, row) for row in rows], int(rows[0]["groups"]))
    (counted,) = await _read(records, select(func.count().label("groups")).select_from(query.order_by(None).subquery()))
    return Found([], int(counted["groups"]))


def stretches(question: Question) -> list[Stretch]:
    """Those that are read. Of callers, minutes from the mark on are in nothing longer yet."""
    by_caller = is_by_caller(question)
    grains = CALLERS if by_caller else TRAFFIC
    found = cover(question.over, [one for one in grains if question.finest <= one <= (question.step or Grain.WEEK)])
    longer = [one for one in found if one.grain is not Grain.MINUTE]
    if by_caller and longer:
        found.append(Stretch(Grain.MINUTE, longer[0].first, longer[-1].end, from_mark=True))
    return found


def is_by_caller(question: Question) -> bool:
    return Dimension.IDENTITY in question.by or question.only.identities is not None


def by_index(query: Select[Any], source: Source, question: Question) -> Select[Any]:
    """SQLite takes a primary key for better than any index and would read the whole range for one caller: 120 ms
    instead of one for ten of 10,000. PostgreSQL has statistics."""
    if question.only.identities is None:
        return query
    return query.with_hint(source.table, f"INDEXED BY {source.by_identity}", "sqlite")


def narrowed(table: Table, only: Filter, engine: str) -> list[ColumnElement[bool]]:
    """The filters as conditions."""
    columns = table.c
    names = ("org_id", "version", "reason", "endpoint")
    found = [columns[name] == value for name in names if (value := getattr(only, name)) is not None]
    if only.api_ids is not None:
        found.append(columns.api_id.in_(only.api_ids))
    if only.identities is not None:
        found.append(columns.identity.in_(only.identities))
    if only.status is not None:  # a number that the column could not hold is simply not there
        found.append(columns.status == literal(only.status, BigInteger))
    if only.tag is not None:
        place = func.strpos if engine == "postgresql" else func.instr
        found.append(place(columns.tags, f"{SEPARATOR}{only.tag}{SEPARATOR}") > 0)
    if only.errors_only:
        found.append(_is_error(columns.status))
    return found


def _query(question: Question, engine: str, names: Sequence[str]) -> Select[Any] | None:
    """`names` of Figures; with each row the number of groups."""
    parts = [_part(question, stretch, engine, names) for stretch in stretches(question)]
    if not parts:
        return None
    rows = (parts[0] if len(parts) == 1 else union_all(*parts)).subquery("rows")
    columns = [rows.c[one] for one in question.by]
    sums = [_AGGREGATES.get(name, func.sum)(rows.c[name]).label(name) for name in names]
    groups = func.count().over().label("groups")
    if not _is_parted(question):
        whole = literal(question.over.first).label("stretch")
        return select(whole, *columns, *sums, groups).group_by(*columns)
    return select(rows.c.stretch, *columns, *sums, groups).group_by(rows.c.stretch, *columns)


def _is_parted(question: Question) -> bool:
    """Whether rows say of which stretch they are. Where all are of one, SQLite sorts 61,000 rows in 81 ms, not 120,
    without that column. Without any column nothing added up would be a row.
    """
    return question.step is not None or not question.by


def _part(question: Question, stretch: Stretch, engine: str, names: Sequence[str]) -> Select[Any]:
    """The rows of one stretch, not added up yet: the database does that once, for all of them."""
    source = source_of(stretch, engine, by_caller=is_by_caller(question))
    table, at, within, _ = source
    start = literal(question.over.first) if question.step is None else at - at % int(question.step)
    sums = [_column(table, at, name).label(name) for name in names]
    columns: list[Any] = [*(table.c[one] for one in question.by), *sums]
    if _is_parted(question):
        columns.append(start.label("stretch"))
    return by_index(select(*columns).where(within, *narrowed(table, question.only, engine)), source, question)


def _column(table: Table, at: ColumnElement[int], name: str) -> ColumnElement[int]:
    if name == "errors":
        return case((_is_error(table.c.status), table.c["count"]), else_=0)
    if name == "last_minute" and name not in table.c:
        return at
    return table.c[_SOURCES.get(name, name)]


def _is_error(status: ColumnElement[int]) -> ColumnElement[bool]:
    return or_(status >= 400, status == 0)


def _figures(question: Question, row: RowMapping) -> Figures:
    """A sum of PostgreSQL is a Decimal."""
    values = tuple(row[one] for one in question.by)
    return Figures(row["stretch"] * 60, values, *(int(row.get(name, 0)) for name in _NAMES))


async def _read(records: Records, query: Select[Any]) -> Sequence[RowMapping]:
    with SQL_ERRORS:
        async with records.usage_reading_engine.connect() as connection:
            found: Sequence[RowMapping] = (await connection.execute(query)).mappings().all()
            return found
