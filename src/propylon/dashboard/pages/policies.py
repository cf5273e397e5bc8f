"""The policies: what keys and tokens may be given by name."""

import json
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response

from propylon.control.envelope import Refused
from propylon.dashboard.definitions import may_write
from propylon.dashboard.names import api_names
from propylon.dashboard.policy_form import state_of
from propylon.dashboard.visit import Visit
from propylon.stores.ports import DefinitionRow
from propylon.stores.records.writes import API

PAGE: Final = 25
APIS_SHOWN: Final = 4  # of one policy; the rest are counted
STATES: Final = {"active": "Active", "draft": "Draft", "denied": "Access denied"}


class Shown(NamedTuple):
    """A policy as the list shows it."""

    id: str
    name: str
    state: str
    apis: list[str]  # names
    more_apis: int
    rate: float
    per: float
    quota_max: float
    is_of_file: bool


class Wanted(NamedTuple):
    q: str
    api: str
    state: str
    page: int

    def address(self, page: int) -> str:
        chosen = {name: value for name, value in self._replace(page=0)._asdict().items() if value}
        return f"/policies?{urlencode({**chosen, 'page': page})}"


async def show(visit: Visit) -> Response:
    wanted, names = _wanted(visit), await api_names(visit)
    rows = [row for row in await visit.desk.records.policies() if row.org_id == visit.who.org_id]
    read = [(row, json.loads(row.body)) for row in rows]
    found = [(row, document) for row, document in read if _is_wanted(document, wanted)]
    found.sort(key=lambda pair: (str(pair[1].get("name") or "").lower(), pair[0].id))
    first = (wanted.page - 1) * PAGE
    return visit.page(
        "policies.html",
        policies=[_shown(row, document, names) for row, document in found[first : first + PAGE]],
        wanted=wanted,
        found=len(found),
        total=len(rows),
        back=wanted.address(wanted.page - 1) if wanted.page > 1 else "",
        forward=wanted.address(wanted.page + 1) if first + PAGE < len(found) else "",
        names=names,
        states=STATES,
        may_write=may_write(visit, "policies"),
    )


def _wanted(visit: Visit) -> Wanted:
    query = visit.query
    page, state = query.get("page", "1"), query.get("state", "")
    if not (page.isascii() and page.isdigit() and 0 < int(page[:9]) < 10**8):
        raise Refused(400, "page must be a whole number: follow the links below the list")
    if state not in (*STATES, ""):
        raise Refused(400, f"state: choose one of {', '.join(STATES)}")
    return Wanted(query.get("q", "").strip(), query.get("api", ""), state, int(page))


def _is_wanted(document: dict[str, Any], wanted: Wanted) -> bool:
    text = f"{document.get('name', '')}\n{document.get('id', '')}".lower()
    is_of_api = not wanted.api or wanted.api in (document.get("access_rights") or {})
    return is_of_api and wanted.state in ("", state_of(document)) and wanted.q.lower() in text


def _shown(row: DefinitionRow, document: dict[str, Any], names: dict[str, str]) -> Shown:
    apis = [names.get(api_id, api_id) for api_id in document.get("access_rights") or {}]
    rate, per, quota = (document.get(name) or 0 for name in ("rate", "per", "quota_max"))
    name, more = str(document.get("name") or row.id), max(0, len(apis) - APIS_SHOWN)
    return Shown(row.id, name, state_of(document), apis[:APIS_SHOWN], more, rate, per, quota, row.origin != API)
