"""`/metrics` of a node that has no control process: served by its first worker, for all workers of the node.

The parent has no loop to serve with, and a process of its own would cost a node 20 MiB. So the workers leave their
figures in the node's own queue (`usage/node_lines.py`), one of them adds them up and answers on a socket of its own; in
a thread, as the text of many APIs takes long. When that worker is replaced, all counts begin anew together, as
Prometheus expects of a process that restarts.
"""

import importlib
import logging
import socket
from typing import Any, Final

from propylon.exchange import Exchange
from propylon.gateway.deadlines import Deadlines
from propylon.gateway.downstream import Downstream, DownstreamSettings
from propylon.gateway.listener import Listener
from propylon.gateway.replies import page_reply
from propylon.gateway.request_body import RequestBody
from propylon.listening import bind
from propylon.settings import Address
from propylon.stores.ports import LineQueue
from propylon.usage.histogram import bucket_end_us
from propylon.usage.node_lines import NodeFigures

log = logging.getLogger("propylon.worker")
PATH: Final = "/metrics"
CONNECTIONS_MAX: Final = 16
PLAIN_TEXT: Final = b"text/plain; charset=utf-8"


class NodeMetrics:
    """`of` is node, role and version. Its owner calls `collect` every second, and `end` last."""

    def __init__(
        self,
        address: Address,
        queue: LineQueue,
        of: tuple[str, str, str],
        settings: DownstreamSettings,
        deadlines: Deadlines,
    ) -> None:
        module: Any = importlib.import_module("propylon.telemetry.metrics")  # 3 MiB that no other worker needs
        self._metrics = module.Metrics(bucket_end_us, module.Of(*of))
        self._type = module.CONTENT_TYPE.encode()
        self._figures = NodeFigures(queue, self._metrics.observe)
        self._address = address
        self._listener = Listener(self._answer, settings, deadlines, CONNECTIONS_MAX)
        self._listening: socket.socket | None = None

    async def collect(self) -> None:
        """Raises StoreUnavailable. Binds too, until it could: the address was free when the node started."""
        if self._listening is None:
            await self._bind()
        await self._figures.run_once()

    async def end(self) -> None:
        """Who asks is answered until here."""
        if self._listening is not None:
            await self._listener.drain(0.0)
            self._listening.close()

    async def _bind(self) -> None:
        try:
            self._listening = bind(*self._address, shared=True)
        except OSError as error:
            log.warning("metrics_listen %s: %s; tried again each second", self._address, error.strerror)
        else:
            await self._listener.start(self._listening)

    async def _answer(self, exchange: Exchange, body: RequestBody, client: Downstream) -> None:
        status, content_type, text = await self._page(exchange)
        fields = [(b"Allow", b"GET, HEAD")] if status == 405 else []
        keep_alive = client.begin_reply(exchange, body)
        if not client.transport.is_closing():
            client.transport.write(page_reply(status, content_type, text, fields, exchange, keep_alive=keep_alive))

    async def _page(self, exchange: Exchange) -> tuple[int, bytes, bytes]:
        if exchange.head.path != PATH:
            return 404, PLAIN_TEXT, b"404 page not found\n"
        if exchange.head.method not in ("GET", "HEAD"):
            return 405, PLAIN_TEXT, b"Method Not Allowed\n"
        return 200, self._type, await self._metrics.page()
