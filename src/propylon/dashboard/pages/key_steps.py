"""Single steps in a key's life, each asked for on a page of its own, from suspending to deleting it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from propylon.control import effective, key_actions, key_rotate, keys
from propylon.control.answering import Resource
from propylon.control.envelope import Refused
from propylon.dashboard.asking import ask
from propylon.dashboard.key_life import LIVES, ON_DATE, end_of_life
from propylon.dashboard.visit import Visit
from propylon.dashboard.warned import said_later


class Step(NamedTuple):
    resource: Resource
    title: str  # of the page that asks; {name} is the key's
    text: str
    verb: str
    done: str  # of visit.DONE
    kind: str = "primary"


STEPS: Final[Mapping[str, Step]] = {
    "suspend": Step(
        key_actions.suspend,
        "Suspend {name}?",
        "The next request with it is refused, and streams that are open end. Nothing of it is lost; resume undoes it.",
        "Suspend",
        "key_suspended",
        "danger",
    ),
    "resume": Step(key_actions.resume, "Resume {name}?", "Its requests are let in again.", "Resume", "key_resumed"),
    "renew": Step(
        key_actions.renew,
        "Renew {name}?",
        "It gets a fresh life, as long as its policies say or as its last one was, and its counters begin anew.",
        "Renew",
        "key_renewed",
    ),
    "extend": Step(
        key_actions.extend, "When shall {name} end?", "Its counters go on counting.", "Set the end", "key_extended"
    ),
    "reset-quota": Step(
        key_actions.reset_quota,
        "Reset the counters of {name}?",
        "Quota and rates begin anew, as if it had made no request yet.",
        "Reset",
        "quota_reset",
    ),
    "retire": Step(
        key_rotate.retire,
        "Retire generation {generation} of {name}?",
        "Whoever still uses it is refused from the next request on. This cannot be undone.",
        "Retire",
        "generation_retired",
        "danger",
    ),
    "delete": Step(
        keys.remove,
        "Delete {name}?",
        "The next request with it is refused. Its traffic stays in the history, under its hash; a key that is made "
        "again under the same ID is another key. This cannot be undone.",
        "Delete",
        "key_deleted",
        "danger",
    ),
}


async def show(visit: Visit) -> Response:
    step, summary = await _asked(visit)
    return _page(visit, step, summary, {})


async def do(visit: Visit) -> Response:
    step, summary = await _asked(visit)
    body: dict[str, Any] | None = None
    if step.resource is key_actions.extend:
        end = end_of_life(visit.form.text("life"), visit.form.text("expires_date"), visit.now)
        if isinstance(end, str):
            return _page(visit, step, summary, {"expires_date": end}, 422)
        body = {"expires": end}
    path = {"key_id": summary["key_hash"], "generation": visit.path.get("generation", "")}
    try:
        told = await ask(visit, step.resource, path=path, body=body, writes=True)
    except Refused as refused:
        if refused.status == 404:
            raise
        field = "life" if body else ""
        return _page(visit, step, summary, {field: f"{refused.message}."}, 422)
    place = "/keys" if step.done == "key_deleted" else f"/keys/{summary['key_hash']}"
    return visit.to(place, done=step.done, **said_later(told["warnings"]))


async def _asked(visit: Visit) -> tuple[Step, dict[str, Any]]:
    step = STEPS.get(visit.path["step"])
    if step is None or (step.done == "generation_retired") is not ("generation" in visit.path):
        raise Refused(404, "A key has no such step")
    return step, await ask(visit, effective.read, path={"key_id": visit.path["key_hash"]})


def _page(visit: Visit, step: Step, summary: dict[str, Any], errors: dict[str, str], status: int = 200) -> Response:
    name = summary["alias"] or "this key"
    title = step.title.format(name=name, generation=visit.path.get("generation", ""))
    return visit.page(
        "key_step.html",
        status,
        step=step,
        title=title,
        action=visit.request.scope["path"],
        back=f"/keys/{summary['key_hash']}",
        summary=summary,
        errors=errors,
        lives=[*LIVES, ON_DATE] if step.done == "key_extended" else [],
        form=visit.form,
    )
