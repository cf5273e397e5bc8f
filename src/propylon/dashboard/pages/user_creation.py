"""A user made: their rights from a role to begin with, and what lets them in, shown once."""

from typing import Any

from starlette.responses import Response

from propylon.control.envelope import Refused
from propylon.control.people import users
from propylon.dashboard import people_forms, rights
from propylon.dashboard.forms import Form
from propylon.dashboard.once import new_number, use_number
from propylon.dashboard.pages.users import groups_of
from propylon.dashboard.visit import Visit
from propylon.model.permissions import permissions_to_json


async def show(visit: Visit) -> Response:
    """`?role=` is one of those of `rights.py`."""
    values = people_forms.user_values(Form({}))
    role = rights.role_named(visit.query.get("role", ""))
    values |= {} if role is None else {people_forms.RIGHTS: permissions_to_json(role.permissions)}
    return await _form(visit, values, {}, role=role)


async def make(visit: Visit) -> Response:
    """They get a temporary password: what somebody else made is no password to keep."""
    values = people_forms.user_values(visit.form)
    await use_number(visit)
    try:
        made = await users.create_user(visit.desk, visit.caller, values, with_temporary=True)
    except Refused as refused:
        return await _form(visit, values, people_forms.errors_of(refused), 422)
    shown = [("Temporary password", made.password), ("Access key", made.access_key)]
    return visit.page("shown_once.html", title="User created", user=made.user, shown=shown)


async def _form(
    visit: Visit, values: dict[str, Any], errors: dict[str, str], status: int = 200, role: rights.Role | None = None
) -> Response:
    permissions, giver = people_forms.permissions_of(values), visit.who.permissions
    return visit.page(
        "user_new.html",
        status,
        once=new_number(),
        values=values,
        errors=errors,
        role=role,
        roles=[one for one in rights.ROLES if giver.covers(one.permissions)],
        user_groups=await groups_of(visit),
        table=rights.table(permissions, giver),
    )
