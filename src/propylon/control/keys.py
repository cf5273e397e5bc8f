"""/tyk/keys: keys made, changed and removed (gateway-api.md §8). Reads are `key_reads.py`.

Each write reads what it replaces in its own transaction. A change resets the key's meters, as in Tyk, unless it says
`suppress_reset`, its APIs say `dont_set_quota_on_create`, or it changes nothing. What policies give is never written
into the key (F-18).
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, cleared, demand_match, done, etag, flag, listed, read_body
from propylon.control.jwt_key import jwt_key_members
from propylon.control.key_judgement import JudgedKey, judge_key, why_not_stored
from propylon.control.key_names import KeyName, find_key, key_name
from propylon.control.key_write import (
    StoredKey,
    became_credential,
    changed_key,
    ended_generations,
    is_repeated,
    is_same,
    named_key_id,
    new_key,
    stored_key,
)
from propylon.control.ownership import is_hidden, org_of
from propylon.errors import Problem
from propylon.model.key_id import new_key_id
from propylon.model.session import check_key_id
from propylon.stores.ports import KeyRow
from propylon.stores.records.edit import Edit

NOT_STORED: Final = "Failed to create key, ensure security settings are correct."
NOT_CHANGED: Final = "Could not write key data"
NO_INSTRUCTION: Final = "Couldn't decode instruction"
UNREADABLE: Final = "Unmarshalling failed"


async def create(desk: Desk, call: Call) -> Answer:
    """M-1. A body of the wrong shape is 400 here too: Tyk's 500 is for what is broken on our side."""
    document = read_body(call, UNREADABLE)
    return await _add(desk, call, document, new_key_id(), UNREADABLE, _refusal_of_create)


async def add(desk: Desk, call: Call) -> Answer:
    """M-2, M-3: with an ID of the caller's choice, else a random one."""
    document = read_body(call)
    key_id = call.path.get("key_id") or new_key_id()
    problem = check_key_id(key_id, desk.settings.min_token_length)
    if problem is not None:
        raise Refused(400, problem.message, problems=listed([problem]))
    return await _add(desk, call, document, key_id, "Request malformed", _refusal)


async def change(desk: Desk, call: Call) -> Answer:
    """M-13, M-14."""
    document = read_body(call)
    name = key_name(call, document.get("org_id"))
    async with desk.records.change(call.by) as edit:
        before = await _to_change(desk, call, edit, name, "Key is not found")
        judged = await judge_key(
            desk,
            document,
            before.row.org_id,
            stored_secrets=before.secrets,
            clear=cleared(call),
            within=call.org_id,
        )
        _demand_sound(desk, judged, _refusal)
        row, key_id = before.row, named_key_id(desk, name, before.row)
        if not is_same(judged, before):
            reset = await _resets_meters(desk, call, edit, judged)
            row = await edit.put_key(changed_key(desk, judged, before, key_id, reset_meters=reset))
    warnings = [*judged.warnings, *became_credential(judged, before), *ended_generations(judged, before)]
    return _done(desk, "modified", key_id, name.text, row, judged, warnings)


async def change_policies(desk: Desk, call: Call) -> Answer:
    """M-21. Nothing else of the key moves, its meters neither."""
    policy_ids = _policy_ids(read_body(call, NO_INSTRUCTION))
    name = key_name(call)
    async with desk.records.change(call.by) as edit:
        before = await _to_change(desk, call, edit, name, "Key not found")
        document = {**json.loads(before.row.session), "apply_policies": policy_ids, "apply_policy_id": ""}
        judged = await judge_key(desk, document, before.row.org_id, stored_secrets=before.secrets, within=call.org_id)
        _demand_sound(desk, judged, lambda problem: Refused(500, NOT_CHANGED, problems=listed([problem])))
        key_id = named_key_id(desk, name, before.row)
        row = await edit.put_key(changed_key(desk, judged, before, key_id, reset_meters=False))
    warnings = [warning for warning in judged.warnings if warning.code != "secret_kept"]
    return _done(desk, "updated", key_id, name.text, row, judged, warnings)


async def remove(desk: Desk, call: Call) -> Answer:
    """M-19. Its meters go with it: a key made again under this ID is another record."""
    name = key_name(call)
    async with desk.records.change(call.by) as edit:
        row = await find_key(edit.key, desk, name)
        if row is None:
            raise Refused(404, "There is no such key found")
        demand_match(call, desk.records.key_etag(row))
        await edit.delete_key(row.key_hash)
    return done(named_key_id(desk, name, row) or name.text, "deleted", key_hash=row.key_hash)


