"""The application of `routes.py`: who is there, then the route, then an answer in the envelope of Tyk's dashboard.

No answer of a write leaves before the workers can know of the newest revision (design §3.2): imports change what they
serve. A bug is left to the server, which logs it and answers 500.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from propylon.control.access import Access
from propylon.control.actors import client_ip
from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused
from propylon.control.people.caller import Caller, caller_of, super_admin
from propylon.control.people.signed_in import by_access_key
from propylon.control.people_api.routes import ADMIN_ROUTES, API_ROUTES, PeopleResource
from propylon.errors import Failure, StoreUnavailable
from propylon.stores.records.audit import Entry
from propylon.stores.records.writes import Actor, OwnedByFile

log = logging.getLogger("propylon.control")
BODY_MAX_BYTES: Final = 4 * 1024**2
NOT_AUTHORISED: Final = "Not authorised"
ADMIN_AUTH: Final = "admin-auth"
_NO_TELEMETRY: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
_NO_HEADERS: Final[Mapping[str, str]] = {}
_Who = Callable[[Request], Awaitable[Caller]]


class PeopleApi:
    """One per control process; for the paths of `routes.py`, with or without a final slash."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._admin_secret = desk.settings.admin_secret.get_secret_value()
        attempts = desk.settings.control_attempts_per_minute
        self._admin_access = Access(self._admin_secret, attempts, desk.clock, header=ADMIN_AUTH)
        self._routes = FastAPI(openapi_url=None, redirect_slashes=False, telemetry=_NO_TELEMETRY)
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
            response = await self._answered(resource, who, request)
            if request.method == "GET":
                return response
            try:
                await self._desk.announcer.announce()
            except StoreUnavailable as failure:
                log.warning("change not announced: %s", failure.detail)
                text = "The change is stored, but the workers could not be told of it; repeat the request"
                return _error(503, text, code="change_not_announced")
            return response

        return endpoint

    async def _answered(self, resource: PeopleResource, who: _Who, request: Request) -> Response:
        try:
            caller = await who(request)
            answer = await resource(self._desk, caller, await _call(request, caller))
        except Refused as refused:
            return _refusal(refused, request)
        except OwnedByFile as owned:
            return _error(409, f"owned_by_file: {owned}", code="owned_by_file", path=owned.path)
        except Failure as failure:
            log.warning("%s: %s", failure.code, failure.detail)
            return _error(failure.status, failure.message, code=failure.code)
        return _rendered(answer) if isinstance(answer, Answer) else answer

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


async def _call(request: Request, caller: Caller) -> Call:
    path = {name: str(value) for name, value in request.path_params.items()}
    return Call(caller.by, caller.org_id, path, request.query_params, request.headers, await _body(request))


async def _body(request: Request) -> bytes:
    pieces, size = [], 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > BODY_MAX_BYTES:
                text = f"Request Entity Too Large: a body may have {BODY_MAX_BYTES} bytes"
                raise Refused(413, text, {"Connection": "close"})
            pieces.append(piece)
    except ClientDisconnect:
        raise Refused(400, "The body ended before it was complete") from None
    return b"".join(pieces)


def _refusal(refused: Refused, request: Request) -> Response:
    """Tyk names the path it denies, behind two blanks."""
    message = refused.message
    if refused.members.get("code") == "permission_denied":
        message = f"access denied: You do not have permission to access  {request.scope['path']}"
    return _error(refused.status, message, refused.headers, **refused.members)


def _rendered(answer: Answer) -> Response:
    text = json.dumps(answer.document, ensure_ascii=False, allow_nan=False)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **answer.headers}
    return Response(text.encode(errors="replace") + b"\n", answer.status, headers, media_type="application/json")


def _error(status: int, message: str, headers: Mapping[str, str] = _NO_HEADERS, **members: Any) -> Response:
    return _rendered(Answer(status, {"Status": "Error", "Message": message, "Meta": None, **members}, headers))


async def _unrouted(request: Request, unrouted: Exception) -> Response:
    assert isinstance(unrouted, HTTPException)
    return _error(unrouted.status_code, "Not found" if unrouted.status_code == 404 else "Method not supported")
