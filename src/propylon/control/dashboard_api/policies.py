"""/api/portal/policies: policies in the dashboard's form (dashboard-api.md §4). Rules are the Gateway API's.

A policy is named by `id`, or by the `_id` it came with; `access_rights_array` lists what `access_rights` holds, and
`state` says what the two switches say.
"""

import json
from secrets import token_hex
from typing import Any, Final

from propylon.control import policies
from propylon.control.call import Answer, Call
from propylon.control.dashboard_api.forms import document_of, done
from propylon.control.dashboard_api.paging import page_asked
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, listed, read_body
from propylon.errors import Problem

STATES: Final = ("active", "draft", "deny")
Document = dict[str, Any]


async def read_all(desk: Desk, call: Call) -> Answer:
    """`q`: a part of name or id; `active` and `state` narrow it further."""
    page, found = page_asked(desk, call), [shown(one) for one in await _all(desk, call)]
    query = call.query
    wanted, state, active = query.get("q", "").lower(), query.get("state"), query.get("active")
    found = [one for one in found if wanted in f"{one.get('name', '')}\n{one['id']}".lower()]
    found = [one for one in found if state in (None, "", one["state"])]
    found = [one for one in found if active in (None, "") or (active.lower() in ("1", "true")) == one["active"]]
    return Answer(200, {"Data": page.of(found), "Pages": page.pages(len(found))})


async def read(desk: Desk, call: Call) -> Answer:
    answer = await policies.read(desk, await _by_id(desk, call))
    return Answer(200, shown(document_of(answer)), answer.headers)


async def add(desk: Desk, call: Call) -> Answer:
    """The new id is in `Message`, as Tyk's clients read it there, and in `Meta`; one that is given is kept."""
    document = _stored_form(read_body(call, "Request body malformed."))
    document["id"] = document["id"] or token_hex(12)
    answer = await policies.add(desk, _with(call, document))
    told = document_of(answer)
    return done(told["key"], told["key"], headers=answer.headers, warnings=told["warnings"])


async def change(desk: Desk, call: Call) -> Answer:
    """Of one that is there: the Gateway API would make one that is not."""
    call = await _by_id(desk, call)
    await policies.read(desk, call)
    document = _stored_form(read_body(call, "Request body malformed."))
    if document["id"] in ("", document.get("_id")):  # named by that alone
        document["id"] = call.path["policy_id"]
    answer = await policies.change(desk, _with(call, document))
    told = document_of(answer)
    return done("Data updated", told["key"], headers=answer.headers, warnings=told["warnings"])


async def remove(desk: Desk, call: Call) -> Answer:
    told = document_of(await policies.remove(desk, await _by_id(desk, call)))
    return done("Data deleted", told["key"])


def shown(policy: Document) -> Document:
    rights = policy.get("access_rights") or {}
    state = "deny" if policy.get("is_inactive") else "active" if policy.get("active", True) else "draft"
    listed_rights = [{"api_id": api_id, **right} for api_id, right in rights.items()]
    return {**policy, "_id": policy.get("_id") or policy["id"], "access_rights_array": listed_rights, "state": state}


def _stored_form(document: Document) -> Document:
    """Raises Refused where what says the same thing twice says two things."""
    found = dict(document)
    rights, state = found.pop("access_rights_array", None), found.pop("state", None)
    found["id"] = found.get("id") or found.get("_id") or ""
    if rights and not found.get("access_rights"):
        found["access_rights"] = _by_api(rights)
    return found if state in (None, "") else _with_state(found, state)


def _by_api(rights: object) -> Document:
    if not isinstance(rights, list) or not all(isinstance(one, dict) and one.get("api_id") for one in rights):
        raise _refused("access_rights_array", "wrong_type", "must be a list of access rights, each with its api_id")
    return {str(one["api_id"]): one for one in rights}


def _with_state(found: Document, state: object) -> Document:
    if state not in STATES:
        raise _refused("state", "state_unknown", f"must be one of {', '.join(STATES)}")
    implied = {"is_inactive": state == "deny"} | ({"active": state == "active"} if state != "deny" else {})
    for name, value in implied.items():
        if found.setdefault(name, value) is not value:
            text = f'is "{state}", which says {name}: {json.dumps(value)}; change both, or leave one out'
            raise _refused("state", "state_differs", text)
    return found


def _refused(path: str, code: str, message: str) -> Refused:
    return Refused(400, f"{path} {message}", problems=listed([Problem(path, code, message)]))


def _with(call: Call, document: Document) -> Call:
    return call._replace(body=json.dumps(document).encode())


async def _by_id(desk: Desk, call: Call) -> Call:
    """With the id in the path, where it was `_id`."""
    name, found = call.path["policy_id"], await _all(desk, call)
    if any(one["id"] == name for one in found):
        return call
    named = [one["id"] for one in found if one.get("_id") == name]
    return call._replace(path={**call.path, "policy_id": named[0]}) if named else call


async def _all(desk: Desk, call: Call) -> list[Document]:
    found = (await policies.read_all(desk, call)).document
    assert isinstance(found, list)
    return found
