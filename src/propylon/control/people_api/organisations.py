"""/admin/organisations (dashboard-api.md §8)."""

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.people import organisations
from propylon.control.people.caller import Caller
from propylon.control.people_api.shapes import done, organisation_view, page_of, read_body


async def read_all(desk: Desk, caller: Caller, call: Call) -> Answer:
    rows, pages = await organisations.list_organisations(desk, caller, page=page_of(call))
    return Answer(200, {"organisations": [organisation_view(row) for row in rows], "pages": pages})


async def read(desk: Desk, caller: Caller, call: Call) -> Answer:
    return Answer(200, organisation_view(await organisations.read_organisation(desk, caller, call.path["org_id"])))


async def add(desk: Desk, caller: Caller, call: Call) -> Answer:
    row = await organisations.create_organisation(desk, caller, read_body(call))
    return done("Org created", row.id)


async def import_one(desk: Desk, caller: Caller, call: Call) -> Answer:
    """Under the id that it says."""
    row = await organisations.create_organisation(desk, caller, read_body(call), keeps_id=True)
    return done("Org created", row.id)


async def change(desk: Desk, caller: Caller, call: Call) -> Answer:
    await organisations.change_organisation(desk, caller, call.path["org_id"], read_body(call))
    return done("Org updated")


async def remove(desk: Desk, caller: Caller, call: Call) -> Answer:
    await organisations.delete_organisation(desk, caller, call.path["org_id"])
    return done("Org deleted")
