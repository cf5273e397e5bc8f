"""The dashboard's REST API as an ASGI application: who is there, whether they may, a call, and its answer as bytes.

Its routes are `entries.py`, its description `description.py`. What holds for every call is `answering.py`.
"""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from propylon.control.actors import client_ip
from propylon.control.answering import answered
from propylon.control.call import Answer, Call
from propylon.control.dashboard_api.description import OPENAPI, described
from propylon.control.dashboard_api.entries import ENTRIES
from propylon.control.dashboard_api.entry import Area, Entry, Level
from propylon.control.dashboard_api.forms import told
from propylon.control.desk import Desk
from propylon.control.envelope import Refused
from propylon.control.rendering import NO_TELEMETRY, body_of, rendered
from propylon.stores.records.writes import Actor

BODIED: Final = frozenset({"POST", "PUT"})
USER: Final = "user"
NOBODY: Final = Actor(USER)  # until it is known who is there


class Rights(Protocol):
    """What somebody may do, as `Permissions` says it."""

    def allows(self, area: Area, level: Level) -> bool: ...


class Caller(Protocol):
    """Who an access key is of, as `SignedIn` says it."""

    @property
    def user_id(self) -> str: ...

    @property
    def org_id(self) -> str: ...

    @property
    def email(self) -> str: ...

    @property
    def permissions(self) -> Rights: ...


ByAccessKey = Callable[[Desk, str], Awaitable[Caller | None]]


def routes(desk: Desk, by_access_key: ByAccessKey) -> ASGIApp:
    """Matches whole paths, `/api/…`, wherever it is mounted; a slash at the end makes no difference."""
    app = FastAPI(openapi_url=None, redirect_slashes=False, telemetry=NO_TELEMETRY)
    for entry in ENTRIES:
        app.add_api_route(entry.path, _endpoint(desk, by_access_key, entry), methods=[entry.method])
    app.add_api_route(OPENAPI, _description, methods=["GET"])
    app.add_exception_handler(HTTPException, _unrouted)

    async def whole(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "root_path": "", "path": scope["path"].rstrip("/")}, receive, send)

    return whole


def _endpoint(desk: Desk, by_access_key: ByAccessKey, entry: Entry) -> Callable[[Request], Awaitable[Response]]:
    writes = entry.level == "write"

    async def endpoint(request: Request) -> Response:
        async def resource(desk: Desk, call: Call) -> Answer:
            """With who is there found out within, so that a store that is away is answered as everywhere."""
            caller = await _caller(desk, by_access_key, entry, request)
            by = Actor(USER, caller.user_id, client_ip(request.scope), caller.email)
            body = await body_of(request) if request.method in BODIED else b""
            return await entry.resource(desk, call._replace(by=by, org_id=caller.org_id, body=body))

        call = Call(NOBODY, "", request.path_params, request.query_params, request.headers)
        answer = await answered(desk, resource, call, writes=writes, what=f"{entry.method} {entry.path}")
        return rendered(told(answer, entry.texts) if isinstance(answer, Refused) else answer)

    return endpoint


async def _caller(desk: Desk, by_access_key: ByAccessKey, entry: Entry, request: Request) -> Caller:
    caller = await by_access_key(desk, _access_key(request))
    if caller is None:
        raise Refused(401, "Not authorised", {"WWW-Authenticate": "Bearer"})
    if not caller.permissions.allows(entry.area, entry.level):
        text = f"access denied: You do not have permission to access  {request.scope['path']}"
        raise Refused(403, text, code="access_denied", needs={entry.area: entry.level})
    return caller


def _access_key(request: Request) -> str:
    """As it is, or as a bearer token; clients do both."""
    sent = request.headers.get("Authorization", "").strip()
    scheme, _, rest = sent.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else sent


async def _description(request: Request) -> Response:
    return rendered(Answer(200, described()))


async def _unrouted(request: Request, unrouted: Exception) -> Response:
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
