"""`/metrics` at an address of its own (`metrics_listen`): an ASGI application of one page, without a secret."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from propylon.telemetry.metrics import CONTENT_TYPE, Metrics


class MetricsPage:
    """One per control process that has such an address."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._response(Request(scope))
        await response(scope, receive, send)

    async def _response(self, request: Request) -> Response:
        if request.url.path != "/metrics":
            return PlainTextResponse("404 page not found\n", 404)
        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse("Method Not Allowed\n", 405, {"Allow": "GET, HEAD"})
        return Response(await self._metrics.page(), media_type=CONTENT_TYPE)
