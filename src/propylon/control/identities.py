"""/tyk/identities: the subjects of tokens that were seen, read, suspended and resumed as keys are.

Whom nobody has seen is not here; `POST /tyk/revoke` refuses such a subject by its name.
"""

from typing import Any, Final

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer, done, whole_number
from propylon.control.ownership import org_of
from propylon.stores.records.identities import IdentityFilter, IdentityRow, State

PAGE: Final = 1000
NOT_FOUND: Final = "There is no such identity"


async def read_all(desk: Desk, call: Call) -> Answer:
    """In the order they were first seen; `next` goes on where a page ended."""
    said = {name: call.query.get(name) or None for name in IdentityFilter._fields}
    chosen = IdentityFilter(**said)._replace(org_id=org_of(call) or None)
    limit = whole_number(call, "limit") or PAGE
    rows = await desk.records.identities(chosen, after=whole_number(call, "after"), limit=min(limit, PAGE))
    more = {"next": rows[-1].record_id} if rows and len(rows) == min(limit, PAGE) else {}
    return answer({"identities": [identity_view(row) for row in rows], **more})


async def read(desk: Desk, call: Call) -> Answer:
    row = await desk.records.identity(call.path["record"])
    if row is None or not _is_asked_for(call, row):
        raise Refused(404, NOT_FOUND)
    return answer(identity_view(row))


async def suspend(desk: Desk, call: Call) -> Answer:
    """Its tokens are refused from now on; nothing of the identity is lost."""
    return await _put_state(desk, call, "suspended")


async def resume(desk: Desk, call: Call) -> Answer:
    return await _put_state(desk, call, "active")


def identity_view(row: IdentityRow) -> dict[str, Any]:
    shown = {name: value for name, value in row._asdict().items() if name not in ("record_id", "key_hash")}
    times = {name: int(shown.pop(name)) for name in ("first_seen_at", "last_seen_at")}
    return {"record": row.record, "key_hash": row.key_hash, **shown, **times}


async def _put_state(desk: Desk, call: Call, state: State) -> Answer:
    async with desk.records.change(call.by) as edit:
        row = await edit.identities.find(call.path["record"])
        if row is None or not _is_asked_for(call, row):
            raise Refused(404, NOT_FOUND)
        row = await edit.identities.put_state(row, state)
    return done(row.record, "suspended" if state == "suspended" else "resumed", state=row.state)


def _is_asked_for(call: Call, row: IdentityRow) -> bool:
    """Another organisation's is as unknown as one that is not there."""
    return org_of(call) in ("", row.org_id)
