"""That an organisation keeps somebody who can let others in: its last administrator is neither removed nor demoted."""

from typing import Final

from propylon.control.envelope import Refused
from propylon.control.people.signed_in import stored_permissions
from propylon.model.permissions import NO_PERMISSIONS, Permissions, united
from propylon.stores.records.people import UserRow
from propylon.stores.records.people_edit import PeopleEdit

LAST: Final = "this would leave the organisation without an active administrator; make somebody else one first"


async def permissions_in(edit: PeopleEdit, user: UserRow) -> Permissions:
    """As they stand within the transaction."""
    return united(stored_permissions(user.permissions), await group_permissions(edit, user.group_id, user.org_id))


async def group_permissions(edit: PeopleEdit, group_id: str, org_id: str) -> Permissions:
    group = await edit.group(group_id, org_id) if group_id else None
    return NO_PERMISSIONS if group is None else stored_permissions(group.permissions)


async def demand_administrator(edit: PeopleEdit, org_id: str) -> None:
    """To be asked after the write, in its transaction, when it took from an administrator. Raises Refused."""
    for user in await edit.active_users(org_id):
        if (await permissions_in(edit, user)).is_admin:
            return
    raise Refused(409, LAST, code="last_administrator")
