"""Who may call one API: the policies that grant it, and the keys with rights of their own on it."""

from typing import Final

from starlette.responses import Response

from propylon.control import definition_uses
from propylon.control.envelope import Refused
from propylon.dashboard.access_words import access_line
from propylon.dashboard.asking import ask
from propylon.dashboard.definitions import API, stored
from propylon.dashboard.shown_key import shown_key, with_last_used
from propylon.dashboard.visit import Visit

PAGE: Final = 25


async def show(visit: Visit) -> Response:
    """`?after=` is the record of the last key before this page, as the page before says."""
    api, id_, after = await stored(visit, API), visit.path["id"], visit.query.get("after", "0")
    if not (after.isascii() and after.isdigit() and len(after) < 19):
        raise Refused(400, "after must be a whole number: follow the links below the list")
    may_see_keys = visit.who.permissions.allows("keys", "read")
    rows = []
    if may_see_keys:
        rows = await visit.desk.records.keys(org_id=visit.who.org_id, api_id=id_, after=int(after), limit=PAGE + 1)
    row = await visit.desk.records.api(id_)
    definition = None if row is None else visit.desk.known_apis.definition(row)
    return visit.page(
        "api_access.html",
        api=api,
        id=id_,
        access_line="" if definition is None else access_line(definition),
        uses=await ask(visit, definition_uses.read_api, path={"api_id": id_}),
        keys=await with_last_used(visit, [shown_key(row, visit.now) for row in rows[:PAGE]]),
        may_see_keys=may_see_keys,
        after=int(after),
        next_after=rows[PAGE - 1].record_id if len(rows) > PAGE else None,
    )
