"""One request of the log: what became of it and why, and all of it as text to copy (user-pains P19, P20).

The text to copy holds nothing of a recording, as bodies are not for everybody whom somebody asks for help.
"""

from starlette.responses import Response

from propylon.control.refusals import refusal_of
from propylon.dashboard.activity.diagnosis import diagnosis
from propylon.dashboard.activity.log_entries import entry_of
from propylon.dashboard.visit import Visit


async def show(visit: Visit) -> Response:
    entry, recording = await entry_of(visit, visit.path["entry"])
    return visit.page(
        "log_entry.html",
        one=entry,
        recording=recording,
        refusal=refusal_of(entry.reason) if entry.reason else None,
        diagnosis=await diagnosis(visit, entry),
        may=visit.who.permissions.allows,
    )
