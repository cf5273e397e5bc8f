"""/api/logs: single exchanges in pages that do not shift, those that came since, and one with its recording.

A log is sampled: `one_in` says for how many exchanges an entry stands, itself included.
"""

import time
from typing import Any, Final

from propylon.control.desk import Desk
from propylon.control.envelope import Refused
from propylon.control.refusals import refusal_of
from propylon.control.usage_api.answers import Document
from propylon.control.usage_api.asking import PAGE_SIZE, PAGE_SIZE_MAX, Query, rfc3339, whole_number
from propylon.control.usage_api.callers import callers_by, named
from propylon.control.usage_api.row import NO_KEY_HASH, caller
from propylon.usage.entries import Entry, EntryFilter, Place, entries_after, entry_by_id, newest_id, page_of_entries

NUMBER_DIGITS_MAX: Final = 19  # of what a column of numbers can hold
LATELY_S: Final = 3_600  # where no start was named
GONE: Final = "No entry of the request log has this number here; the log forgets the oldest as it grows"


async def logs(desk: Desk, org_id: str | None, path: Query, query: Query) -> Document:
    """Newest first. `next`, where there is more, is the `before` of the next page; `p` is not taken, as pages shift."""
    if query.get("p", "1") not in ("1", "-1", "0"):
        raise Refused(400, "p: pages of a log shift as it grows; send the `next` of the last answer as `before`")
    size = min(whole_number(query, "page_size") or PAGE_SIZE, PAGE_SIZE_MAX)
    size = PAGE_SIZE_MAX if query.get("p") in ("-1", "0") else size
    only = await _filter(desk, org_id, query, since=desk.clock.wall() - LATELY_S)
    found = await page_of_entries(desk.records, only, before=_before(query), limit=size)
    more = {"next": f"{found[-1].log.at!r},{found[-1].id}"} if len(found) == size else {}
    return {"data": await _shown(desk, found), "pages": 1, **more}


async def tail(desk: Desk, org_id: str | None, path: Query, query: Query) -> Document:
    """Entries added since the one with the id `after`, oldest first, and the `after` to go on with."""
    after = whole_number(query, "after")
    if after is None:
        return {"data": [], "after": await newest_id(desk.records)}
    found = await entries_after(desk.records, await _filter(desk, org_id, query, since=None), after)
    return {"data": await _shown(desk, found), "after": found[-1].id if found else after}


async def entry(desk: Desk, org_id: str | None, path: Query, query: Query) -> Document:
    """One, by its number. `recording` is null unless it was recorded whole."""
    text = path["entry"]
    is_number = text.isascii() and text.isdecimal() and len(text) < NUMBER_DIGITS_MAX
    found = await entry_by_id(desk.records, org_id, int(text)) if is_number else None
    if found is None:
        raise Refused(404, GONE)
    (document,) = await _shown(desk, [found[0]])
    return {**document, "recording": found[1] or None}


async def _filter(desk: Desk, org_id: str | None, query: Query, since: float | None) -> EntryFilter:
    words = query.get("token") or query.get("q")
    start, end = whole_number(query, "start"), whole_number(query, "end")
    return EntryFilter(
        org_id,
        query.get("api") or query.get("api_id") or None,
        await callers_by(desk, org_id, words) if words else None,
        None,
        whole_number(query, "code"),
        query.get("reason"),
        query.get("trace") or None,
        query.get("method", "").upper() or None,
        query.get("path") or None,
        query.get("errors", "") in ("1", "true"),
        since if start is None else float(start),
        None if end is None else float(end),
    )


def _before(query: Query) -> Place | None:
    text = query.get("before")
    if not text:
        return None
    at, _, number = text.partition(",")
    try:
        return Place(float(at), int(number))
    except ValueError:
        raise Refused(400, "before: write the `next` of the page before") from None


async def _shown(desk: Desk, found: list[Entry]) -> list[Document]:
    callers = await named(desk, [one.log.identity for one in found])
    return [_entry(one, caller(callers[one.log.identity])) for one in found]


def _entry(entry: Entry, known: Document) -> dict[str, Any]:
    """A record as Tyk's traffic log has it, as far as it is known here, and what we know beside it."""
    log, then = entry.log, time.gmtime(entry.log.at)
    latency_ms = log.latency_us // 1_000
    return {
        "id": entry.id,
        "method": log.method,
        "path": log.path,
        "original_path": log.path,
        "response_code": log.status,
        "upstream_code": log.upstream_status,
        "request_time": latency_ms,
        "latency": {"total": latency_ms},
        "latency_us": log.latency_us,
        "api_id": log.api_id,
        "org_id": entry.org_id,
        "api_key": log.key_hash or NO_KEY_HASH,
        "alias": known["alias"] if log.identity else "",
        "kind": known["kind"],
        "key_exists": known["key_exists"],
        "record": log.identity,
        "name_then": log.name,
        "timestamp": rfc3339(log.at),
        "at": log.at,
        **{"day": then.tm_mday, "month": then.tm_mon, "year": then.tm_year, "hour": then.tm_hour},
        "ip_address": log.client_ip,
        "reason": log.reason,
        "because": refusal_of(log.reason).because if log.reason else "",
        "trace": log.trace,
        "one_in": log.one_in,
    }
