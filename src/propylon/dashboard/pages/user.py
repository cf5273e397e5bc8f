"""One user: who they are, what they may do and who gave it, what lets them in, where they are signed in."""

from typing import Any

from starlette.responses import Response

from propylon.control.envelope import Refused
from propylon.control.people import login, users
from propylon.control.people.signed_in import permissions_of
from propylon.control.people.tags import tag_of
from propylon.dashboard import people_forms, rights
from propylon.dashboard.differences import Difference
from propylon.dashboard.pages.users import groups_of
from propylon.dashboard.visit import Visit
from propylon.stores.records.people import UserRow


async def show(visit: Visit) -> Response:
    row = await users.read_user(visit.desk, visit.caller, visit.path["user_id"])
    return await _page(visit, row, people_forms.values_of(row), {})


async def change(visit: Visit) -> Response:
    user_id, values = visit.path["user_id"], people_forms.user_values(visit.form)
    caller = visit.caller
    try:
        await users.change_user(visit.desk, caller, user_id, values, if_match=f'"{visit.form.text("tag")}"')
    except Refused as refused:
        row = await users.read_user(visit.desk, caller, user_id)
        if refused.status == 412:
            names = {one.id: one.name for one in (await groups_of(visit)).values()}
            return await _page(visit, row, values, {}, people_forms.differences(row, values, names))
        return await _page(visit, row, values, people_forms.errors_of(refused))
    return visit.to(f"/users/{user_id}", done="user_saved")


async def _page(
    visit: Visit,
    row: UserRow,
    values: dict[str, Any],
    errors: dict[str, str],
    lost: list[Difference] | None = None,
) -> Response:
    giver, effective = visit.who.permissions, await permissions_of(visit.desk, row)
    is_self = row.id == visit.who.user_id
    return visit.page(
        "user.html",
        422 if errors else 412 if lost is not None else 200,
        user=row,
        tag=tag_of(visit.desk, row),
        values=values,
        errors=errors,
        lost=lost,
        effective=effective,
        told=rights.told(effective),
        table=rights.table(people_forms.permissions_of(values), giver),
        user_groups=await groups_of(visit),
        sessions=await login.list_sign_ins(visit.desk, row.id),
        is_self=is_self,
        is_beyond=not is_self and not giver.covers(effective),
        may_write=giver.allows("users", "write"),
        may_reset=giver.resets_passwords,
    )
