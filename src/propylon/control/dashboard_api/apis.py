"""/api/apis: classic API definitions in the dashboard's wrapper (dashboard-api.md §3). Rules are the Gateway API's.

The database id of Tyk's dashboard is the `id` that a definition came with; both it and `api_id` name one.
"""

import json
from typing import Any, Final

from propylon.control import apis
from propylon.control.call import Answer, Call
from propylon.control.dashboard_api.forms import document_of, done
from propylon.control.dashboard_api.paging import page_asked
from propylon.control.desk import Desk
from propylon.control.envelope import Refused, read_body
from propylon.model.api_definition import unwrap

SORTS: Final = ("name", "-name", "api_id", "-api_id")
VERSIONING: Final = ("base_api_id", "new_version_name", "set_default")
Document = dict[str, Any]


async def read_all(desk: Desk, call: Call) -> Answer:
    page, found = page_asked(desk, call), await _sorted(desk, call)
    entries = [wrapped(definition) for definition in page.of(found)]
    return Answer(200, {"apis": entries, "pages": page.pages(len(found))})


async def read(desk: Desk, call: Call) -> Answer:
    answer = await apis.read(desk, await _by_api_id(desk, call))
    return Answer(200, wrapped(document_of(answer)), answer.headers)


async def add(desk: Desk, call: Call) -> Answer:
    if unknown := [name for name in VERSIONING if call.query.get(name)]:
        raise Refused(400, f"{unknown[0]} is not in this version: give a definition of its own", code="not_supported")
    answer = await apis.add(desk, call)
    told = document_of(answer)
    return done("API created", told["key"], headers=answer.headers, ID=told["key"], warnings=told["warnings"])


async def change(desk: Desk, call: Call) -> Answer:
    """A body without `api_id` is of the API in the path."""
    call = await _by_api_id(desk, call)
    definition = dict(unwrap(read_body(call)))
    if not definition.get("api_id"):
        definition["api_id"] = call.path["api_id"]
    answer = await apis.change(desk, call._replace(body=json.dumps(definition).encode()))
    told = document_of(answer)
    return done("API updated", told["key"], headers=answer.headers, warnings=told["warnings"])


async def remove(desk: Desk, call: Call) -> Answer:
    told = document_of(await apis.remove(desk, await _by_api_id(desk, call)))
    return done("API deleted", told["key"])


def wrapped(definition: Document) -> Document:
    return {"api_definition": definition, "hook_references": [], "is_site": False, "sort_by": 0}


async def _sorted(desk: Desk, call: Call) -> list[Document]:
    """`q`: a part of name, id or listen path, whatever the case."""
    wanted, order = call.query.get("q", "").lower(), call.query.get("sort") or "name"
    if order not in SORTS:
        raise Refused(400, f"sort must be one of {', '.join(SORTS)}", code="sort_unknown")
    field = order.removeprefix("-")
    found = [one for one in await _all(desk, call) if wanted in _searched(one)]
    found.sort(key=lambda one: (str(one.get(field, "")).lower(), one["api_id"]), reverse=order.startswith("-"))
    return found


def _searched(definition: Document) -> str:
    proxy = definition.get("proxy") or {}
    return "\n".join([str(definition.get("name", "")), definition["api_id"], str(proxy.get("listen_path", ""))]).lower()


async def _all(desk: Desk, call: Call) -> list[Document]:
    found = (await apis.read_all(desk, call)).document
    assert isinstance(found, list)
    return found


async def _by_api_id(desk: Desk, call: Call) -> Call:
    """With the API ID in the path, where the database id was."""
    name = call.path["api_id"]
    if await desk.records.api(name) is not None:
        return call
    named = [one["api_id"] for one in await _all(desk, call) if name and one.get("id") == name]
    return call._replace(path={**call.path, "api_id": named[0]}) if named else call
