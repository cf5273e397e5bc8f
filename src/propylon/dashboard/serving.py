"""The dashboard as the control process serves it: the real parts put together. Imported once workers may start."""

from typing import Final

from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp

from propylon.control.dashboard_api.routes import DashboardApi
from propylon.control.desk import Desk
from propylon.control.people_api.app import PeopleApi
from propylon.control.serving import ControlServer, hosted
from propylon.dashboard.app import Dashboard
from propylon.dashboard.own_files import open_own_files
from propylon.dashboard.safety import HEADERS, PRIVATE
from propylon.dashboard.signing_in import RecordedPeople

PEOPLE: Final = ("/api/users", "/api/usergroups", "/api/audit-logs", "/admin")


def server_of(desk: Desk) -> ControlServer:
    """The pages, the REST API under /api for who has an access key, and /admin for who knows `admin_secret`."""
    dashboard = Dashboard(desk, RecordedPeople(desk), open_own_files(), mounts_of(desk))
    return hosted(ServerErrorMiddleware(dashboard, handler=bug_page), desk)


async def bug_page(request: Request, bug: Exception) -> Response:
    """What somebody sees of a bug; the server logs it, as it is raised again."""
    text = "Something is wrong in Propylon itself; its log says what. Nothing of what you sent was half done.\n"
    return PlainTextResponse(text, 500, {**HEADERS, **PRIVATE})


def mounts_of(desk: Desk) -> dict[str, ASGIApp]:
    """By path, the longer before those that begin them."""
    people = PeopleApi(desk)
    return {**dict.fromkeys(PEOPLE, people), "/api": DashboardApi(desk)}
