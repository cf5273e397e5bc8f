"""One user group: made, changed, removed; its rights are its members' too."""

from typing import Any, Final

from starlette.responses import Response

from propylon.control.envelope import Refused
from propylon.control.people import groups
from propylon.control.people.signed_in import stored_permissions
from propylon.control.people.tags import tag_of
from propylon.dashboard import people_forms, rights
from propylon.dashboard.differences import Difference
from propylon.dashboard.forms import Form
from propylon.dashboard.visit import Visit
from propylon.model.permissions import permissions_to_json
from propylon.stores.records.people import GroupRow

MEMBERS_MAX: Final = 100  # listed; the others are counted
DELETED: Final = "Nobody is in it, so nobody loses a right. This cannot be undone."


async def show_new(visit: Visit) -> Response:
    """`?role=` is one of those of `rights.py`."""
    values = people_forms.group_values(Form({}))
    role = rights.role_named(visit.query.get("role", ""))
    if role is not None:
        values |= {"name": role.title, "description": role.text}
        values[people_forms.RIGHTS] = permissions_to_json(role.permissions)
    return await _page(visit, None, values, {})


async def make(visit: Visit) -> Response:
    values = people_forms.group_values(visit.form)
    try:
        row = await groups.create_group(visit.desk, visit.caller, values)
    except Refused as refused:
        return await _page(visit, None, values, people_forms.errors_of(refused))
    return visit.to(f"/groups/{row.id}", done="group_created")


async def show(visit: Visit) -> Response:
    row = await groups.read_group(visit.desk, visit.caller, visit.path["group_id"])
    return await _page(visit, row, people_forms.values_of(row), {})


async def change(visit: Visit) -> Response:
    group_id, values = visit.path["group_id"], people_forms.group_values(visit.form)
    caller = visit.caller
    try:
        await groups.change_group(visit.desk, caller, group_id, values, if_match=f'"{visit.form.text("tag")}"')
    except Refused as refused:
        row = await groups.read_group(visit.desk, caller, group_id)
        if refused.status == 412:
            return await _page(visit, row, values, {}, people_forms.differences(row, values, {}))
        return await _page(visit, row, values, people_forms.errors_of(refused))
    return visit.to(f"/groups/{group_id}", done="group_saved")


async def ask_delete(visit: Visit) -> Response:
    row = await groups.read_group(visit.desk, visit.caller, visit.path["group_id"])
    path = f"/groups/{row.id}"
    return visit.page(
        "ask.html",
        title=f"Delete the group {row.name}?",
        text=DELETED,
        verb="Delete group",
        kind="danger",
        action=f"{path}/delete",
        back=path,
    )


async def delete(visit: Visit) -> Response:
    await groups.delete_group(visit.desk, visit.caller, visit.path["group_id"])
    return visit.to("/groups", done="group_deleted")


async def _page(
    visit: Visit,
    row: GroupRow | None,
    values: dict[str, Any],
    errors: dict[str, str],
    lost: list[Difference] | None = None,
) -> Response:
    giver = visit.who.permissions
    people = visit.desk.records.people
    members = [] if row is None else await people.users_of_group(row.id, row.org_id, limit=MEMBERS_MAX)
    counted = {} if row is None else await people.count_users_by_group(row.org_id)
    return visit.page(
        "group.html",
        422 if errors else 412 if lost is not None else 200,
        group=row,
        tag="" if row is None else tag_of(visit.desk, row),
        values=values,
        errors=errors,
        lost=lost,
        table=rights.table(people_forms.permissions_of(values), giver),
        members=members if giver.allows("users", "read") else [],
        number=0 if row is None else counted.get(row.id, 0),
        is_beyond=row is not None and not giver.covers(stored_permissions(row.permissions)),
        may_write=giver.allows("user_groups", "write"),
    )
