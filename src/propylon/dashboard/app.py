"""The dashboard: its pages, its own files, and what happens before and after each page.

Before: a Host that is ours, who has signed in, the token of the form, the right. After: every answer carries the
headers of `safety.py`. What a page shows is its own file; which pages there are, `routes.py` says.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from hmac import compare_digest
from typing import Final
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from propylon.control.desk import Desk
from propylon.control.envelope import Refused
from propylon.dashboard.activity.followers import Followers
from propylon.dashboard.cookies import SESSION, VISITOR, keep
from propylon.dashboard.forms import Form, read_form
from propylon.dashboard.own_files import OwnFiles
from propylon.dashboard.people import People
from propylon.dashboard.routes import PAGES, Page
from propylon.dashboard.safety import HEADERS, PRIVATE, SAFE_METHODS, comes_from_elsewhere, is_own_host
from propylon.dashboard.templating import environment
from propylon.dashboard.visit import Parts, Visit
from propylon.errors import Failure, StoreUnavailable
from propylon.http.client_address import TrustedProxies

log = logging.getLogger("propylon.dashboard")
NOT_OURS: Final = (
    "This dashboard is served on a loopback address and is not called by this name. Open it as http://127.0.0.1:PORT/, "
    "or put a proxy before it and name the proxy's network in trusted_proxies.\n"
)
STALE_FORM: Final = (
    "This form is not from a page of yours that is still good. Go back, load the page again, and repeat."
)
PASSWORD: Final = "/password"
BACKGROUND: Final = "x-background"  # of requests that a page makes without anybody's click
NO_MOUNTS: Final[Mapping[str, ASGIApp]] = {}


class Dashboard:
    """The ASGI application. `mounts` are further applications by path, each with its own rules: the REST API's."""

    def __init__(self, desk: Desk, people: People, files: OwnFiles, mounts: Mapping[str, ASGIApp] = NO_MOUNTS) -> None:
        self._parts = Parts(desk, people, environment(files), Followers())
        self._mounts = mounts
        self._proxies = TrustedProxies(desk.settings.trusted_proxies)
        address = desk.settings.dashboard_address
        self._is_loopback = address is not None and address.is_loopback
        routes = [Route(one.path, self._endpoint(one), methods=[one.method]) for one in PAGES]
        self._router = Router([Route("/static/{name}", files.answer), *routes], redirect_slashes=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http", "lifespan and websockets are switched off in control/serving.py"
        for prefix, application in self._mounts.items():
            if f"{scope['path']}/".startswith(f"{prefix}/"):
                await application(self._with_client(scope), receive, send)
                return
        # Starlette's router raises, rather than answers itself, for who is called an application.
        request = Request({**scope, "app": self, "path": scope["path"].rstrip("/") or "/"}, receive)
        if self._is_loopback and not (is_own_host(request.headers.get("host", "")) or self._is_proxied(request)):
            await PlainTextResponse(NOT_OURS, 421)(scope, receive, _safely(send))
            return
        try:
            await self._router(request.scope, receive, _safely(send))
        except HTTPException as unrouted:
            answer = await self._unrouted(request, unrouted)
            await answer(scope, receive, _safely(send))

    def _with_client(self, scope: Scope) -> Scope:
        """With the client's address in the place of a trusted proxy's: throttles and the audit log go by it."""
        return {**scope, "client": (self._client(Request(scope)), 0)}

    def _endpoint(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            return await self._answer(page, request)

        return endpoint

    async def _answer(self, page: Page, request: Request) -> Response:
        try:
            form = Form({}) if request.method in SAFE_METHODS else await read_form(request)
            visit = await self._visit(request, form, is_background=page.is_background)
        except Refused as refused:
            return PlainTextResponse(f"{refused.message}\n", refused.status)
        except StoreUnavailable as failure:
            return PlainTextResponse(f"{failure.message}\n", failure.status)
        return _with_visitor(await self._judged(page, visit), visit)

    async def _judged(self, page: Page, visit: Visit) -> Response:
        """The page, or why it is not shown."""
        if visit.request.method not in SAFE_METHODS and not _is_own_form(visit):
            return visit.refusal(403, "The form was not accepted", STALE_FORM)
        if page.area is not None:
            if not visit.is_signed_in:
                return _to_sign_in(visit)
            if visit.who.must_change_password and page.path != PASSWORD and not page.is_always:
                return _sent_to(visit, PASSWORD)
            if page.area and not visit.who.permissions.allows(page.area, page.level):
                right = f"{page.level} {page.area.replace('_', ' ')}"
                text = f"It needs the right to {right}. An administrator can give it to you."
                return visit.refusal(403, "Your role does not allow this", text)
        return await self._shown(page, visit)

    async def _shown(self, page: Page, visit: Visit) -> Response:
        try:
            return await page.show(visit)
        except Refused as refused:
            return visit.refusal(refused.status, _title(refused.status), refused.message)
        except Failure as failure:
            log.warning("%s %s: %s", failure.code, page.path, failure.detail)
            return visit.refusal(failure.status, "Something is away", failure.message)

    async def _unrouted(self, request: Request, unrouted: HTTPException) -> Response:
        try:
            visit = await self._visit(request, Form({}))
        except StoreUnavailable as failure:
            return PlainTextResponse(f"{failure.message}\n", failure.status)
        if unrouted.status_code == 405:
            response = visit.refusal(405, "Not in this way", "This address is not used with this method.")
            response.headers["Allow"] = ", ".join(self._methods(request.scope["path"]))
            return response
        return visit.refusal(404, "There is no such page", "The address may be mistyped, or what it led to is gone.")

    def _methods(self, path: str) -> list[str]:
        """Of every route of this path, not only of the first (RFC 9110 §15.5.6)."""
        matching = [one for one in self._router.routes if isinstance(one, Route) and one.path_regex.match(path)]
        return sorted({method for route in matching for method in route.methods or ()})

    async def _visit(self, request: Request, form: Form, *, is_background: bool = False) -> Visit:
        """Pages that ask by themselves say so; whoever says it untruly is signed out sooner."""
        token, by_itself = request.cookies.get(SESSION, ""), is_background or BACKGROUND in request.headers
        who = await self._parts.people.by_session(token, is_background=by_itself) if token else None
        if who is None:
            token = request.cookies.get(VISITOR, "")
        if not token:
            token = secrets.token_urlsafe(32)
        is_https = self._is_proxied(request) and request.headers.get("x-forwarded-proto", "") == "https"
        address = self._client(request)
        return Visit(request, self._parts, who=who, token=token, form=form, address=address, is_https=is_https)

    def _is_proxied(self, request: Request) -> bool:
        """Whether it came through a proxy that is trusted, and says for whom."""
        return "x-forwarded-for" in request.headers and self._proxies.stranger(_peer(request)) is None

    def _client(self, request: Request) -> str:
        said = [one.encode("latin-1") for one in request.headers.getlist("x-forwarded-for")]
        return self._proxies.client_behind(_peer(request), said).ip


def _peer(request: Request) -> str:
    assert request.client is not None, "the dashboard is served on an address"
    return request.client.host


def _is_own_form(visit: Visit) -> bool:
    given = visit.request.headers.get("x-csrf-token") or visit.form.exact("csrf")
    has_cookie = bool(visit.request.cookies.get(SESSION) or visit.request.cookies.get(VISITOR))
    if not has_cookie or comes_from_elsewhere(visit.request.headers):
        return False
    return compare_digest(given.encode(), visit.people.csrf_token(visit.token).encode())


def _with_visitor(response: Response, visit: Visit) -> Response:
    """Who has not signed in gets what the next form of theirs is checked against."""
    if not visit.is_signed_in and visit.request.cookies.get(VISITOR) != visit.token:
        keep(response, VISITOR, visit.token, is_https=visit.is_https)
    return response


def _to_sign_in(visit: Visit) -> Response:
    here = visit.request.url.path + (f"?{visit.request.url.query}" if visit.request.url.query else "")
    wanted = "" if visit.request.method not in SAFE_METHODS or here == "/" else f"?next={quote(here)}"
    return _sent_to(visit, f"/login{wanted}")


def _sent_to(visit: Visit, path: str) -> Response:
    """htmx would put the other page into this one: it is told to go there instead."""
    if visit.wants_fragment:
        return Response(status_code=401, headers={"HX-Redirect": path})
    return visit.to(path)


def _title(status: int) -> str:
    return "There is no such thing here" if status == 404 else "That was refused"


def _safely(send: Send) -> Send:
    """With the headers of `safety.py` on every answer, and no copy of a page in any cache."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            for name, value in (*HEADERS.items(), *PRIVATE.items()):
                headers.setdefault(name, value)
            message["headers"] = headers.raw
        await send(message)

    return sending
