"""One identity: a subject whose tokens were seen on an API with a central key source. No key stands behind it."""

import asyncio

from starlette.responses import Response

from propylon.control import identities, usage
from propylon.dashboard.asking import ask
from propylon.dashboard.key_trail import trail_of
from propylon.dashboard.names import api_names
from propylon.dashboard.pages.key import LOG_LENGTH, WEEK_S, as_use
from propylon.dashboard.visit import Visit


async def show(visit: Visit) -> Response:
    record, since = visit.path["record"], str(int(visit.now) - WEEK_S)
    query = {"identity": record, "since": since, "limit": str(LOG_LENGTH)}
    one = await ask(visit, identities.read, path={"record": record})
    uses = None
    if visit.who.permissions.allows("logs", "read"):
        log, names = await asyncio.gather(ask(visit, usage.read_log, query=query), api_names(visit))
        uses = [as_use(entry, names) for entry in log["logs"]]
    return visit.page(
        "identity.html",
        one=one,
        uses=uses,
        trail=await trail_of(visit, f"identity:{one['record']}"),
        may_write=visit.who.permissions.allows("keys", "write"),
    )
