"""How a page asks a resource of the control plane: the same functions as the REST API's, bound to one organisation.

A page that changes something says so, and is not answered before the workers can know of it (design §3.2).
"""

import json
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers, QueryParams

from propylon.control.answering import Resource, answered
from propylon.control.call import Answer, Call
from propylon.control.envelope import Refused
from propylon.dashboard.visit import Visit

NOTHING: Mapping[str, str] = {}


async def ask(visit: Visit, resource: Resource, **asked: Any) -> Any:
    """The document it answers with; what is asked is as in `answer_of`."""
    return (await answer_of(visit, resource, **asked)).document


async def answer_of(
    visit: Visit,
    resource: Resource,
    *,
    path: Mapping[str, str] = NOTHING,
    query: Mapping[str, str] = NOTHING,
    body: object = None,
    if_match: str = "",
    writes: bool = False,
) -> Answer:
    """Raises Refused; an object of another organisation is as unknown as a missing one. `if_match` is an entity tag."""
    # The organisation stands in the query too, for resources that look things up in one.
    asked = QueryParams({"org_id": visit.who.org_id, **query})
    content = b"" if body is None else json.dumps(body).encode()
    headers = Headers({"If-Match": if_match} if if_match else {})
    call = Call(visit.caller.by, visit.who.org_id, dict(path), asked, headers, body=content)
    answer = await answered(visit.desk, resource, call, writes=writes, what=f"a page: {resource.__module__}")
    if isinstance(answer, Refused):
        raise answer
    return answer
