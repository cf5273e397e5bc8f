"""What `/api` and `/admin` answer where there is no route: another path, or another method of one."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from propylon.control.dashboard_api.forms import told
from propylon.control.envelope import Refused
from propylon.control.rendering import rendered


async def unrouted(request: Request, unrouted: Exception) -> Response:
    assert isinstance(unrouted, HTTPException)
    if unrouted.status_code == 405:
        allowed = {"Allow": ", ".join(_methods(request))}
        return rendered(told(Refused(405, "Method not supported", allowed)))
    return rendered(told(Refused(404, "There is nothing at this path", code="path_unknown")))


def _methods(request: Request) -> list[str]:
    """Of every route of this path (RFC 9110 §15.5.6)."""
    found = [route for route in request.app.routes if isinstance(route, Route)]
    matching = [route for route in found if route.path_regex.match(request.scope["path"])]
    return sorted({method for route in matching for method in route.methods or ()})
