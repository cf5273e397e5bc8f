"""Paste a token, choose an API, and see every step that would judge it (user-pains P6). Nothing of it is kept.

It travels in the body of a form and never in a URL, so that no history and no log has it.
"""

import json
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from propylon.control import explain
from propylon.control.envelope import Refused
from propylon.dashboard.asking import ask
from propylon.dashboard.visit import Visit

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class Choice(NamedTuple):
    api_id: str
    name: str
    auth_mode: str


async def show(visit: Visit) -> Response:
    """A link may say what is asked, all but the token."""
    query = visit.query
    asked = {"api_id": query.get("api_id", ""), "path": query.get("path", ""), "method": query.get("method", "GET")}
    return await _page(visit, 200, **asked)


async def check(visit: Visit) -> Response:
    answer = await checked(visit, visit.form.text("api_id"))
    return await _page(visit, 422 if answer["errors"] else 200, **answer)


async def checked(visit: Visit, api_id: str) -> dict[str, Any]:
    """What the form asked (its token is not in the answer), what is wrong with it by field, and the explanation."""
    form = visit.form
    method, path = form.text("method") or "GET", form.text("path")
    token = form.text("token")
    errors = {} if api_id else {"api_id": "Choose the API that the token is meant for."}
    if method not in METHODS:
        errors["method"] = f"Choose one of {', '.join(METHODS)}."
    if not token:
        errors["token"] = "Paste the token or key that the client sends."
    found = None
    if not errors:
        found = await _explained(visit, errors, api_id=api_id, method=method, url=path, token=_bare(token))
    return {"api_id": api_id, "method": method, "path": path, "errors": errors, "found": found}


async def _explained(visit: Visit, errors: dict[str, str], **question: str) -> Any:
    """What explain says; what it could not read goes to the field that it speaks of."""
    if not await _is_own(visit, question["api_id"]):
        errors["api_id"] = "There is no such API; choose another."
        return None
    body = {name: value for name, value in question.items() if value}
    try:
        return await ask(visit, explain.explain, body=body)
    except Refused as refused:
        named = {"url": "path", "path": "path", "method": "method", "api_id": "api_id", "host": "path"}
        problems = refused.members.get("problems", [])
        errors |= {named.get(one["path"], "token"): f"It {one['message']}." for one in problems}
        errors |= {} if problems else {"api_id": f"{refused.message}."}
        return None


async def _is_own(visit: Visit, api_id: str) -> bool:
    row = await visit.desk.records.api(api_id)
    return row is not None and row.org_id == visit.who.org_id


def _bare(token: str) -> str:
    """As people paste it: with the word before it, or with line breaks of a terminal."""
    return "".join(token.removeprefix("Authorization:").strip().removeprefix("Bearer ").split())


async def _page(visit: Visit, status: int = 200, **values: Any) -> Response:
    """The token is not shown again: it may have to be pasted twice, and is never in a page."""
    shown = {"method": "GET", "path": "", "errors": {}, "found": None, **values}
    return visit.page("token_checker.html", status, apis=await _choices(visit), methods=METHODS, **shown)


async def _choices(visit: Visit) -> list[Choice]:
    rows = [row for row in await visit.desk.records.apis() if row.org_id == visit.who.org_id]
    definitions = [(row, visit.desk.known_apis.definition(row)) for row in rows]
    choices = [
        Choice(row.id, str(json.loads(row.body).get("name") or row.id), "" if one is None else one.auth_mode)
        for row, one in definitions
    ]
    return sorted(choices, key=lambda choice: choice.name.lower())
