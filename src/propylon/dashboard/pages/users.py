"""The users of the organisation: a page of them, narrowed by part of an address or a name."""

from typing import Final, NamedTuple

from starlette.responses import Response

from propylon.control.envelope import Refused
from propylon.control.people import users
from propylon.control.people.groups import GROUPS_MAX
from propylon.control.people.signed_in import stored_permissions
from propylon.dashboard import rights
from propylon.dashboard.visit import Visit
from propylon.model.permissions import NO_PERMISSIONS, united
from propylon.stores.records.people import GroupRow, UserRow

PAGE: Final = 25


class Shown(NamedTuple):
    """A user as the list shows them."""

    user: UserRow
    name: str
    group: GroupRow | None
    rights: str
    is_admin: bool


async def show(visit: Visit) -> Response:
    q, page = visit.query.get("q", "").strip(), page_number(visit.query.get("p", "1"))
    found, pages = await users.list_users(visit.desk, visit.caller, page=page, text=q, size=PAGE)
    groups = await groups_of(visit)
    shown = [shown_user(row, groups) for row in found]
    return visit.page("users.html", users=shown, q=q, page=page, pages=pages)


async def groups_of(visit: Visit) -> dict[str, GroupRow]:
    """By id. Their names stand beside users, for whoever may see those."""
    found = await visit.desk.records.people.groups(visit.who.org_id, limit=GROUPS_MAX)
    return {row.id: row for row in found}


def shown_user(row: UserRow, groups: dict[str, GroupRow]) -> Shown:
    group = groups.get(row.group_id)
    lent = NO_PERMISSIONS if group is None else stored_permissions(group.permissions)
    effective = united(stored_permissions(row.permissions), lent)
    name = f"{row.first_name} {row.last_name}".strip()
    return Shown(row, name, group, rights.told(effective), effective.is_admin)


def page_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0 and len(text) < 9):
        raise Refused(400, "p must be a whole number, 1 or more: follow the links below the list")
    return int(text)
