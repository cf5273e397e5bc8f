"""/api/usergroups (dashboard-api.md §6)."""

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import etag
from propylon.control.people import groups
from propylon.control.people.caller import Caller
from propylon.control.people.tags import tag_of
from propylon.control.people_api.shapes import done, group_view, read_body


async def read_all(desk: Desk, caller: Caller, call: Call) -> Answer:
    rows = await groups.list_groups(desk, caller)
    return Answer(200, {"groups": [group_view(row) for row in rows], "pages": 1})


async def read(desk: Desk, caller: Caller, call: Call) -> Answer:
    row = await groups.read_group(desk, caller, call.path["group_id"])
    return Answer(200, group_view(row), etag(tag_of(desk, row)))


async def add(desk: Desk, caller: Caller, call: Call) -> Answer:
    row = await groups.create_group(desk, caller, read_body(call))
    return done("User group created", row.id)


async def change(desk: Desk, caller: Caller, call: Call) -> Answer:
    if_match = call.headers.get("If-Match")
    await groups.change_group(desk, caller, call.path["group_id"], read_body(call), if_match=if_match)
    return done("User group updated")


async def remove(desk: Desk, caller: Caller, call: Call) -> Answer:
    await groups.delete_group(desk, caller, call.path["group_id"])
    return done("User group deleted")
