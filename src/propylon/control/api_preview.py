"""An API definition judged as a write would judge it, and what the write would do beside; nothing is stored.

The secrets of the stored definition count, as a write that leaves them empty keeps them.
"""

from typing import Any

from propylon.control.call import Answer, Call
from propylon.control.definitions import JudgedApi, judge_api
from propylon.control.desk import Desk
from propylon.control.envelope import answer, cleared, listed, read_body
from propylon.control.mode_change import ignored_signing_keys
from propylon.model.api_definition import unwrap


async def preview(desk: Desk, call: Call) -> Answer:
    """`mode_change` are warnings of what the write would put out of use (user-pains P7)."""
    document: dict[str, Any] = dict(unwrap(read_body(call)))
    row = await desk.records.api(str(document.get("api_id") or ""))
    if row is not None and call.org_id not in (None, row.org_id):
        row = None
    secrets = {} if row is None else desk.records.unseal_api(row)
    judged = judge_api(document, secrets, cleared(call), desk.settings)
    if not isinstance(judged, JudgedApi):
        return answer({"problems": listed(judged), "warnings": [], "mode_change": []})
    mode_change = [] if row is None else await ignored_signing_keys(desk, row, judged)
    return answer({"problems": [], "warnings": listed(judged.warnings), "mode_change": listed(mode_change)})
