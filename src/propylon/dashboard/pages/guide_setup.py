"""Set up on request: an API of one JWT mode, what its first token needs, and the request that answers 200 (P15)."""

import json
from shlex import quote
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from propylon.control import guide_setup
from propylon.control.envelope import Refused
from propylon.dashboard.asking import ask
from propylon.dashboard.definitions import pretty
from propylon.dashboard.gateway_address import gateway_url
from propylon.dashboard.visit import Visit
from propylon.model.permissions import Area


class Mode(NamedTuple):
    mode: str  # as the control plane has it
    title: str
    makes: str
    area: Area  # whose right to write is needed beside that of APIs
    name: str  # suggested
    listen_path: str


MODES: Final = {
    "central": Mode(
        "central",
        "Your identity provider signs",
        "It makes an API with one key for all tokens, and a policy that the sample token names.",
        "policies",
        "Orders (identity provider)",
        "/orders-idp/",
    ),
    "per-key": Mode(
        "per_key",
        "Each client signs with its own key",
        "It makes an API without a key of its own, and a first client's JWT signing key.",
        "keys",
        "Orders (key per client)",
        "/orders-clients/",
    ),
}
FIELDS: Final = ("name", "listen_path", "target_url")
PLACES: Final = {
    "name": "name",
    "proxy.listen_path": "listen_path",
    "listen_path": "listen_path",
    "proxy.target_url": "target_url",
    "target_url": "target_url",
}


async def show(visit: Visit) -> Response:
    mode = _mode(visit)
    values = {"name": mode.name, "listen_path": mode.listen_path, "target_url": await _known_target(visit)}
    return visit.page("guide_setup.html", mode=mode, values=values, errors={}, made=None)


async def set_up(visit: Visit) -> Response:
    """Answers at once and sends nobody elsewhere: the secret is told this one time."""
    mode = _mode(visit)
    values = {name: visit.form.text(name) for name in FIELDS}
    try:
        made = await ask(visit, guide_setup.set_up, body={"mode": mode.mode, **values}, writes=True)
    except Refused as refused:
        return visit.page("guide_setup.html", 422, mode=mode, values=values, errors=_errors(refused), made=None)
    shown = {"header": pretty(made["header"]), "claims": pretty(made["claims"]), "curl": _curl(visit, made)}
    return visit.page("guide_setup.html", mode=mode, values=values, errors={}, made={"policy_id": "", **made, **shown})


def _mode(visit: Visit) -> Mode:
    mode = MODES.get(visit.path["mode"])
    if mode is None:
        raise Refused(404, "There are two modes: central and per-key")
    if not visit.who.permissions.allows(mode.area, "write"):
        raise Refused(403, f"It needs the right to write {mode.area} too. An administrator can give it to you")
    return mode


def _errors(refused: Refused) -> dict[str, str]:
    problems = refused.members.get("problems", [])
    errors = {PLACES.get(one["path"], "name"): f"It {one['message']}." for one in problems}
    return errors or {"name": f"{refused.message}."}


async def _known_target(visit: Visit) -> str:
    """An upstream that is in use already, so that the first request meets one that answers."""
    rows = [row for row in await visit.desk.records.apis() if row.org_id == visit.who.org_id]
    targets = (json.loads(row.body).get("proxy", {}).get("target_url", "") for row in rows)
    return next((target for target in targets if isinstance(target, str) and target), "")


def _curl(visit: Visit, made: dict[str, Any]) -> str:
    url = gateway_url(visit.desk.settings, visit.request.url.hostname or "127.0.0.1") + made["listen_path"]
    return f"curl -i {quote(url)} \\\n  -H {quote('Authorization: Bearer ' + made['token'])}"
