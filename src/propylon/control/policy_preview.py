"""What a policy as it would be makes of a key, beside what is in force now. Nothing is stored.

Both are computed as a worker computes them (`model/effective.py`), so that the picture is what the next request meets.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from propylon.control.call import Answer, Call
from propylon.control.definitions import JudgedPolicy, judge_policy
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer, listed, read_body
from propylon.control.explain_report import session_view
from propylon.control.key_judgement import effective_of, policies_of
from propylon.control.key_write import stored_key
from propylon.errors import Problem
from propylon.model.effective import EffectiveSession, effective_session
from propylon.model.policy import Policy
from propylon.model.provenance import ROOT
from propylon.model.session_record import Session


async def preview(desk: Desk, call: Call) -> Answer:
    """Body: `policy`, the document; `key_hash`. A key that does not name the policy is shown as if it did."""
    body = read_body(call)
    row = await desk.records.key(str(body.get("key_hash", "")))
    if row is None or call.org_id not in (None, row.org_id):
        raise Refused(404, "Key not found")
    judged = judge_policy(body.get("policy"), row.org_id, desk.settings)
    if not isinstance(judged, JudgedPolicy):
        raise Refused(400, "Request malformed", problems=listed(judged))
    policy, session = judged.policy, stored_key(desk, row).session
    if policy.org_id != row.org_id:
        raise Refused(404, "Key not found")
    before = await effective_of(desk, session)
    after = _after(session, await policies_of(desk, session), policy)
    is_applied = policy.id in session.policy_ids
    return answer({"is_applied": is_applied, "before": _view(before), "after": _view(after), "alias": session.alias})


def _after(session: Session, policies: Sequence[Policy], policy: Policy) -> EffectiveSession | Problem:
    there = {one.id: one for one in policies} | {policy.id: policy}
    ids = [*dict.fromkeys([*session.policy_ids, policy.id])]
    applied = replace(session, apply_policies=ids, apply_policy_id="")
    missing = [one for one in ids if one not in there]
    found = [there[one] for one in ids if one in there]
    return effective_session(applied, found, missing=missing, org_id=session.org_id)


def _view(effective: EffectiveSession | Problem) -> dict[str, Any]:
    if isinstance(effective, Problem):
        return {"problem": effective._asdict(), "session": None}
    return {"problem": None, "session": session_view(effective, ROOT)}
