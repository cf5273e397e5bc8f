"""The dashboard's REST API as an ASGI application: who is there, whether they may, a call, and its answer as bytes.

Its routes are `entries.py`; `openapi/document.py` describes them. What holds for every call is `answering.py`.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from propylon.control.actors import client_ip
from propylon.control.answering import answered
from propylon.control.call import Answer, Call
from propylon.control.dashboard_api.entries import ENTRIES
from propylon.control.dashboard_api.entry import Entry
from propylon.control.dashboard_api.forms import told
from propylon.control.dashboard_api.unrouted import unrouted
from propylon.control.desk import Desk
from propylon.control.envelope import Refused
from propylon.control.openapi.document import OPENAPI, described
from propylon.control.people.access_keys import who_sent
from propylon.control.people.caller import caller_of
from propylon.control.rendering import NO_TELEMETRY, body_of, rendered
from propylon.stores.records.writes import Actor

BODIED: Final = frozenset({"POST", "PUT"})
NOBODY: Final = Actor("unknown")  # until it is known who is there


class DashboardApi:
    """One per control process. Matches whole paths, `/api/…`, wherever it is mounted, with or without a final slash."""

    def __init__(self, desk: Desk) -> None:
        self.router = FastAPI(openapi_url=None, redirect_slashes=False, telemetry=NO_TELEMETRY)
        for entry in ENTRIES:
            self.router.add_api_route(entry.path, _endpoint(desk, entry), methods=[entry.method])
        self.router.add_api_route(OPENAPI, _description(desk), methods=["GET"])
        self.router.add_exception_handler(HTTPException, unrouted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.router({**scope, "root_path": "", "path": scope["path"].rstrip("/")}, receive, send)


def _endpoint(desk: Desk, entry: Entry) -> Callable[[Request], Awaitable[Response]]:
    writes = entry.level == "write"

    async def endpoint(request: Request) -> Response:
        async def resource(desk: Desk, call: Call) -> Answer:
            """With who is there found out within, so that a store that is away is answered as everywhere."""
            who = await who_sent(desk, request.headers, client_ip(request.scope))
            if not who.permissions.allows(entry.area, entry.level):
                text = f"access denied: You do not have permission to access  {request.scope['path']}"
                raise Refused(403, text, code="permission_denied", area=entry.area, level=entry.level)
            caller = caller_of(who, client_ip(request.scope))
            body = await body_of(request) if request.method in BODIED else b""
            return await entry.resource(desk, call._replace(by=caller.by, org_id=caller.org_id, body=body))

        call = Call(NOBODY, "", request.path_params, request.query_params, request.headers)
        answer = await answered(desk, resource, call, writes=writes, what=f"{entry.method} {entry.path}")
        return rendered(told(answer, entry.texts) if isinstance(answer, Refused) else answer)

    return endpoint


def _description(desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    document = described(with_admin=bool(desk.settings.admin_secret.get_secret_value()))

    async def description(request: Request) -> Response:
        return rendered(Answer(200, document))

    return description
