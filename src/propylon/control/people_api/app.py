"""The application of `routes.py`: who is there, then the route, then an answer in the envelope of Tyk's dashboard.

What holds for every call is `answering.py`; imports change what workers serve.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from propylon.control.access import Access
from propylon.control.actors import client_ip
from propylon.control.answering import answered
from propylon.control.call import Answer, Call
from propylon.control.dashboard_api.forms import told
from propylon.control.dashboard_api.unrouted import unrouted
from propylon.control.desk import Desk
from propylon.control.envelope import Refused
from propylon.control.people.access_keys import NOT_AUTHORISED, who_sent
from propylon.control.people.caller import Caller, caller_of, super_admin
from propylon.control.people_api.routes import ADMIN_ROUTES, API_ROUTES, PeopleResource
from propylon.control.rendering import NO_TELEMETRY, body_of, rendered
from propylon.stores.records.audit import Entry
from propylon.stores.records.writes import Actor

ADMIN_AUTH: Final = "admin-auth"
NOBODY: Final = Actor("unknown")  # until it is known who is there
_Who = Callable[[Request], Awaitable[Caller]]


class PeopleApi:
    """One per control process; for the paths of `routes.py`, with or without a final slash."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._admin_secret = desk.settings.admin_secret.get_secret_value()
        attempts = desk.settings.control_attempts_per_minute
        self._admin_access = Access(self._admin_secret, attempts, desk.clock, header=ADMIN_AUTH)
        self.router = FastAPI(openapi_url=None, redirect_slashes=False, telemetry=NO_TELEMETRY)
        for route in API_ROUTES:
            endpoint = self._endpoint(route.resource, self._user)
            self.router.add_api_route(route.path, endpoint, methods=[route.method])
        for method, path, resource in ADMIN_ROUTES:
            self.router.add_api_route(path, self._endpoint(resource, self._administration), methods=[method])
        self.router.add_exception_handler(HTTPException, unrouted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/admin") and not self._admin_secret:
            await rendered(told(Refused(404, "Not found", code="path_unknown")))(scope, receive, send)
            return
        await self.router({**scope, "path": scope["path"].rstrip("/")}, receive, send)

    def _endpoint(self, resource: PeopleResource, who: _Who) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            async def asked(desk: Desk, call: Call) -> Answer:
                """With who is there found out within, so that a store that is away is answered as everywhere."""
                caller = await who(request)
                path = {name: str(value) for name, value in call.path.items()}
                of_caller = call._replace(by=caller.by, org_id=caller.org_id, path=path, body=await body_of(request))
                return await resource(desk, caller, of_caller)

            call = Call(NOBODY, "", request.path_params, request.query_params, request.headers)
            what = f"{request.method} {'/'.join(request.scope['path'].split('/', 3)[:3])}"
            answer = await answered(self._desk, asked, call, writes=request.method != "GET", what=what)
            return _refusal(answer, request) if isinstance(answer, Refused) else rendered(answer)

        return endpoint

    async def _user(self, request: Request) -> Caller:
        address = client_ip(request.scope)
        return caller_of(await who_sent(self._desk, request.headers, address), address)

    async def _administration(self, request: Request) -> Caller:
        secrets = [value for name, value in request.headers.raw if name == ADMIN_AUTH.encode()]
        by = Actor("admin_api", address=client_ip(request.scope))
        refusal = self._admin_access.refusal(secrets, by.address, "/admin")
        if refusal is None:
            return super_admin(by)
        if secrets:
            await self._desk.signing_in.refused.note(by, Entry("wrong_secret", "/admin"))
        if refusal.status_code == 429:
            headers = {"Retry-After": refusal.headers["Retry-After"]}
            raise Refused(429, "Too many wrong secrets from this address; wait", headers, code="wait")
        raise Refused(401, NOT_AUTHORISED)


def _refusal(refused: Refused, request: Request) -> Response:
    """Tyk names the path it denies, behind two blanks."""
    answer = told(refused)
    if refused.members.get("code") == "permission_denied":
        assert isinstance(answer.document, dict)
        answer.document["Message"] = f"access denied: You do not have permission to access  {request.scope['path']}"
    return rendered(answer)
