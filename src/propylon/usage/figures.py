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
from propylon.usage.ranges import CALLERS, TRAFFIC, Range, Stretch, cover, place_of
from propylon.usage.rows import Grain
from propylon.usage.tag_sets import SEPARATOR

GROUPS_MAX: Final = 10_000  # rows of one answer


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


_SUMMED: Final = ("count", "errors", "bytes_in", "bytes_out", "latency_us")
SORTABLE: Final = (*Figures._fields[2:],)


async def figures(records: Records, question: Question, page: Page = Page()) -> list[Figures]:
    """Sorted as `page` says, the rest by stretch and dimensions so that the order is always the same."""
    query = _query(question, records.usage_reading_engine.dialect.name)
    if query is None:
        return []
    columns = {column.name: column for column in query.selected_columns}
    first = [columns["stretch"].desc()] if question.step is not None and page.sort == "exchanges" else []
    wanted = columns[page.sort].desc() if page.descending else columns[page.sort].asc()
    query = query.order_by(*first, wanted, *(columns[one] for one in question.by))
    query = query.limit(min(page.limit, GROUPS_MAX)).offset(page.offset)
    return [_figures(question, row) for row in await _read(records, query)]


async def count_groups(records: Records, question: Question) -> int:
    """How many rows `figures` has in all its pages."""
    query = _query(question, records.usage_reading_engine.dialect.name)
    if query is None:
        return 0
    (row,) = await _read(records, select(func.count().label("groups")).select_from(query.subquery()))
    return int(row["groups"])


def stretches(question: Question) -> list[Stretch]:
    """Those that are read."""
    grains = CALLERS if is_by_caller(question) else TRAFFIC
    return cover(question.over, [one for one in grains if question.finest <= one <= (question.step or Grain.WEEK)])


def is_by_caller(question: Question) -> bool:
    return Dimension.IDENTITY in question.by or question.only.identities is not None


def narrowed(table: Table, only: Filter, engine: str) -> list[ColumnElement[bool]]:
    """The filters as conditions."""
    columns = table.c
    found: list[ColumnElement[bool]] = []
    for name in ("org_id", "version", "reason", "endpoint"):
        if (value := getattr(only, name)) is not None:
            found.append(columns[name] == value)
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


def _query(question: Question, engine: str) -> Select[Any] | None:
    parts = [_part(question, stretch, engine) for stretch in stretches(question)]
    if not parts:
        return None
    rows = (parts[0] if len(parts) == 1 else union_all(*parts)).subquery("rows")
    columns = [rows.c[one] for one in question.by]
    sums = [func.sum(rows.c[name]).label("exchanges" if name == "count" else name) for name in _SUMMED]
    ends = [func.min(rows.c.min_us), func.max(rows.c.max_us), func.max(rows.c.last_minute)]
    named = [column.label(name) for column, name in zip(ends, ("min_us", "max_us", "last_minute"), strict=True)]
    return select(rows.c.stretch, *columns, *sums, *named).group_by(rows.c.stretch, *columns)


def _part(question: Question, stretch: Stretch, engine: str) -> Select[Any]:
    """The rows of one stretch, not added up yet: the database does that once, for all of them."""
    by_caller = is_by_caller(question)
    table, at, within = place_of(stretch, by_caller=by_caller)
    start = literal(question.over.first) if question.step is None else at - at % int(question.step)
    errors = case((_is_error(table.c.status), table.c["count"]), else_=0)
    last = table.c.last_minute if "last_minute" in table.c else at
    sums = [*(table.c[name] for name in _SUMMED if name != "errors"), errors.label("errors")]
    columns = [table.c[one] for one in question.by]
    query = select(start.label("stretch"), *columns, *sums, table.c.min_us, table.c.max_us, last.label("last_minute"))
    return query.where(within, *narrowed(table, question.only, engine))


def _is_error(status: ColumnElement[int]) -> ColumnElement[bool]:
    return or_(status >= 400, status == 0)


def _figures(question: Question, row: RowMapping) -> Figures:
    """A sum of PostgreSQL is a Decimal."""
    values = tuple(row[one] for one in question.by)
    return Figures(row["stretch"] * 60, values, *(int(row[name]) for name in Figures._fields[2:]))


async def _read(records: Records, query: Select[Any]) -> Sequence[RowMapping]:
    with SQL_ERRORS:
        async with records.usage_reading_engine.connect() as connection:
            found: Sequence[RowMapping] = (await connection.execute(query)).mappings().all()
            return found
