"""/api/activity/quota: how far a key's quotas are used, and when they will be at this pace."""

from typing import Any

from propylon.control.desk import Desk
from propylon.control.envelope import Refused
from propylon.control.key_judgement import effective_of
from propylon.control.key_write import stored_key
from propylon.control.usage_api.asking import Query, rfc3339
from propylon.control.usage_api.callers import the_caller
from propylon.model.effective import EffectiveSession
from propylon.steps.meter_names import key_meters, quota_meter
from propylon.stores.ports import KeyRow, QuotaState


async def quotas(desk: Desk, org_id: str | None, path: Query, query: Query) -> dict[str, Any]:
    """One row for each quota that the key has: `scope` "" is the key's own, else that of an API or policy."""
    row = await _key(desk, org_id, path["key"])
    effective = await effective_of(desk, stored_key(desk, row).session)
    if not isinstance(effective, EffectiveSession):
        return {"data": [], "problem": effective._asdict()}
    limits = {access.scope: access.limit for access in effective.access.values()}
    now, rows = desk.clock.wall(), []
    for scope, limit in sorted(limits.items()):
        if limit.quota_max > 0:
            state = await desk.meters.quota(quota_meter(key_meters(row.record_id, row.generation), scope))
            rows.append({"scope": scope, **burn_down(limit.quota_max, limit.quota_renewal_rate, state, now)})
    return {"data": rows}


def burn_down(quota_max: float, period_s: float, state: QuotaState | None, now: float) -> dict[str, Any]:
    """`runs_out_at` is null when the pace since the period began leaves some of it at its end, or nothing is used."""
    used = 0 if state is None else min(state.used, int(quota_max))
    renews = 0.0 if state is None else state.renews_wall_ns / 1e9
    began = renews - period_s if renews and period_s > 0 else 0.0
    pace = used / (now - began) if began and now > began else 0.0
    ends = now + (quota_max - used) / pace if pace else 0.0
    return {
        "quota_max": int(quota_max),
        "used": used,
        "remaining": int(quota_max) - used,
        "began_at": rfc3339(began) if began else None,
        "renews_at": rfc3339(renews) if renews else None,
        "used_per_hour": round(pace * 3_600, 3),
        "runs_out_at": rfc3339(ends) if ends and ends < renews else None,
    }


async def _key(desk: Desk, org_id: str | None, words: str) -> KeyRow:
    for record in await the_caller(desk, org_id, words):
        if record[:1] == "k":
            row = await desk.records.key_of_record(int(record[1:]))
            if row is not None and org_id in (None, row.org_id):
                return row
    raise Refused(404, "No key is known by this; only keys have quotas that can be told here")
