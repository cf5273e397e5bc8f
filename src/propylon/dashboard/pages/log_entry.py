"""One request of the log: what became of it and why, and all of it as text to copy (user-pains P19, P20)."""

from starlette.responses import Response

from propylon.control.envelope import Refused
from propylon.control.refusals import refusal_of
from propylon.dashboard.activity.diagnosis import diagnosis
from propylon.dashboard.activity.log_entries import entry_of
from propylon.dashboard.visit import Visit

GONE = "No entry of the request log has this number here; the log forgets the oldest as it grows"


async def show(visit: Visit) -> Response:
    number = visit.path["entry"]
    is_number = number.isascii() and number.isdecimal() and 0 < len(number) < 19 and int(number) > 0
    entry = await entry_of(visit, int(number)) if is_number else None
    if entry is None:
        raise Refused(404, GONE)
    return visit.page(
        "log_entry.html",
        one=entry,
        refusal=refusal_of(entry.reason) if entry.reason else None,
        diagnosis=await diagnosis(visit, entry),
        may=visit.who.permissions.allows,
    )
