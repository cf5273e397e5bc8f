"""/tyk/policies (gateway-api.md §7.2). Live when answered; keys that name a policy follow it at once."""

import json
from typing import Any, Final

from propylon.control.call import Answer, Call
from propylon.control.definitions import JudgedPolicy, judge_policy
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer, demand_match, done, etag, flag, listed, read_body
from propylon.control.ownership import is_hidden, org_of
from propylon.control.rights import rights_warnings
from propylon.errors import Problem
from propylon.stores.ports import DefinitionRow

TYKS_OWN_WORDS: Final = frozenset({"policy_id_missing", "policy_id_invalid", "policy_partitions"})


async def read_all(desk: Desk, call: Call) -> Answer:
    rows = [row for row in await desk.records.policies() if not is_hidden(call, row.org_id)]
    return answer([json.loads(row.body) for row in rows])


async def read(desk: Desk, call: Call) -> Answer:
    row = await desk.records.policy(call.path["policy_id"], org_id=org_of(call) or None)
    if row is None:
        raise Refused(404, "Policy not found")
    return answer(json.loads(row.body), headers=etag(row.etag))


async def add(desk: Desk, call: Call) -> Answer:
    """An id that is there: nothing happens if it is the same policy, else 409 (Tyk replaces in silence)."""
    document = read_body(call)
    judged = _judge(desk, call, document, org_of(call, document.get("org_id")))
    async with desk.records.change(call.by) as edit:
        write = judged.write()
        before = await edit.policy(write.id, org_id=write.org_id)
        if before is not None and json.loads(before.body) != json.loads(write.body) and not flag(call, "overwrite"):
            text = (
                f"Policy {write.id} exists and differs; use PUT /tyk/policies/{write.id}, or ?overwrite=1 to replace it"
            )
            raise Refused(409, text, code="policy_exists")
        row = await edit.put_policy(write)
    return await _written(desk, call, "added", judged, row)


async def change(desk: Desk, call: Call) -> Answer:
    """As in Tyk, one that is not there is made."""
    document = read_body(call)
    policy_id, org_id = call.path["policy_id"], org_of(call, document.get("org_id"))
    async with desk.records.change(call.by) as edit:
        before = await edit.policy(policy_id, org_id=org_id or None)
        judged = _judge(desk, call, document, org_id if before is None else before.org_id)
        if judged.policy.id != policy_id:
            text = "Request ID does not match that in policy! For Update operations these must match."
            raise Refused(400, text)
        demand_match(call, "" if before is None else before.etag)
        row = await edit.put_policy(judged.write())
    return await _written(desk, call, "modified", judged, row)


async def remove(desk: Desk, call: Call) -> Answer:
    policy_id = call.path["policy_id"]
    async with desk.records.change(call.by) as edit:
        row = await edit.policy(policy_id, org_id=org_of(call) or None)
        if row is None:
            raise Refused(404, "Delete failed", code="policy_unknown")
        demand_match(call, row.etag)
        await edit.delete_policy(policy_id, org_id=row.org_id)
    return done(policy_id, "deleted")


async def change_nothing(desk: Desk, call: Call) -> Answer:
    raise Refused(400, "Must specify an apiID to update")


async def remove_nothing(desk: Desk, call: Call) -> Answer:
    raise Refused(400, "Must specify an apiID to delete")


def _judge(desk: Desk, call: Call, document: dict[str, Any], org_id: str) -> JudgedPolicy:
    judged = judge_policy(document, org_id, desk.settings)
    if isinstance(judged, JudgedPolicy):
        assert not is_hidden(call, judged.policy.org_id), "its organisation is the one that was looked at"
        return judged
    first: Problem = judged[0]
    text = first.message if first.code in TYKS_OWN_WORDS else "Request malformed"
    raise Refused(400, text, problems=listed(judged))


async def _written(desk: Desk, call: Call, action: str, judged: JudgedPolicy, row: DefinitionRow) -> Answer:
    warnings = [*judged.warnings, *await rights_warnings(desk, judged.policy.access_rights, row.org_id, call.org_id)]
    return done(row.id, action, headers=etag(row.etag), warnings=warnings)
