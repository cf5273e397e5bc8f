"""The APIs: what is served where, for whom, and what each one lacks."""

import json
from typing import Final, NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response

from propylon.control.envelope import Refused
from propylon.dashboard.access_words import AUTHS, auth_of
from propylon.dashboard.definitions import may_write
from propylon.dashboard.visit import Visit
from propylon.model.api_definition import ApiDefinition
from propylon.model.field_classes import judge
from propylon.stores.ports import DefinitionRow
from propylon.stores.records.writes import API

PAGE: Final = 25
STATES: Final = {"active": "Active", "inactive": "Inactive"}
SORTS: Final = {"name": "Name", "listen_path": "Listen path"}


class Shown(NamedTuple):
    """An API as the list shows it."""

    api_id: str
    name: str
    listen_path: str
    target: str
    auth: str  # of AUTHS, "" when it cannot be read
    is_active: bool
    guards: list[str]  # fields for which it answers 503
    is_of_file: bool


class Wanted(NamedTuple):
    q: str
    auth: str
    state: str
    sort: str
    page: int

    def address(self, page: int) -> str:
        chosen = {name: value for name, value in self._replace(page=0)._asdict().items() if value}
        return f"/apis?{urlencode({**chosen, 'page': page})}"


async def show(visit: Visit) -> Response:
    wanted = _wanted(visit)
    rows = [row for row in await visit.desk.records.apis() if row.org_id == visit.who.org_id]
    known = [(row, visit.desk.known_apis.definition(row)) for row in rows]
    found = [(row, one) for row, one in known if _is_wanted(row, one, wanted)]
    found.sort(key=lambda pair: _order(pair[0], pair[1], wanted.sort))
    first = (wanted.page - 1) * PAGE
    shown = [_shown(row, one) for row, one in found[first : first + PAGE]]
    return visit.page(
        "apis.html",
        apis=shown,
        wanted=wanted,
        found=len(found),
        total=len(rows),
        back=wanted.address(wanted.page - 1) if wanted.page > 1 else "",
        forward=wanted.address(wanted.page + 1) if first + PAGE < len(found) else "",
        auths=AUTHS,
        states=STATES,
        sorts=SORTS,
        may_write=may_write(visit, "apis"),
    )


def _wanted(visit: Visit) -> Wanted:
    query = visit.query
    page = query.get("page", "1")
    if not (page.isascii() and page.isdigit() and 0 < int(page[:9]) < 10**8):
        raise Refused(400, "page must be a whole number: follow the links below the list")
    chosen = {"auth": (*AUTHS, ""), "state": (*STATES, ""), "sort": (*SORTS, "")}
    for name, words in chosen.items():
        if query.get(name, "") not in words:
            raise Refused(400, f"{name}: choose one of {', '.join(word for word in words if word)}")
    return Wanted(
        query.get("q", "").strip(), query.get("auth", ""), query.get("state", ""), query.get("sort", ""), int(page)
    )


def _is_wanted(row: DefinitionRow, one: ApiDefinition | None, wanted: Wanted) -> bool:
    if one is None:
        return not (wanted.auth or wanted.state) and wanted.q.lower() in row.id.lower()
    text = f"{one.name}\n{one.listen_path}\n{row.id}".lower()
    is_state = wanted.state in ("", "active" if one.active else "inactive")
    return is_state and wanted.auth in ("", auth_of(one)) and wanted.q.lower() in text


def _order(row: DefinitionRow, one: ApiDefinition | None, sort: str) -> tuple[str, str]:
    if one is None:
        return "", row.id
    return (one.listen_path if sort == "listen_path" else (one.name or row.id)).lower(), row.id


def _shown(row: DefinitionRow, one: ApiDefinition | None) -> Shown:
    """One that no longer reads is shown as stored, so that it can be mended."""
    document, is_of_file = json.loads(row.body), row.origin != API
    guards = [guard.path for guard in judge(document, strict=False).guards]
    if one is None:
        return Shown(row.id, str(document.get("name") or row.id), "", "", "", False, guards, is_of_file)
    target = document.get("proxy", {}).get("target_url", "")
    return Shown(row.id, one.name or row.id, one.listen_path, target, auth_of(one), one.active, guards, is_of_file)
