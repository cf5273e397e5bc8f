"""The application of `routes.py`: who is there, then the route, then an answer in the envelope of Tyk's dashboard.

What holds for every call is `answering.py`; imports change what workers serve.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from propylon.control.access import Access
from propylon.control.actors import client_ip
from propylon.control.answering import answered
from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused
from propylon.control.people.caller import Caller, caller_of, super_admin
from propylon.control.people.signed_in import by_access_key
from propylon.control.people_api.routes import ADMIN_ROUTES, API_ROUTES, PeopleResource
from propylon.control.rendering import NO_TELEMETRY, body_of, rendered
from propylon.stores.records.audit import Entry
from propylon.stores.records.writes import Actor

NOT_AUTHORISED: Final = "Not authorised"
ADMIN_AUTH: Final = "admin-auth"
NOBODY: Final = Actor("unknown")  # until it is known who is there
PRIVATE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_NO_HEADERS: Final[Mapping[str, str]] = {}
_Who = Callable[[Request], Awaitable[Caller]]


class PeopleApi:
    """One per control process; for the paths of `routes.py`, with or without a final slash."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._admin_secret = desk.settings.admin_secret.get_secret_value()
        attempts = desk.settings.control_attempts_per_minute
        self._admin_access = Access(self._admin_secret, attempts, desk.clock, header=ADMIN_AUTH)
        self._routes = FastAPI(openapi_url=None, redirect_slashes=False, telemetry=NO_TELEMETRY)
        for route in API_ROUTES:
            endpoint = self._endpoint(route.resource, self._user)
            self._routes.add_api_route(route.path, endpoint, methods=[route.method])
        for method, path, resource in ADMIN_ROUTES:
            self._routes.add_api_route(path, self._endpoint(resource, self._administration), methods=[method])
        self._routes.add_exception_handler(HTTPException, _unrouted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/admin") and not self._admin_secret:
            await _error(404, "Not found")(scope, receive, send)
            return
        await self._routes({**scope, "path": scope["path"].rstrip("/")}, receive, send)

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
            return _refusal(answer, request) if isinstance(answer, Refused) else _rendered(answer)

        return endpoint

    async def _user(self, request: Request) -> Caller:
        """By their access key: raw, as Tyk's clients send it, or as a bearer token, as its generated ones do."""
        said, address = request.headers.get("Authorization", ""), client_ip(request.scope)
        scheme, _, rest = said.partition(" ")
        who = await by_access_key(self._desk, rest.strip() if scheme.lower() == "bearer" else said.strip())
        if who is None:
            if said:
                entry = Entry("wrong_secret", "/api")
                await self._desk.signing_in.refused.note(Actor("unknown", address=address), entry)
            raise Refused(401, NOT_AUTHORISED)
        return caller_of(who, address)

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
            raise Refused(429, "Too many wrong secrets from this address; wait", headers)
        raise Refused(401, NOT_AUTHORISED)


def _refusal(refused: Refused, request: Request) -> Response:
    """Tyk names the path it denies, behind two blanks."""
    message = refused.message
    if refused.members.get("code") == "permission_denied":
        message = f"access denied: You do not have permission to access  {request.scope['path']}"
    return _error(refused.status, message, refused.headers, **refused.members)


def _rendered(answer: Answer) -> Response:
    return rendered(answer._replace(headers={**PRIVATE, **answer.headers}))


def _error(status: int, message: str, headers: Mapping[str, str] = _NO_HEADERS, **members: Any) -> Response:
    return _rendered(Answer(status, {"Status": "Error", "Message": message, "Meta": None, **members}, headers))


async def _unrouted(request: Request, unrouted: Exception) -> Response:
    assert isinstance(unrouted, HTTPException)
    return _error(unrouted.status_code, "Not found" if unrouted.status_code == 404 else "Method not supported")
