"""The map of the two JWT modes (user-pains, its first table and P15), with the APIs of this gateway in it."""

import json
from typing import NamedTuple

from starlette.responses import Response

from propylon.dashboard.visit import Visit


class JwtApi(NamedTuple):
    api_id: str
    name: str
    listen_path: str


async def show(visit: Visit) -> Response:
    by_mode: dict[str, list[JwtApi]] = {"central": [], "per_key": []}
    for row in await visit.desk.records.apis():
        definition = visit.desk.known_apis.definition(row)
        if row.org_id == visit.who.org_id and definition is not None and definition.jwt is not None:
            name = str(json.loads(row.body).get("name", row.id))
            by_mode[definition.jwt.mode].append(JwtApi(row.id, name, definition.listen_path))
    allows = visit.who.permissions.allows
    may_write = {area: allows("apis", "write") and allows(area, "write") for area in ("policies", "keys")}
    may_set_up = {"central": may_write["policies"], "per_key": may_write["keys"]}
    return visit.page("jwt_guide.html", central=by_mode["central"], per_key=by_mode["per_key"], may_set_up=may_set_up)
