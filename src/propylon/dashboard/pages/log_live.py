"""The request log as it grows: a page that is whole when it is loaded anew, and Server-Sent Events that save doing so.

Events are those of the HTML standard (§9.2): each is a row of the table, and its id is where a browser goes on from
when the connection was lost. Who follows is asked for their right each second, so it ends with their session; it does
not prolong that, as an open page does not show that somebody is there.
"""

from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from propylon.control.envelope import Refused
from propylon.control.usage_api import logs
from propylon.control.usage_api.asking import whole_number
from propylon.dashboard.activity.asking import at_its_field
from propylon.dashboard.activity.log_entries import page_of, shown
from propylon.dashboard.activity.log_scope import LogScope, read_log_scope
from propylon.dashboard.pages.request_log import log_form
from propylon.dashboard.visit import Visit
from propylon.errors import StoreUnavailable
from propylon.usage.entries import newest_id

PAGE: Final = 50
PATH: Final = "/logs/live"
POLL_S: Final = 1.0
QUIET_POLLS: Final = 15  # after so many without an entry something is sent, or nobody would notice who has gone
FOLLOWED_S_MAX: Final = 3_600.0  # then the browser connects anew, and goes on where it was
AT_ONCE: Final = 100  # entries that one look finds at most; beyond it the newest come first
BUSY: Final = "Too many follow the request log just now; close another page of it, or load the page anew.\n"


async def show(visit: Visit) -> Response:
    """The newest entries, and from where the events go on."""
    try:
        scope = read_log_scope(visit.query, visit.now)
        after = await newest_id(visit.desk.records)
        page = await page_of(visit, scope, "", PAGE)
    except Refused as refused:
        values: dict[str, Any] = {"entries": [], "next": "", "is_first": True, "export_max": 0, "path": PATH}
        return visit.page("request_log.html", 422, **values, **await log_form(visit, None, at_its_field(refused)))
    events = scope.address("/logs/tail", after=str(after))
    return visit.page(
        "log_live.html", entries=page.entries, events=events, path=PATH, **await log_form(visit, scope, {})
    )


async def tail(visit: Visit) -> Response:
    scope = read_log_scope(visit.query, visit.now)
    after = whole_number({"after": visit.request.headers.get("last-event-id") or visit.query.get("after", "")}, "after")
    if not visit.followers.has_place(visit.who.user_id):
        return PlainTextResponse(BUSY, 503, {"Retry-After": "30"})
    start = await newest_id(visit.desk.records) if after is None else after
    return _Following(visit, _events(visit, scope, start))


class _Following(StreamingResponse):
    """Counted for as long as it lasts, even if nobody waits for its first byte."""

    def __init__(self, visit: Visit, events: AsyncIterator[str]) -> None:
        super().__init__(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        self._visit = visit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._visit.followers.following(self._visit.who.user_id):
            await super().__call__(scope, receive, send)


async def _events(visit: Visit, scope: LogScope, after: int) -> AsyncIterator[str]:
    desk = visit.desk
    until = desk.clock.monotonic() + FOLLOWED_S_MAX
    quiet = 0
    yield "retry: 2000\n\n"
    while not desk.standing.is_ending and desk.clock.monotonic() < until:
        try:
            if await _has_ended(visit):
                yield event("ended", "Your session has ended.")
                return
            newest = await newest_id(desk.records)
            rows = await _since(visit, scope, after)
        except StoreUnavailable:  # the next look may find them
            newest, rows = after, []
        for entry in await shown(visit, rows):
            yield event("", visit.part("log_row.html", one=entry, may=visit.who.permissions.allows), entry.id)
        if len(rows) >= AT_ONCE:
            yield event("skipped", "More came than can be shown; some are left out here.", newest)
        after = max([after, newest, *(one["id"] for one in rows)])
        quiet = 0 if rows else quiet + 1
        if quiet == QUIET_POLLS:
            quiet = 0
            yield ": nothing new\n\n"
        await desk.clock.sleep(POLL_S)


async def _since(visit: Visit, scope: LogScope, after: int) -> list[dict[str, Any]]:
    """Oldest first. None comes later with a lower id (`usage/aggregates.py`), so none is looked for below `after`."""
    document = await logs.tail(visit.desk, visit.who.org_id, {}, scope.asked_of_each() | {"after": str(after)})
    rows: list[dict[str, Any]] = document["data"]
    return rows


async def _has_ended(visit: Visit) -> bool:
    """Whether who follows has signed out, was signed out, or may not read logs any more."""
    who = await visit.people.by_session(visit.token, is_background=True)
    return who is None or who.user_id != visit.who.user_id or not who.permissions.allows("logs", "read")


def event(name: str, data: str, number: int | None = None) -> str:
    lines = [f"event: {name}"] if name else []
    lines += [] if number is None else [f"id: {number}"]
    lines += [f"data: {line}" for line in data.splitlines()]
    return "\n".join(lines) + "\n\n"
