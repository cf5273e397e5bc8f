"""The Gateway API: its routes, one line each, and what happens before and after each of them.

Before: the pages without a secret, the secret, then the normal form of the path, and a call is made of the request.
After: its answer as bytes. What a route does is its resource's file; what holds for every call is `answering.py`.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from propylon.control import (
    apis,
    effective,
    explain,
    identities,
    key_actions,
    key_find,
    key_import,
    key_pin,
    key_reads,
    key_rotate,
    key_sets,
    keys,
    lint,
    nodes,
    policies,
    reload,
    revoke,
    status_pages,
    usage,
)
from propylon.control.access import Access
from propylon.control.actors import GATEWAY_API, client_ip
from propylon.control.answering import Resource, answered
from propylon.control.call import Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused
from propylon.control.rendering import NO_TELEMETRY, body_of, error, rendered
from propylon.stores.records.audit import Entry
from propylon.stores.records.writes import Actor

WRONG_SECRET: Final = Entry("wrong_secret", "/tyk")
BODIED: Final = frozenset({"POST", "PUT"})  # methods whose body says something here
READS: Final[tuple[tuple[str, str, Resource], ...]] = (
    ("GET", "/tyk/apis", apis.read_all),
    ("GET", "/tyk/apis/{api_id}", apis.read),
    ("GET", "/tyk/apis/{api_id}/versions", apis.read_versions),
    ("GET", "/tyk/policies", policies.read_all),
    ("GET", "/tyk/policies/{policy_id}", policies.read),
    ("GET", "/tyk/policies/{policy_id}/lint", lint.read),
    ("GET", "/tyk/keys", key_reads.read_all),
    ("POST", "/tyk/keys/preview", key_reads.preview),
    ("GET", "/tyk/keys/find", key_find.find),
    ("GET", "/tyk/keys/audit-hashes", key_import.audit),
    ("GET", "/tyk/keys/{key_id}", key_reads.read),
    ("GET", "/tyk/keys/{key_id}/effective", effective.read),
    ("POST", "/tyk/explain", explain.explain),
    ("GET", "/tyk/explain/{trace}", explain.read_trace),
    ("GET", "/tyk/keys/{key_id}/ring", key_rotate.read_ring),
    ("GET", "/tyk/identities", identities.read_all),
    ("GET", "/tyk/identities/{record}", identities.read),
    ("GET", "/tyk/revocations", revoke.read_all),
    ("GET", "/tyk/usage", usage.read_totals),
    ("GET", "/tyk/logs", usage.read_log),
    ("GET", "/tyk/metrics", usage.read_metrics),
    ("GET", "/tyk/nodes", nodes.read_all),
)
WRITES: Final[tuple[tuple[str, str, Resource], ...]] = (
    ("GET", "/tyk/reload", reload.reload),
    ("GET", "/tyk/reload/group", reload.reload),
    ("POST", "/tyk/apis", apis.add),
    ("POST", "/tyk/apis/{api_id}", apis.add),
    ("PUT", "/tyk/apis/{api_id}", apis.change),
    ("DELETE", "/tyk/apis/{api_id}", apis.remove),
    ("POST", "/tyk/policies", policies.add),
    ("PUT", "/tyk/policies", policies.change_nothing),
    ("DELETE", "/tyk/policies", policies.remove_nothing),
    ("POST", "/tyk/policies/{policy_id}", policies.add),
    ("PUT", "/tyk/policies/{policy_id}", policies.change),
    ("DELETE", "/tyk/policies/{policy_id}", policies.remove),
    ("POST", "/tyk/keys", keys.add),
    ("POST", "/tyk/keys/create", keys.create),
    ("POST", "/tyk/keys/import", key_import.import_keys),
    ("POST", "/tyk/imports/pin", key_pin.pin),
    ("POST", "/tyk/keys/policy/{key_id}", keys.change_policies),
    ("POST", "/tyk/keys/{key_id}", keys.add),
    ("PUT", "/tyk/keys/{key_id}", keys.change),
    ("DELETE", "/tyk/keys/{key_id}", keys.remove),
    ("POST", "/tyk/keys/{key_id}/rotate", key_rotate.rotate),
    ("POST", "/tyk/keys/{key_id}/ring/{generation}/retire", key_rotate.retire),
    ("POST", "/tyk/keys/{key_id}/suspend", key_actions.suspend),
    ("POST", "/tyk/keys/{key_id}/resume", key_actions.resume),
    ("POST", "/tyk/keys/{key_id}/renew", key_actions.renew),
    ("POST", "/tyk/keys/{key_id}/extend", key_actions.extend),
    ("POST", "/tyk/keys/{key_id}/reset-quota", key_actions.reset_quota),
    ("POST", "/tyk/identities/{record}/suspend", identities.suspend),
    ("POST", "/tyk/identities/{record}/resume", identities.resume),
    ("POST", "/tyk/revoke", revoke.revoke),
    ("DELETE", "/tyk/revocations/{kind}", revoke.remove),
    ("DELETE", "/tyk/revocations/{kind}/{value}", revoke.remove),
    ("DELETE", "/tyk/cache/jwks", key_sets.drop_all),
    ("DELETE", "/tyk/cache/jwks/{api_id}", key_sets.drop_of_api),
    ("DELETE", "/tyk/cache/{api_id}", reload.drop_cache),
)


class App:
    """The ASGI application. One per control process."""

    def __init__(self, desk: Desk) -> None:
        settings = desk.settings
        self._access = Access(settings.secret_text(), settings.control_attempts_per_minute, desk.clock)
        self._routes = _routes(desk)
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http", "lifespan and websockets are switched off in serving.py"
        page = status_pages.page(self._desk, scope["path"], scope["method"])
        if page is not None:
            await page(scope, receive, send)
            return
        refusal = self._access.refusal(_secrets(scope), client_ip(scope), _what(scope))
        if refusal is not None:
            if _secrets(scope):
                await self._desk.signing_in.refused.note(Actor(GATEWAY_API, "", client_ip(scope)), WRONG_SECRET)
            await refusal(scope, receive, send)
            return
        await self._routes({**scope, "path": scope["path"].rstrip("/")}, receive, send)


def _routes(desk: Desk) -> ASGIApp:
    app = FastAPI(openapi_url=None, redirect_slashes=False, telemetry=NO_TELEMETRY)
    for routes, writes in ((READS, False), (WRITES, True)):
        for method, path, resource in routes:
            app.add_api_route(path, _endpoint(desk, resource, writes=writes), methods=[method])
    app.add_exception_handler(HTTPException, _unrouted)
    return app


def _endpoint(desk: Desk, resource: Resource, *, writes: bool) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            call = await _call(request)
        except Refused as refused:
            return _refusal(refused)
        answer = await answered(desk, resource, call, writes=writes, what=_what(request.scope))
        return _refusal(answer) if isinstance(answer, Refused) else rendered(answer)

    return endpoint


async def _call(request: Request) -> Call:
    """Who knows the secret sees every organisation. The secret is one for all, so only the address tells them apart."""
    by = Actor(GATEWAY_API, address=client_ip(request.scope))
    body = await body_of(request) if request.method in BODIED else b""
    return Call(by, None, request.path_params, request.query_params, request.headers, body)


def _refusal(refused: Refused) -> Response:
    return error(refused.status, refused.message, refused.headers, **refused.members)


async def _unrouted(request: Request, unrouted: Exception) -> Response:
    assert isinstance(unrouted, HTTPException)
    if unrouted.status_code == 405:
        return error(405, "Method not supported", {"Allow": ", ".join(_methods(request))})
    return PlainTextResponse("404 page not found\n", 404, {"X-Content-Type-Options": "nosniff"})


def _methods(request: Request) -> list[str]:
    """Of every route of this path, not only of the first (RFC 9110 §15.5.6)."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    matching = [route for route in routes if route.path_regex.match(request.scope["path"])]
    return sorted({method for route in matching for method in route.methods or ()})


def _secrets(scope: Scope) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == b"x-tyk-authorization"]


def _what(scope: Scope) -> str:
    """For the log: never the rest of the path, which may be a key."""
    resource = "/".join(scope["path"].split("/", 3)[:3])
    return f"{scope['method']} {resource[:64]!r}"
