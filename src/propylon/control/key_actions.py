"""/tyk/keys/{id}/suspend, resume, renew, extend, reset-quota: single steps in a key's life, beside Tyk's PUT.

Each changes one thing and leaves the rest, its counters too unless they are what it is about. What is so already is
answered the same and changes nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, demand_match, done, etag, read_body
from propylon.control.key_judgement import policies_of
from propylon.control.key_names import KeyName, find_key, key_name
from propylon.control.key_write import StoredKey, named_key_id, same_key, seconds_of, stored_key
from propylon.control.rotation_order import TIME_MAX
from propylon.errors import Problem
from propylon.model.effective import expires_from_policies
from propylon.model.session import Session
from propylon.stores.ports import KeyRow
from propylon.stores.records.edit import Edit

EXTENSION: Final = 'write {"expires": <Unix seconds, or -1 for never>} or {"by_s": <seconds>}'


async def suspend(desk: Desk, call: Call) -> Answer:
    return await _set_active(desk, call, "suspended", is_inactive=True)


async def resume(desk: Desk, call: Call) -> Answer:
    return await _set_active(desk, call, "resumed", is_inactive=False)


async def renew(desk: Desk, call: Call) -> Answer:
    """A fresh life: as long as its policies say, else as the one it was last given; counters begin anew."""
    name = key_name(call)
    async with desk.records.change(call.by) as edit:
        before = await _to_change(desk, call, edit, name)
        expires = expires_from_policies(await policies_of(desk, before.session), desk.clock.wall())
        session = replace(before.session, expires=_renewed(desk, before) if expires is None else expires)
        row = await edit.put_key(same_key(desk, before, session, reset_meters=True))
    return _done(desk, name, row, "renewed", expires=session.expires)


async def extend(desk: Desk, call: Call) -> Answer:
    document, name = read_body(call), key_name(call)
    async with desk.records.change(call.by) as edit:
        before = await _to_change(desk, call, edit, name)
        session = replace(before.session, expires=_extended(document, before.session, desk.clock.wall()))
        row = await edit.put_key(same_key(desk, before, session))
    return _done(desk, name, row, "extended", expires=session.expires)


async def reset_quota(desk: Desk, call: Call) -> Answer:
    """All its counters begin anew, rates as well: they have one name."""
    name = key_name(call)
    async with desk.records.change(call.by) as edit:
        before = await _to_change(desk, call, edit, name)
        row = await edit.put_key(same_key(desk, before, before.session, reset_meters=True))
    return _done(desk, name, row, "quota_reset")


async def _set_active(desk: Desk, call: Call, action: str, *, is_inactive: bool) -> Answer:
    name = key_name(call)
    async with desk.records.change(call.by) as edit:
        before = await _to_change(desk, call, edit, name)
        row = await edit.put_key(same_key(desk, before, replace(before.session, is_inactive=is_inactive)))
        policies = await policies_of(desk, before.session)
    warnings = [] if is_inactive else [_still_inactive(one.id) for one in policies if one.is_inactive]
    return _done(desk, name, row, action, warnings)


async def _to_change(desk: Desk, call: Call, edit: Edit, name: KeyName) -> StoredKey:
    row = await find_key(edit.key, desk, name)
    if row is None:
        raise Refused(404, "Key not found")
    demand_match(call, desk.records.key_etag(row))
    return stored_key(desk, row)


def _renewed(desk: Desk, before: StoredKey) -> int:
    session = before.session
    if session.expires < 1:
        return session.expires
    began = int(session.last_updated) if session.last_updated.isdigit() else int(seconds_of(session.date_created))
    life_s = session.expires - began
    if not began or life_s <= 0:
        text = "It is not known how long this key's life is; give its end with extend"
        raise Refused(400, text, code="life_unknown")
    return int(desk.clock.wall()) + life_s


def _extended(document: Mapping[str, Any], session: Session, now: float) -> int:
    if len(document) != 1 or not document.keys() <= {"expires", "by_s"}:
        raise Refused(400, f"Request malformed: {EXTENSION}")
    ((member, number),) = document.items()
    if type(number) is not int or abs(number) > TIME_MAX:
        raise Refused(400, f"{member} must be a whole number of seconds: {EXTENSION}")
    if member == "expires":
        if 0 < number <= now:
            raise Refused(400, "expires is in the past; give a later Unix time in seconds, or -1 for never")
        return number
    if number <= 0:
        raise Refused(400, "by_s must be above 0; give an earlier end with expires")
    if session.expires < 1:
        raise Refused(400, "The key never expires; give an end with expires", code="never_expires")
    return max(session.expires, int(now)) + number


def _still_inactive(policy_id: str) -> Problem:
    text = f'is not in force: policy "{policy_id}" says is_inactive, which counts for every key under it'
    return Problem("is_inactive", "policy_inactive", text)


def _done(
    desk: Desk, name: KeyName, row: KeyRow, action: str, warnings: list[Problem] | None = None, **members: Any
) -> Answer:
    headers = etag(desk.records.key_etag(row))
    key_id = named_key_id(desk, name, row) or name.text
    return done(key_id, action, headers=headers, warnings=warnings or [], key_hash=row.key_hash, **members)
