"""/tyk/explain: why a request would be refused, and why one was. What is told is `explainer.py` and `traces.py`."""

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, answer, listed, read_body
from propylon.control.explain_question import Question, read_question
from propylon.control.ownership import is_hidden
from propylon.control.traces import is_recent, story_of
from propylon.telemetry.traces import made_at
from propylon.usage.entries import EntryFilter, page_of_entries


async def explain(desk: Desk, call: Call) -> Answer:
    question = read_question(read_body(call))
    if not isinstance(question, Question):
        raise Refused(400, "Request malformed", problems=listed(question))
    is_unknown = bool(question.api_id) and await _is_hidden_api(desk, call, question.api_id)
    explanation = None if is_unknown else await desk.explainer.explain(question, within=call.org_id)
    if explanation is None:
        raise Refused(404, "API not found", code="api_unknown")
    return answer(explanation)


async def read_trace(desk: Desk, call: Call) -> Answer:
    """202 while it may still come: its worker hands its log over once a second."""
    trace = call.path["trace"]
    made = made_at(trace)
    if made is None:
        raise Refused(404, "This is no trace: it has 20 characters, as X-Propylon-Trace says it", code="trace_unknown")
    found = await page_of_entries(desk.records, EntryFilter(org_id=call.org_id, trace=trace), limit=1)
    if found:
        return answer(story_of(found[0].log))
    if is_recent(made, desk.clock.wall()):
        return answer({"status": "not_yet"}, 202)
    text = (
        "No refusal is logged with this trace: it is past usage_retention_days, beyond refusal_log_per_s, or not ours"
    )
    raise Refused(404, text, code="trace_unknown")


async def _is_hidden_api(desk: Desk, call: Call, api_id: str) -> bool:
    """For a bounded caller what is not there, too."""
    if call.org_id is None:
        return False
    row = await desk.records.api(api_id)
    return row is None or is_hidden(call, row.org_id)
