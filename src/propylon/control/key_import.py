"""/tyk/keys/import: keys of Tyk, as sessions with the hash they were stored under; and what is left of them to pin.

Nobody knows their IDs here: `key_ids` lists some, the others are pinned by their first good use (`key_pin.py`). A call
is one revision, and whole: if anything in it cannot be taken, nothing is.
"""

import asyncio
from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any, Final, NamedTuple

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer, flag, listed, read_body
from propylon.control.key_judgement import JudgedKey, judge_key, why_not_stored
from propylon.control.key_pin import is_listed, pin_id
from propylon.control.key_write import changed_key, imported_key, is_same, stored_key
from propylon.control.ownership import org_of
from propylon.errors import Problem
from propylon.model.tyk_hashes import LegacyHash, read_legacy_hash
from propylon.steps.imported_keys import PINNED, UNKNOWN
from propylon.stores.records.edit import Edit

KEYS_MAX: Final = 1_000  # of one call
IDS_MAX: Final = 2_000  # the same; each is hashed in six ways, 0.1 ms
NOT_TAKEN: Final = "Nothing was imported"
REASONS: Final = {
    "legacy_hash_taken": "has the legacy hash of another ID, which the key is pinned to; name one of the two",
    "legacy_hash_ambiguous": "has the legacy hashes of several imported keys; give that key its ID by hand",
    "legacy_id_taken": "is the ID of another key already",
}


class Imported(NamedTuple):
    legacy: LegacyHash
    judged: JudgedKey


async def import_keys(desk: Desk, call: Call) -> Answer:
    """One session with `legacy_hash`, or `{"keys": [sessions], "key_ids": [IDs], "org_id"}`."""
    document = read_body(call)
    is_single = "legacy_hash" in document
    org_id = org_of(call, document.get("org_id")) or desk.settings.default_org_id
    sessions = [document] if is_single else _list(document, "keys", KEYS_MAX, dict)
    key_ids = [] if is_single else _list(document, "key_ids", IDS_MAX, str)
    if not sessions and not key_ids:
        raise Refused(400, "legacy_hash is missing: send a session with it, or keys, or key_ids")
    imported = await _judged(desk, call, sessions, org_id)
    async with desk.records.change(call.by) as edit:
        states = await _put(desk, edit, imported, replaces=flag(call, "overwrite"))
        listed_ids = await _pin(desk, edit, org_id, key_ids)
        shown = [await _view(edit, one, state) for one, state in zip(imported, states, strict=True)]
    counts = {state: states.count(state) for state in ("imported", "changed", "unchanged")}
    return answer({"status": "ok", "action": "imported", **counts, "key_ids": listed_ids, "keys": shown})


async def audit(desk: Desk, call: Call) -> Answer:
    """How many keys are known by a foreign hash, and how many still wait for their ID."""
    counted = await desk.records.count_imports(org_of(call) or None)
    by_algorithm = {
        algorithm: {"keys": known, "pinned": known - waiting, "waiting": waiting}
        for algorithm, (known, waiting) in sorted(counted.items())
    }
    totals = {name: sum(one[name] for one in by_algorithm.values()) for name in ("keys", "pinned", "waiting")}
    until = desk.settings.legacy_pin_on_first_use_until
    return answer({"algorithms": by_algorithm, **totals, "legacy_pin_on_first_use_until": until})


def _list(document: Mapping[str, Any], name: str, most: int, kind: type) -> list[Any]:
    values = document.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):
        raise Refused(400, f"{name} must be a list of {'objects' if kind is dict else 'texts'}")
    if len(values) > most:
        raise Refused(400, f"{name} has {len(values)} entries; send at most {most} at once")
    return values


async def _judged(desk: Desk, call: Call, sessions: Sequence[dict[str, Any]], org_id: str) -> list[Imported]:
    """All of them, or all that is wrong with them."""
    found: list[Imported] = []
    problems: list[Problem] = []
    for index, session in enumerate(sessions):
        one = await _judged_one(desk, call, session, org_id)
        if isinstance(one, Imported):
            found.append(one)
        else:
            problems += [problem._replace(path=f"keys.{index}.{problem.path}".rstrip(".")) for problem in one]
    if problems:
        raise Refused(400, f"{NOT_TAKEN}: {problems[0].path} {problems[0].message}", problems=listed(problems))
    return found


async def _judged_one(desk: Desk, call: Call, session: dict[str, Any], org_id: str) -> Imported | list[Problem]:
    org_of(call, session.get("org_id"))
    legacy = read_legacy_hash(session.get("legacy_hash"))
    rest = {name: value for name, value in session.items() if name != "legacy_hash"}
    try:
        judged = await judge_key(desk, rest, org_id, within=call.org_id)
    except Refused as refused:
        problems = [Problem(**problem) for problem in refused.members.get("problems", [])]
        return [*([legacy] if isinstance(legacy, Problem) else []), *problems]
    why = why_not_stored(desk, judged)
    if isinstance(legacy, Problem) or why is not None:
        return [problem for problem in (legacy, why) if isinstance(problem, Problem)]
    return Imported(legacy, judged)


async def _put(desk: Desk, edit: Edit, imported: Sequence[Imported], *, replaces: bool) -> list[str]:
    """What became of each. Until it is pinned a key stands under a hash that nobody can send."""
    states = []
    for index, (legacy, judged) in enumerate(imported):
        org_id = judged.session.org_id
        rows = await edit.imports.find(org_id, [legacy])
        if not rows:
            row = await edit.put_key(imported_key(judged, token_hex(32)))
            await edit.imports.add(org_id, legacy, row.record_id)
            states.append("imported")
            continue
        row_before = await edit.imports.key(rows[0].record_id)
        assert row_before is not None, "what was imported goes with its key"
        before = stored_key(desk, row_before)
        if is_same(judged, before):
            states.append("unchanged")
        elif replaces:
            await edit.put_key(changed_key(desk, judged, before, row_before.key_id, reset_meters=False))
            states.append("changed")
        else:
            text = f"keys.{index}: a key with this legacy hash was imported and differs; ?overwrite=1 replaces it"
            raise Refused(409, f"{NOT_TAKEN}: {text}", code="key_exists")
    return states


async def _pin(desk: Desk, edit: Edit, org_id: str, key_ids: Sequence[str]) -> dict[str, int]:
    pinned = unknown = 0
    problems: list[Problem] = []
    for index, key_id in enumerate(key_ids):
        reason = await pin_id(desk, edit, org_id, key_id, is_listed)
        pinned += reason == PINNED
        unknown += reason == UNKNOWN
        if reason in REASONS:
            problems.append(Problem(f"key_ids.{index}", reason, REASONS[reason]))
        await asyncio.sleep(0)  # others have their turn between two
    if problems:
        raise Refused(409, f"{NOT_TAKEN}: {problems[0].path} {problems[0].message}", problems=listed(problems))
    return {"pinned": pinned, "unknown": unknown}


async def _view(edit: Edit, imported: Imported, state: str) -> dict[str, Any]:
    legacy, judged = imported
    (row, *_) = await edit.imports.find(judged.session.org_id, [legacy])
    return {
        "legacy_hash": legacy.digest,
        "algorithm": legacy.algorithm,
        "org_id": row.org_id,
        "record": f"k{row.record_id}",
        "state": state,
        "pinned": bool(row.pinned_key_hash),
        "warnings": listed(judged.warnings),
    }
