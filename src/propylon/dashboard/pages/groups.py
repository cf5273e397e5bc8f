"""User groups, listed; and the roles that a new one may begin with."""

from typing import NamedTuple

from starlette.responses import Response

from propylon.control.people import groups
from propylon.control.people.signed_in import stored_permissions
from propylon.dashboard import rights
from propylon.dashboard.visit import Visit
from propylon.stores.records.people import GroupRow


class Shown(NamedTuple):
    group: GroupRow
    rights: str
    is_admin: bool
    users: int


async def show(visit: Visit) -> Response:
    found = await groups.list_groups(visit.desk, visit.caller)
    counted = await visit.desk.records.people.count_users_by_group(visit.who.org_id)
    shown = [_shown(row, counted.get(row.id, 0)) for row in found]
    return visit.page("groups.html", user_groups=shown)


async def show_roles(visit: Visit) -> Response:
    giver = visit.who.permissions
    columns = [(role, giver.covers(role.permissions)) for role in rights.ROLES]
    return visit.page("roles.html", roles=columns, opens=rights.OPENS, unused=rights.UNUSED)


def _shown(row: GroupRow, users: int) -> Shown:
    permissions = stored_permissions(row.permissions)
    return Shown(row, rights.told(permissions), permissions.is_admin, users)
