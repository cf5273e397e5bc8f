"""Entries of the request log as pages show them, and as an export has them."""

from typing import Any, Final, NamedTuple

from propylon.control.usage_api import logs
from propylon.control.usage_api.asking import PAGE_SIZE_MAX
from propylon.control.usage_api.row import NO_KEY_HASH
from propylon.dashboard.activity.asking import known_callers
from propylon.dashboard.activity.log_scope import LogScope
from propylon.dashboard.names import api_names
from propylon.dashboard.visit import Visit

Recording = dict[str, Any]  # as usage/recorded.py has it
EXPORT_MAX: Final = 10_000  # entries of one file


class Logged(NamedTuple):
    """One request."""

    id: int
    at: float
    method: str
    path: str
    api_id: str
    api: str  # its name, "" for a path that no API listens on
    status: int
    upstream_status: int
    reason: str
    because: str
    latency_us: int
    record: str
    caller: str  # as they are called now; as they were then, when they are gone
    kind: str
    is_known: bool  # False: deleted
    key_hash: str
    client_ip: str
    trace: str
    one_in: int

    @property
    def place(self) -> str:
        """The end of the path of the caller's activity."""
        return self.record or NO_KEY_HASH


class Page(NamedTuple):
    entries: list[Logged]
    next: str  # the `before` of what is older, "" when there is nothing


async def page_of(visit: Visit, scope: LogScope, before: str, size: int) -> Page:
    """Newest first. Raises Refused."""
    asked = scope.asked() | {"page_size": str(size)} | ({"before": before} if before else {})
    document = await logs.logs(visit.desk, visit.who.org_id, {}, asked)
    return Page(await shown(visit, document["data"]), document.get("next", ""))


async def all_of(visit: Visit, scope: LogScope) -> list[Logged]:
    """The first EXPORT_MAX of them."""
    found: list[Logged] = []
    before = ""
    while len(found) < EXPORT_MAX:
        page = await page_of(visit, scope, before, PAGE_SIZE_MAX)
        found += page.entries
        before = page.next
        if not before:
            break
    return found[:EXPORT_MAX]


async def entry_of(visit: Visit, number: str) -> tuple[Logged, Recording | None]:
    """Raises Refused with 404 for what is not there, and what is another organisation's."""
    document = await logs.entry(visit.desk, visit.who.org_id, {"entry": number}, {})
    (one,) = await shown(visit, [document])
    return one, document["recording"]


async def shown(visit: Visit, rows: list[dict[str, Any]]) -> list[Logged]:
    """Rows of the REST API, with the names of callers and APIs as this organisation knows them."""
    names = await api_names(visit)
    callers = await known_callers(visit, [row["record"] for row in rows])
    return [
        Logged(
            row["id"],
            row["at"],
            row["method"],
            row["path"],
            row["api_id"],
            names.get(row["api_id"], row["api_id"]),
            row["response_code"],
            row["upstream_code"],
            row["reason"],
            row["because"],
            row["latency_us"],
            row["record"],
            (known.alias if known.exists else row["name_then"]) if known.record else "",
            known.kind,
            known.exists,
            row["api_key"] if known.record else "",
            row["ip_address"],
            row["trace"],
            row["one_in"],
        )
        for row, known in zip(rows, callers, strict=True)
    ]
