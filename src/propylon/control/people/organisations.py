"""Organisations: who owns APIs, keys and users. Only who sees all of them may read or change any (`/admin`)."""

import json
from collections.abc import Mapping
from secrets import token_hex
from typing import Any, Final

from propylon.control.envelope import Refused, listed
from propylon.control.people.caller import ORGANISATION_ID, Caller
from propylon.control.people.people_desk import PeopleDesk
from propylon.errors import Problem
from propylon.stores.records.people import OrganisationRow

UNKNOWN: Final = "Could not retrieve org detail"
LISTED_MAX: Final = 1_000  # on one page
NAME_MAX: Final = 200
BODY_MAX: Final = 64 * 1024  # characters of all its members


async def list_organisations(desk: PeopleDesk, caller: Caller, *, page: int = 1) -> tuple[list[OrganisationRow], int]:
    """Of one page (`page` 0 or less: the first) and how many pages there are."""
    _demand_all(caller)
    people = desk.records.people
    rows = await people.organisations(limit=LISTED_MAX, skip=max(0, page - 1) * LISTED_MAX)
    return rows, max(1, -(-await people.count_organisations() // LISTED_MAX))


async def read_organisation(desk: PeopleDesk, caller: Caller, org_id: str) -> OrganisationRow:
    _demand_all(caller)
    row = await desk.records.people.organisation(org_id)
    if row is None:
        raise Refused(404, UNKNOWN)
    return row


async def create_organisation(
    desk: PeopleDesk, caller: Caller, values: Mapping[str, Any], *, keeps_id: bool = False
) -> OrganisationRow:
    """`keeps_id`: an import, under the id that is said; else it gets one."""
    _demand_all(caller)
    row = _row(values, OrganisationRow(_said_id(values) if keeps_id else token_hex(12), ""))
    async with desk.records.change(caller.by) as edit:
        if await edit.people.organisation(row.id) is not None:
            raise Refused(409, f"Organisation {row.id} exists; change it with PUT", code="organisation_exists")
        return await edit.people.put_organisation(row)


async def change_organisation(
    desk: PeopleDesk, caller: Caller, org_id: str, values: Mapping[str, Any]
) -> OrganisationRow:
    _demand_all(caller)
    async with desk.records.change(caller.by) as edit:
        before = await edit.people.organisation(org_id)
        if before is None:
            raise Refused(404, UNKNOWN)
        return await edit.people.put_organisation(_row(values, before))


async def delete_organisation(desk: PeopleDesk, caller: Caller, org_id: str) -> OrganisationRow:
    """Its users and groups go with it; what it has of the gateway's has to be removed first."""
    _demand_all(caller)
    async with desk.records.change(caller.by) as edit:
        row = await edit.people.organisation(org_id)
        if row is None:
            raise Refused(404, UNKNOWN)
        if belongings := await edit.people.belongings(org_id):
            text = f"This organisation has {', '.join(belongings)}; remove them first"
            raise Refused(409, text, code="organisation_in_use")
        users, groups = await edit.people.everyone_of(org_id)
        for user in users:
            await edit.people.delete_user(user)
        for group in groups:
            await edit.people.delete_group(group)
        await edit.people.delete_organisation(row)
    return row


def _row(values: Mapping[str, Any], before: OrganisationRow) -> OrganisationRow:
    """Tyk's fields as they are said; those that are not said stay. Raises Refused."""
    said = {name: value for name, value in values.items() if name not in ("id", "_id")}
    document = {**json.loads(before.body), **said}
    name, body = document.get("owner_name"), json.dumps(document, ensure_ascii=False)
    problems = []
    if not isinstance(name, str) or not 0 < len(name.strip()) <= NAME_MAX:
        text = f"must be given, a text of at most {NAME_MAX} characters"
        problems.append(Problem("owner_name", "name_unfit", text))
    if len(body) > BODY_MAX:
        problems.append(
            Problem("", "too_long", f"the organisation has more than {BODY_MAX} characters; leave some out")
        )
    if problems:
        why = f"{problems[0].path} {problems[0].message}".strip()
        raise Refused(400, f"Organisation validation failed. {why}", problems=listed(problems))
    return before._replace(name=str(name).strip(), body=body)


def _said_id(values: Mapping[str, Any]) -> str:
    said = values.get("id") or values.get("_id")
    if not isinstance(said, str) or not ORGANISATION_ID.fullmatch(said):
        raise Refused(400, "id must be given: letters, digits and ._~-, at most 64", code="id_invalid")
    return said


def _demand_all(caller: Caller) -> None:
    if caller.org_id is not None:
        raise Refused(404, UNKNOWN)
