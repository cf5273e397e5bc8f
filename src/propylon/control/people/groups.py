"""User groups: permissions that several users share. A user is in one at most."""

from collections.abc import Mapping
from secrets import token_hex
from typing import Any, Final

from propylon.control.envelope import Refused
from propylon.control.people.administrators import demand_administrator
from propylon.control.people.caller import Caller
from propylon.control.people.people_desk import PeopleDesk
from propylon.control.people.signed_in import stored_permissions
from propylon.control.people.tags import demand_unchanged
from propylon.control.people.user_values import group_from
from propylon.stores.records.people import GroupRow
from propylon.stores.records.people_edit import PeopleEdit

UNKNOWN: Final = "Group ID does not exist"
GROUPS_MAX: Final = 1_000  # of one organisation, listed at once


async def list_groups(desk: PeopleDesk, caller: Caller) -> list[GroupRow]:
    caller.demand("user_groups", "read")
    return await desk.records.people.groups(caller.org_id, limit=GROUPS_MAX)


async def read_group(desk: PeopleDesk, caller: Caller, group_id: str) -> GroupRow:
    caller.demand("user_groups", "read")
    row = await desk.records.people.group(group_id, caller.org_id)
    if row is None:
        raise Refused(404, UNKNOWN)
    return row


async def create_group(desk: PeopleDesk, caller: Caller, values: Mapping[str, Any]) -> GroupRow:
    caller.demand("user_groups", "write")
    org_id = caller.owner_of(values, desk.settings.default_org_id)
    row = group_from(values, GroupRow(token_hex(12), org_id, ""))
    caller.demand_covers(stored_permissions(row.permissions))
    async with desk.records.change(caller.by) as edit:
        if await edit.people.count_groups(org_id) >= GROUPS_MAX:
            raise Refused(
                409, f"An organisation may have {GROUPS_MAX} user groups; remove some", code="groups_exhausted"
            )
        await _demand_name_free(edit.people, row)
        return await edit.people.put_group(row)


async def change_group(
    desk: PeopleDesk, caller: Caller, group_id: str, values: Mapping[str, Any], *, if_match: str | None = None
) -> GroupRow:
    caller.demand("user_groups", "write")
    async with desk.records.change(caller.by) as edit:
        before = await _to_change(edit.people, caller, group_id)
        demand_unchanged(desk, before, if_match)
        row = group_from(values, before)
        caller.demand_covers(stored_permissions(row.permissions))
        await _demand_name_free(edit.people, row)
        row = await edit.people.put_group(row)
        if stored_permissions(before.permissions).is_admin and await edit.people.has_users(row.org_id, row.id):
            await demand_administrator(edit.people, row.org_id)
    return row


async def delete_group(desk: PeopleDesk, caller: Caller, group_id: str) -> GroupRow:
    caller.demand("user_groups", "write")
    async with desk.records.change(caller.by) as edit:
        row = await _to_change(edit.people, caller, group_id)
        if await edit.people.has_users(row.org_id, row.id):
            text = "This group has users; give them another group, or none, first"
            raise Refused(409, text, code="group_in_use")
        await edit.people.delete_group(row)
    return row


async def _to_change(people: PeopleEdit, caller: Caller, group_id: str) -> GroupRow:
    row = await people.group(group_id, caller.org_id)
    if row is None:
        raise Refused(404, UNKNOWN)
    caller.demand_covers(stored_permissions(row.permissions))
    return row


async def _demand_name_free(people: PeopleEdit, row: GroupRow) -> None:
    other = await people.group_of_name(row.name, row.org_id)
    if other is not None and other.id != row.id:
        raise Refused(409, "This name is that of another user group; choose another", code="name_taken")
