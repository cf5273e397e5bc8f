"""The connections accepted from listening sockets: TLS, the bound on connections, the drain."""

import asyncio
import socket
import ssl
from pathlib import Path

from propylon.gateway.deadlines import Deadlines
from propylon.gateway.downstream import Downstream, DownstreamSettings, Serve
from propylon.tasks import spawn

LATE_S = 0.1  # for those who connect while nobody knows yet that this worker ends
POLL_S = 0.02  # how often a drain looks whether it is over; an event would cost every exchange a call for it


def server_tls(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 and up, ALPN http/1.1 alone. Raises ssl.SSLError or OSError when the files do not fit."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key)
    return context


class Listener:
    """The client side of one worker."""

    def __init__(self, serve: Serve, settings: DownstreamSettings, deadlines: Deadlines, connections_max: int) -> None:
        self._serve = serve
        self._settings = settings
        self._deadlines = deadlines
        self._connections_max = connections_max
        self._loop = asyncio.get_running_loop()
        self._server: asyncio.Server | None = None
        self._listening: socket.socket | None = None
        self._draining = False
        self.connections: set[Downstream] = set()

    async def start(self, listening: socket.socket) -> None:
        self._listening = listening
        self._server = await self._loop.create_server(
            self._accept,
            sock=listening.dup(),
            ssl=self._settings.tls,
            ssl_handshake_timeout=self._handshake_timeout_s(),
        )

    async def drain(self, timeout_s: float) -> None:
        """Lets running exchanges end, answers who still waits to be accepted, and takes no more (design §4)."""
        self._draining = True
        deadline = self._loop.time() + timeout_s
        before = list(self.connections)  # those who connect from here on must not keep it from coming to an end
        self._tell_all()
        while any(one.running for one in before) and self._loop.time() < deadline:
            await asyncio.sleep(POLL_S)
            self._tell_all()
        self.stop_accepting()
        taken_until = self._loop.time() + LATE_S
        takes = True
        accepted = self._accept_queue()
        while (self.connections or takes or not all(one.done() for one in accepted)) and self._loop.time() < deadline:
            await asyncio.sleep(POLL_S)
            if takes:
                accepted += self._accept_queue()
                takes = self._loop.time() < taken_until
            self._tell_all()
        for connection in list(self.connections):
            connection.cut()

    def _tell_all(self) -> None:
        """Again and again: the loop makes a protocol some turns before it tells it of its connection."""
        for connection in list(self.connections):
            connection.drain()

    def stop_accepting(self) -> None:
        """Whoever connects from here on waits in the kernel's queue."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _accept_queue(self) -> "list[asyncio.Task[None]]":
        """Those the kernel had accepted for us already: they would see a reset otherwise."""
        assert self._listening is not None
        tasks: list[asyncio.Task[None]] = []
        while True:
            try:
                accepted, _ = self._listening.accept()
            except OSError:  # the queue is empty
                return tasks
            tasks.append(spawn(self._serve_accepted(accepted), "accepted while draining"))

    async def _serve_accepted(self, accepted: socket.socket) -> None:
        timeout_s = self._handshake_timeout_s()
        try:
            await self._loop.connect_accepted_socket(
                self._accept, accepted, ssl=self._settings.tls, ssl_handshake_timeout=timeout_s
            )
        except OSError:  # a TLS handshake that came to nothing
            accepted.close()

    def _handshake_timeout_s(self) -> float | None:
        return self._settings.head_timeout_s if self._settings.tls is not None else None

    def _accept(self) -> asyncio.Protocol:
        if len(self.connections) >= self._connections_max:
            return _Surplus()
        connection = Downstream(self._serve, self._settings, self._deadlines, self.connections, self._loop)
        if self._draining:
            connection.drain()
        return connection


class _Surplus(asyncio.Protocol):
    """A connection beyond `connections_max`: closed at once, so that memory and descriptors stay bounded."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.abort()  # type: ignore[attr-defined] # a stream transport by construction
