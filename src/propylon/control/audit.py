"""The audit log shown: a page by filters, one entry, and all of it as CSV or JSON lines, a piece at a time.

Who belongs to an organisation sees what was done to what is theirs; whoever sees all organisations sees everything.
"""

import csv
import io
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from propylon.control.envelope import Refused, listed
from propylon.control.people.caller import Caller
from propylon.control.people.people_desk import PeopleDesk
from propylon.errors import Problem
from propylon.stores.records.audit import AuditRow, Entry
from propylon.stores.records.audit_reads import AuditFilter

Form = Literal["csv", "json"]
PAGE: Final = 10
PAGE_MAX: Final = 1_000
COUNTED_MAX: Final = 10_000  # entries, to say how many pages there are; past it there are "at least" so many
COLUMNS: Final = ("number", "time", *AuditRow._fields[2:])
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for one


class Page(NamedTuple):
    rows: list[AuditRow]
    pages: int


async def read_page(desk: PeopleDesk, caller: Caller, chosen: AuditFilter, *, page: int = 1, size: int = PAGE) -> Page:
    """Newest first; `page` counts from 1. Raises Refused."""
    bounded = bounded_to(caller, chosen)
    size = max(1, min(size, PAGE_MAX))
    skip = (max(1, page) - 1) * size
    if skip >= COUNTED_MAX:
        raise Refused(400, f"only the newest {COUNTED_MAX} entries are paged; narrow the dates, or export")
    rows = await desk.records.audit.page(bounded, limit=size, skip=skip)
    found = await desk.records.audit.count(bounded, COUNTED_MAX)
    return Page(rows, max(1, -(-found // size)))


async def read_entry(desk: PeopleDesk, caller: Caller, number: int) -> AuditRow:
    caller.demand("audit_logs", "read")
    row = await desk.records.audit.entry(number, caller.org_id)
    if row is None:
        raise Refused(404, "Could not retrieve audit log.")
    return row


async def export(desk: PeopleDesk, caller: Caller, chosen: AuditFilter, form: Form) -> AsyncIterator[bytes]:
    """From the oldest, at most a thousand entries in memory. Begins when the export itself is audited."""
    bounded = bounded_to(caller, chosen)
    await desk.records.note(caller.by, Entry("export", "audit", caller.org_id or ""))
    return _pieces(desk, bounded, form)


def filter_from(said: Mapping[str, str]) -> AuditFilter:
    """`user` is an e-mail address or a user's id; `to_date` as a date is that day to its end. Raises Refused."""
    user = said.get("user", "").strip()
    by_label = "@" in user
    since, until = (_moment(said.get(name, "").strip(), name) for name in ("from_date", "to_date"))
    return AuditFilter(
        actor=None if by_label else user or None,
        label=user.lower() if by_label else None,
        action=said.get("action", "").strip() or None,
        object=said.get("object", "").strip() or None,
        address=said.get("ip", "").strip() or None,
        since=since,
        until=until,
    )


def _moment(text: str, name: str) -> float | None:
    """Unix seconds, or a date or time of ISO 8601, in UTC where it does not say. Raises Refused."""
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 12:
        return float(text)
    try:
        moment = datetime.fromisoformat(text)
        moment += timedelta(days=1 if name == "to_date" and len(text) == len("2026-01-31") else 0)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        problem = Problem(name, "date_malformed", "must be Unix seconds or a date such as 2026-01-31")
        raise Refused(400, f"{name} {problem.message}", problems=listed([problem])) from None


def bounded_to(caller: Caller, chosen: AuditFilter) -> AuditFilter:
    """Raises Refused."""
    caller.demand("audit_logs", "read")
    return chosen if caller.org_id is None else chosen._replace(org_id=caller.org_id)


def entry_view(row: AuditRow) -> dict[str, Any]:
    return {"number": row.number, "time": _time(row.at), **{name: getattr(row, name) for name in COLUMNS[2:]}}


async def _pieces(desk: PeopleDesk, chosen: AuditFilter, form: Form) -> AsyncIterator[bytes]:
    if form == "csv":
        yield _csv([COLUMNS])
    async for rows in desk.records.audit.walk(chosen):
        shown = [entry_view(row) for row in rows]
        if form == "csv":
            yield _csv([_cells(view) for view in shown])
        else:
            yield "".join(json.dumps(view) + "\n" for view in shown).encode()


def _cells(view: dict[str, Any]) -> list[str]:
    texts = [" ".join(value) if isinstance(value, list) else str(value) for value in view.values()]
    return [f"'{text}" if text.startswith(FORMULA) else text for text in texts]


def _csv(rows: list[Any]) -> bytes:
    """RFC 4180."""
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue().encode()


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
