"""/tyk/keys/{id}/effective: what is in force for a key under today's policies, and where each field comes from."""

from typing import Any

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer
from propylon.control.explain_report import session_view
from propylon.control.key_judgement import effective_of
from propylon.control.key_names import find_key, key_name
from propylon.control.key_write import stored_key
from propylon.errors import Problem
from propylon.model.effective import EffectiveSession
from propylon.model.provenance import ROOT
from propylon.model.session import key_kind
from propylon.steps.meter_names import key_meters, quota_meter
from propylon.stores.ports import KeyRow


async def read(desk: Desk, call: Call) -> Answer:
    row = await find_key(desk.records.key, desk, key_name(call))
    if row is None:
        raise Refused(404, "Key not found")
    stored = stored_key(desk, row)
    effective = await effective_of(desk, stored.session)
    shown: dict[str, Any] = {
        "key_hash": row.key_hash,
        "key_id": row.key_id,
        "org_id": row.org_id,
        "record": f"k{row.record_id}",
        "alias": stored.session.alias,
        "kind": key_kind(stored.secrets),
    }
    if isinstance(effective, Problem):  # every request with this key is refused
        return answer({**shown, "session": None, "problem": effective._asdict()})
    return answer({**shown, "session": await _with_quotas(desk, row, effective), "problem": None})


async def _with_quotas(desk: Desk, row: KeyRow, effective: EffectiveSession) -> dict[str, Any]:
    """As the meters have them; one that was not charged yet is whole."""
    view = session_view(effective, ROOT)
    for api_id, access in effective.access.items():
        most = access.limit.quota_max
        if most > 0:
            state = await desk.meters.quota(quota_meter(key_meters(row.record_id, row.generation), access.scope))
            shown = view["access"][api_id]
            shown["quota_remaining"] = most if state is None else max(0, most - state.used)
            shown["quota_renews"] = 0 if state is None else state.renews_wall_ns // 1_000_000_000
    return view
