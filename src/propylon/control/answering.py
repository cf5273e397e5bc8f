"""A call carried out to its end: the same for the Gateway API, the dashboard's API and its pages.

No answer of a write leaves before the workers can know of the newest revision (design §3.2). What broke is logged here,
a bug with its traceback; the caller gets a `Refused` and tells it in its own form.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused
from propylon.errors import Failure, StoreUnavailable
from propylon.stores.records.writes import OwnedByFile

log = logging.getLogger("propylon.control")
Resource = Callable[[Desk, Call], Awaitable[Answer]]
NOT_ANNOUNCED: Final = "The change is stored, but the workers could not be told of it; repeat the request"


async def answered(desk: Desk, resource: Resource, call: Call, *, writes: bool, what: str) -> Answer | Refused:
    """`what` names the call in the log, and holds no key. Never raises, but when it is cancelled.

    Refusals of writes too, 404 and 409 among them, rest on what the records hold, and so must what the workers know.
    """
    answer = await _answer(desk, resource, call, what)
    if not writes:
        return answer
    try:
        await desk.announcer.announce()
    except StoreUnavailable as failure:
        log.warning("change not announced: %s", failure.detail)
        return Refused(503, NOT_ANNOUNCED, code="change_not_announced")
    return answer


async def _answer(desk: Desk, resource: Resource, call: Call, what: str) -> Answer | Refused:
    try:
        return await resource(desk, call)
    except Refused as refused:
        return refused
    except OwnedByFile as owned:
        return Refused(409, f"owned_by_file: {owned}", code="owned_by_file", path=owned.path)
    except Failure as failure:
        log.warning("%s %s: %s", failure.code, what, failure.detail)
        return Refused(failure.status, failure.message, code=failure.code)
    except Exception:
        log.exception("bug while answering %s", what)
        return Refused(500, "Internal error")
