"""Entity tags of users and groups: a write under an old one is refused, so that nobody undoes what they did not see.

Only what such a write can change counts; a sign-in or a new password in between is no lost race (RFC 9110 §8.8.3).
"""

import json
from typing import Final

from propylon.control.envelope import demand_tag
from propylon.control.people.people_desk import PeopleDesk
from propylon.stores.records.people import GroupRow, UserRow

WRITTEN: Final = {
    UserRow: ("id", "org_id", "email", "first_name", "last_name", "group_id", "permissions", "active"),
    GroupRow: ("id", "org_id", "name", "description", "permissions"),
}


def tag_of(desk: PeopleDesk, row: UserRow | GroupRow) -> str:
    return desk.sealing.etag(json.dumps([getattr(row, name) for name in WRITTEN[type(row)]]))


def demand_unchanged(desk: PeopleDesk, row: UserRow | GroupRow, if_match: str | None) -> None:
    """Within the transaction of the write. Raises Refused, 412."""
    demand_tag(if_match, tag_of(desk, row))
