"""`/hello` and `/ready` of the control process, for whoever orchestrates a node that has no workers to ask.

They need no secret, and say nothing that one should need: no names of APIs, keys or hosts.
"""

from collections.abc import Callable
from typing import Any, Final

from starlette.responses import Response

from propylon import __version__
from propylon.control.call import Answer
from propylon.control.desk import Desk
from propylon.control.rendering import error, rendered


def page(desk: Desk, path: str, method: str) -> Response | None:
    """None for a path that is no such page."""
    found = _PAGES.get(path)
    if found is None:
        return None
    if method not in ("GET", "HEAD"):
        return error(405, "Method Not Allowed", {"Allow": "GET, HEAD"})
    return found(desk)


def _hello(desk: Desk) -> Response:
    return rendered(Answer(200, {"status": "pass", "version": __version__, "description": "Propylon"}))


def _ready(desk: Desk) -> Response:
    """503 while no request of the Gateway API could be answered; without the meters reads are, and writes kept."""
    standing = desk.standing
    if standing.is_ending:
        return error(503, "Gateway is shutting down")
    if standing.records_away:
        return error(503, "The records are away")
    if standing.meters_away and desk.settings.ready_requires_stores:
        return error(503, "A store is away")
    status = "degraded" if standing.meters_away else "pass"
    details = {
        "role": desk.settings.role,
        "leads": standing.leads,
        "revision": standing.revision,
        "stores": "away" if standing.meters_away else "pass",
        "durability": [problem.message for problem in standing.durability],
    }
    if standing.leads and standing.sealed_with_other is not None:
        details["sealed_with_other_root_secret"] = standing.sealed_with_other
    return rendered(Answer(200, _document(status, details)))


def _document(status: str, details: dict[str, Any]) -> dict[str, Any]:
    return {"status": status, "version": __version__, "description": "Propylon ready", "details": details}


_PAGES: Final[dict[str, Callable[[Desk], Response]]] = {"/hello": _hello, "/ready": _ready}
