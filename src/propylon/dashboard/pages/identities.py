"""Sessions made by tokens: the subjects seen on APIs whose tokens an identity provider signs (user-pains P15).

Nobody makes them: each is here since its first request. What can be done is to suspend one, and to resume it.
"""

from typing import Final

from starlette.responses import Response

from propylon.control import identities
from propylon.control.envelope import Refused
from propylon.dashboard.asking import ask
from propylon.dashboard.pages.keys import record_of
from propylon.dashboard.visit import Visit

PAGE: Final = 25
STATES: Final = (("active", "Active"), ("suspended", "Suspended"))
STEPS: Final = {"suspend": identities.suspend, "resume": identities.resume}


async def show(visit: Visit) -> Response:
    """`?state=`, `?issuer=` and `?subject=` narrow it; `?after=` goes on, as the page before says."""
    chosen = {name: visit.query.get(name, "").strip() for name in ("state", "issuer", "subject")}
    if chosen["state"] not in ("", *dict(STATES)):
        raise Refused(400, f"state: choose one of {', '.join(dict(STATES))}")
    after = record_of(visit.query.get("after", "0"))
    query = {**{name: value for name, value in chosen.items() if value}, "after": str(after), "limit": str(PAGE)}
    found = await ask(visit, identities.read_all, query=query)
    return visit.page(
        "identities.html",
        identities=found["identities"],
        next_after=found.get("next"),
        after=after,
        chosen=chosen,
        states=STATES,
        may_write=visit.who.permissions.allows("keys", "write"),
    )


async def ask_first(visit: Visit) -> Response:
    step = _step(visit)
    one = await ask(visit, identities.read, path={"record": visit.path["record"]})
    return visit.page("identity_step.html", one=one, step=step)


async def change(visit: Visit) -> Response:
    step = _step(visit)
    await ask(visit, STEPS[step], path={"record": visit.path["record"]}, writes=True)
    done = "identity_suspended" if step == "suspend" else "identity_resumed"
    return visit.to(f"/identities/{visit.path['record']}", done=done)


def _step(visit: Visit) -> str:
    if visit.path["step"] not in STEPS:
        raise Refused(404, "An identity has no such step")
    return visit.path["step"]
