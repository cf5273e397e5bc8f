"""What would be in force for a key that somebody writes, before it is stored; told as `effective.py` tells it.

Reads only: for a key that is there its stored secrets and counters are considered, none is changed or shown.
"""

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer, listed, read_body
from propylon.control.explain_report import session_view
from propylon.control.key_judgement import judge_key, why_not_stored
from propylon.control.key_names import find_key, key_name
from propylon.control.key_write import stored_key
from propylon.errors import Problem
from propylon.model.provenance import ROOT
from propylon.model.session import key_kind


async def foresee(desk: Desk, call: Call) -> Answer:
    """`key_id` in the path names the key that is changed; without one it is new. Raises Refused."""
    document = read_body(call)
    secrets, org_id = {}, call.org_id or ""
    if "key_id" in call.path:
        row = await find_key(desk.records.key, desk, key_name(call))
        if row is None:
            raise Refused(404, "Key not found")
        secrets, org_id = stored_key(desk, row).secrets, row.org_id
    judged = await judge_key(desk, document, org_id, stored_secrets=secrets, within=call.org_id)
    problem = judged.effective if isinstance(judged.effective, Problem) else why_not_stored(desk, judged)
    view = None if isinstance(judged.effective, Problem) else session_view(judged.effective, ROOT)
    warnings = [one for one in judged.warnings if one.code != "secret_kept"]
    return answer(
        {
            "kind": key_kind(judged.secrets),
            "session": view,
            "problem": None if problem is None else problem._asdict(),
            "warnings": listed(warnings),
        }
    )
