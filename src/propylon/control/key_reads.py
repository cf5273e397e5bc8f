"""/tyk/keys: keys read, listed and previewed (gateway-api.md §8.6 to 8.8). Writes are `keys.py`.

A key is shown as it is stored, so that PUT(GET(k)) changes nothing; `?effective=1` adds what its policies make of it.
No secret is ever shown, and counters are read from the meters.
"""

import json
from collections.abc import AsyncIterator
from typing import Any, Final

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer, etag, flag, listed, read_body, whole_number
from propylon.control.key_judgement import effective_of, judge_key
from propylon.control.key_names import find_key, key_name
from propylon.control.key_write import StoredKey, stored_key
from propylon.control.ownership import org_of
from propylon.errors import Problem
from propylon.model.effective import EffectiveSession
from propylon.model.session import key_kind, public_view, session_to_json
from propylon.steps.meter_names import key_meters, quota_meter
from propylon.stores.ports import KeyRow

PAGE: Final = 1000  # keys a transaction reads
Document = dict[str, Any]


async def read(desk: Desk, call: Call) -> Answer:
    """M-16."""
    row = await find_key(desk.records.key, desk, key_name(call))
    if row is None:
        raise Refused(404, "Key not found")
    stored = stored_key(desk, row)
    view = await own_view(desk, stored)
    if flag(call, "effective"):
        view["effective"] = await _effective_view(desk, stored)
    return answer(view, headers=etag(desk.records.key_etag(row)))


async def read_all(desk: Desk, call: Call) -> Answer:
    """M-18: hashes, as a key's ID is usually a credential. Without `limit` all of them, as in Tyk."""
    limit, last, wants_details = whole_number(call, "limit"), 0, flag(call, "details")
    hashes: list[str] = []
    details: list[Document] = []
    async for row in _rows(desk, call, limit):
        hashes.append(row.key_hash)
        details += [_details(row)] if wants_details else []
        last = row.record_id
    document: Document = {"keys": hashes} | ({"details": details} if wants_details else {})
    return answer(document | ({"next": last} if limit and len(hashes) == limit else {}))


async def preview(desk: Desk, call: Call) -> Answer:
    """What would be in force; nothing is stored."""
    document = read_body(call, "Unmarshalling failed")
    judged = await judge_key(
        desk,
        document,
        org_of(call, document.get("org_id")),
        malformed="Unmarshalling failed",
        within=call.org_id,
    )
    problems = [judged.effective] if isinstance(judged.effective, Problem) else []
    session = judged.session if isinstance(judged.effective, Problem) else judged.effective.session
    view = public_view(session_to_json(session), judged.secrets)
    return answer({**view, "kind": key_kind(judged.secrets), "warnings": listed([*problems, *judged.warnings])})


async def _rows(desk: Desk, call: Call, limit: int) -> AsyncIterator[KeyRow]:
    query, after = call.query, whole_number(call, "after")
    org_id, api_id, alias = org_of(call) or None, query.get("api_id") or None, query.get("alias") or None
    if api_id is not None and alias is not None:
        raise Refused(400, "api_id and alias: write one of them; keys are not listed by both")
    found = 0
    while True:
        size = min(PAGE, limit - found) if limit else PAGE
        if alias is None:
            rows = await desk.records.keys(org_id=org_id, api_id=api_id, after=after, limit=size)
        else:
            rows = await desk.records.keys_by_alias(alias, org_id=org_id, after=after, limit=size)
        for row in rows:
            yield row
        found += len(rows)
        if len(rows) < PAGE or found == limit:
            return
        after = rows[-1].record_id


def _details(row: KeyRow) -> Document:
    session = json.loads(row.session)
    shown = {"key_hash": row.key_hash, "key_id": row.key_id, "org_id": row.org_id, "alias": session.get("alias", "")}
    return {**shown, "kind": key_kind(row.secrets)}


async def own_view(desk: Desk, stored: StoredKey) -> Document:
    """The session as it is stored, with what the meters know of its quotas."""
    row = stored.row
    view = public_view(session_to_json(stored.session), stored.secrets)
    await _fill_quota(desk, row, view, "")
    for api_id, right in view["access_rights"].items():
        await _fill_quota(desk, row, right["limit"], api_id)  # P-27
    return {**view, "kind": key_kind(stored.secrets), "key_hash": row.key_hash, "key_id": row.key_id}


async def _effective_view(desk: Desk, stored: StoredKey) -> Document:
    """Or why nothing is in force."""
    effective = await effective_of(desk, stored.session)
    if not isinstance(effective, EffectiveSession):
        return {"problem": effective._asdict()}
    view = public_view(session_to_json(effective.session), stored.secrets)
    scopes = {access.scope for access in effective.access.values()}
    await _fill_quota(desk, stored.row, view, scopes.pop() if len(scopes) == 1 else "")  # P-25
    for api_id, access in effective.access.items():
        await _fill_quota(desk, stored.row, view["access_rights"][api_id]["limit"], access.scope)
    return view


async def _fill_quota(desk: Desk, row: KeyRow, limits: Document | None, scope: str) -> None:
    """What is left of a quota and when it renews, as the meters have it; a quota not yet charged is whole."""
    if limits is None or limits["quota_max"] <= 0:
        return
    state = await desk.meters.quota(quota_meter(key_meters(row.record_id, row.generation), scope))
    limits["quota_remaining"] = limits["quota_max"] if state is None else max(0, limits["quota_max"] - state.used)
    limits["quota_renews"] = 0 if state is None else state.renews_wall_ns // 1_000_000_000
