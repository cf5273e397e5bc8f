"""The gateway's own paths on the public port: /hello, /ready, and /tyk/… passed to the control process.

Matched on the normal form of the path, before any API, so that no definition can shadow them.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Final

from propylon.errors import ControlUnavailable, Failure, UpstreamFailure
from propylon.exchange import Exchange
from propylon.gateway.downstream import Downstream
from propylon.gateway.forward import Forward
from propylon.gateway.replies import denial_reply, failure_reply, json_reply
from propylon.gateway.request_body import RequestBody
from propylon.snapshot.decision import NO_ROUTE
from propylon.snapshot.route import Route

Page = Callable[[Exchange, RequestBody, Downstream], Awaitable[None]]
StatusPage = Callable[[], tuple[int, dict[str, object]]]
NOT_ALLOWED: Final[dict[str, object]] = {"status": "error", "message": "Method Not Allowed"}


class OwnPages:
    """One per worker. `control` is None where the Gateway API is not served on the public port."""

    def __init__(self, forward: Forward, control: Route | None, status_pages: dict[str, StatusPage]) -> None:
        self._forward = forward
        self._control = control
        self._status_pages = status_pages

    def find(self, exchange: Exchange) -> Page | None:
        path = exchange.head.path
        if path in self._status_pages:
            return self._status
        return self._to_control if path.startswith("/tyk") and path[4:5] in ("", "/") else None

    async def _status(self, exchange: Exchange, body: RequestBody, client: Downstream) -> None:
        if exchange.head.method not in ("GET", "HEAD"):
            status, document = 405, NOT_ALLOWED
        else:
            status, document = self._status_pages[exchange.head.path]()
        keep_alive = client.begin_reply(exchange, body)
        client.write(json_reply(status, json.dumps(document).encode() + b"\n", exchange, keep_alive=keep_alive))

    async def _to_control(self, exchange: Exchange, body: RequestBody, client: Downstream) -> None:
        if self._control is None:
            client.write(denial_reply(NO_ROUTE, exchange, keep_alive=client.begin_reply(exchange, body)))
            return
        try:
            await self._forward(exchange, body, client, self._control)
        except UpstreamFailure:
            self._fail(ControlUnavailable(), exchange, body, client)
        except Failure as failure:
            self._fail(failure, exchange, body, client)

    def _fail(self, failure: Failure, exchange: Exchange, body: RequestBody, client: Downstream) -> None:
        if client.head_sent:
            client.cut()
            return
        keep_alive = client.begin_reply(exchange, body)
        if client.transport.is_closing():
            return
        if not isinstance(failure, ControlUnavailable):
            client.write(failure_reply(failure, exchange, keep_alive=keep_alive))
            return
        envelope = {"status": "error", "message": failure.message, "code": failure.code}  # E-11
        client.write(json_reply(failure.status, json.dumps(envelope).encode() + b"\n", exchange, keep_alive=keep_alive))