async def _add(
    desk: Desk,
    call: Call,
    document: dict[str, Any],
    key_id: str,
    malformed: str,
    refusal: Callable[[Problem], Refused],
) -> Answer:
    """An ID that is there: nothing happens if it is the same key, else 409 (design §10)."""
    org_id = org_of(call, document.get("org_id"))
    async with desk.records.change(call.by) as edit:
        row = await edit.key(desk.sealing.key_hash(org_id or desk.settings.default_org_id, key_id))
        before = None if row is None else stored_key(desk, row)
        judged = await judge_key(
            desk,
            document,
            org_id,
            malformed=malformed,
            stored_secrets={} if before is None else before.secrets,
            clear=cleared(call),
            within=call.org_id,
        )
        _demand_sound(desk, judged, refusal)
        row = await _put(desk, call, edit, judged, key_id, before)
    return _done(desk, "added", key_id, key_id, row, judged, judged.warnings)


async def _put(desk: Desk, call: Call, edit: Edit, judged: JudgedKey, key_id: str, before: StoredKey | None) -> KeyRow:
    if before is None:
        return await edit.put_key(new_key(desk, judged, key_id))
    if is_repeated(desk, judged, before):
        return before.row
    if flag(call, "overwrite") or desk.settings.keys_upsert:
        reset = await _resets_meters(desk, call, edit, judged)
        return await edit.put_key(changed_key(desk, judged, before, key_id, reset_meters=reset))
    text = f"Key {key_id} exists and differs; use PUT /tyk/keys/{key_id}, or ?overwrite=1 to replace it"
    raise Refused(409, text, code="key_exists")


async def _resets_meters(desk: Desk, call: Call, edit: Edit, judged: JudgedKey) -> bool:
    """M-4, M-14. A key has one set of meters: it begins anew unless every API of its rights says that none shall."""
    if flag(call, "suppress_reset"):
        return False
    rows = [await edit.api(api_id) for api_id in judged.session.access_rights]
    known = [None if row is None or is_hidden(call, row.org_id) else row for row in rows]
    definitions = [None if row is None else desk.known_apis.definition(row) for row in known]
    return not definitions or any(one is None or not one.keeps_counters for one in definitions)


# -- parts of a write -------------------------------------------------------------------------------------------------


async def _to_change(desk: Desk, call: Call, edit: Edit, name: KeyName, not_found: str) -> StoredKey:
    row = await find_key(edit.key, desk, name)
    if row is None:
        raise Refused(404, not_found)
    demand_match(call, desk.records.key_etag(row))
    return stored_key(desk, row)


def _demand_sound(desk: Desk, judged: JudgedKey, refusal: Callable[[Problem], Refused]) -> None:
    problem = why_not_stored(desk, judged)
    if problem is not None:
        raise refusal(problem)


def _refusal(problem: Problem) -> Refused:
    return Refused(500, NOT_STORED, problems=listed([problem]))


def _refusal_of_create(problem: Problem) -> Refused:
    if problem.code == "no_access_rights":
        return Refused(400, f"Failed to create key, {problem.message}", problems=listed([problem]))
    return Refused(500, f"Failed to create key - {problem.message}", problems=listed([problem]))


def _policy_ids(instruction: dict[str, Any]) -> list[str]:
    several, single = instruction.get("apply_policies") or [], instruction.get("policy") or ""
    ids = [*several, single] if isinstance(several, list) else []
    if not ids or not all(isinstance(id_, str) for id_ in ids):
        problem = Problem("apply_policies", "wrong_type", "must be a list of policy ids, and policy one of them")
        raise Refused(400, NO_INSTRUCTION, problems=listed([problem]))
    return [id_ for id_ in ids if id_]


def _done(
    desk: Desk, action: str, key_id: str, named: str, row: KeyRow, judged: JudgedKey, warnings: Sequence[Problem]
) -> Answer:
    """`named` is what the request called the key, for when nobody knows its ID."""
    members = jwt_key_members(key_id, judged.session, judged.secrets) if key_id else {}
    tag = etag(desk.records.key_etag(row))
    return done(key_id or named, action, headers=tag, warnings=warnings, key_hash=row.key_hash, **members)
