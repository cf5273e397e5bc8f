"""One client connection: bytes ↔ exchanges. Keep-alive, pipelining in order, back-pressure, deadlines, lingering close.

An exchange is started after `feed` returned, never from a parser callback, and one at a time: a pipelined request
waits until the answer before it is out. Knows no API; `serve` (gateway/handle.py) answers each exchange.

    idle ──first byte──▶ receiving ──END or enough──▶ exchange ──answer out──▶ idle
                                                        │ body not taken
                                                        └──▶ lingering (≤ 1 MiB, ≤ 2 s) ──▶ closed
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from propylon.errors import ClientGone, Failure, RequestTimeout
from propylon.exchange import Exchange
from propylon.gateway.client_address import TrustedProxies
from propylon.gateway.deadlines import NEVER, Deadlines
from propylon.gateway.replies import failure_reply
from propylon.gateway.request_body import HIGH_WATER_BYTES, NO_BODY, RequestBody
from propylon.gateway.tunnel_end import TunnelEnd
from propylon.http.limits import HeadLimits
from propylon.http.messages import END, RequestHead
from propylon.http.request_reader import RequestReader

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
PIPELINE_MAX: Final = 16  # requests waiting behind the running one before reading pauses
LINGER_S: Final = 2.0
LINGER_MAX_BYTES: Final = 1024 * 1024


class DownstreamSettings(NamedTuple):
    """What every client connection of a worker shares."""

    head_limits: HeadLimits
    head_timeout_s: float
    idle_timeout_s: float
    body_timeout_s: float
    request_body_max_bytes: int
    trusted_proxies: TrustedProxies
    tls: ssl.SSLContext | None


class Incoming(NamedTuple):
    """A request whose head is here."""

    head: RequestHead
    body: RequestBody
    started: float


Serve = Callable[[Exchange, RequestBody, "Downstream"], Awaitable[None]]


class Downstream(asyncio.Protocol):
    """Created by the listener for each accepted connection; ends with it."""

    def __init__(
        self,
        serve: Serve,
        settings: DownstreamSettings,
        deadlines: Deadlines,
        connections: "set[Downstream]",
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._serve = serve
        self._settings = settings
        self._deadlines = deadlines
        self._connections = connections
        self._loop = loop
        self._reader = RequestReader(settings.head_limits)
        self._waiting: deque[Incoming] = deque()
        self._receiving: RequestBody | None = None
        self._broken: Failure | None = None  # what came after the last good request is not HTTP
        self._task: asyncio.Task[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._reading_paused = False
        self._lingering = 0  # bytes thrown away so far, while lingering
        self._is_lingering = False
        self._head_begun = True  # the deadline is that of a head, not of an idle connection
        self._client_ended = False  # the client shut its writing side
        self._tunnel: TunnelEnd | None = None  # takes this side's bytes after a 101
        self._tunnel_feeder: TunnelEnd | None = None  # paused while this side takes no more
        self.head_sent = False  # of the running exchange
        self.closing = False  # no further exchange on this connection
        self.deadline = NEVER

    # -- what an exchange does ------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Raises ClientGone rather than writing into the void."""
        if self.transport.is_closing():
            raise ClientGone("connection closed")
        self.transport.write(data)

    async def writable(self) -> None:
        """Returns when the client takes more; a client that takes nothing for body_timeout_s is cut."""
        if self._writable is not None:
            self.deadline = self._loop.time() + self._settings.body_timeout_s
            await asyncio.shield(self._writable)
            self.deadline = NEVER
        if self.transport.is_closing():
            raise ClientGone("connection closed")

    def _may_keep_alive(self, exchange: Exchange, body: RequestBody) -> bool:
        """Whether the connection can serve another request after this answer; decides its Connection field."""
        ended = self._client_ended and not self._waiting
        return exchange.head.keep_alive and body.complete and not self.closing and not ended

    def begin_reply(self, exchange: Exchange, body: RequestBody, *, ends_by_close: bool = False) -> bool:
        """Marks the head as out; answers whether the connection is kept, as the reply must say."""
        keep_alive = self._may_keep_alive(exchange, body) and not ends_by_close
        self.closing = not keep_alive
        self.head_sent = True
        return keep_alive

    def cut(self) -> None:
        """Ends the connection at once: an answer that began cannot be completed, and the client must notice."""
        self.closing = True
        self.transport.abort()

    def begin_tunnel(self, receiver: TunnelEnd, feeder: TunnelEnd) -> bytes:
        """From here bytes go to `receiver` and come from `feeder`; answers what came after the request."""
        self._tunnel = receiver
        self._tunnel_feeder = feeder
        self.deadline = NEVER
        self.closing = True
        rest = self._reader.rest
        self._resume_reading()
        return rest

    @property
    def running(self) -> bool:
        return self._task is not None

    def drain(self) -> None:
        """No exchange after the running one (and those already received); idle connections close now."""
        self.closing = True
        if self._task is None and not self._reader.mid_message and not self._is_lingering:
            self.transport.close()

    # -- what the transport does ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment] # a stream transport by construction
        peer = transport.get_extra_info("peername")
        self.peer_ip: str = peer[0] if peer else "127.0.0.1"
        self._connections.add(self)
        self._deadlines.add(self)
        self.deadline = self._loop.time() + self._settings.head_timeout_s

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._deadlines.discard(self)
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        if self._tunnel is not None:
            self._tunnel.connection_lost(exc)
        elif self._task is not None:
            self._task.cancel()
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        if self._tunnel is not None:
            self._tunnel.data_received(data)
            return
        if self._is_lingering:
            self._linger(len(data))
            return
        now = self._loop.time()
        for event in self._reader.feed(data):
            self._take(event, now)
        if self._task is None:
            self._next(now)
        self._maybe_pause()

    def eof_received(self) -> bool:
        """A client may shut its writing side and still read answers (RFC 9112 §9.6)."""
        self._client_ended = True
        if self._tunnel is not None:
            self._tunnel.eof_received()
            return True
        if self._receiving is not None:
            self._receiving.fail(ClientGone("ended inside the request body"))
        return self._task is not None

    def pause_writing(self) -> None:
        if self._tunnel_feeder is not None:
            self._tunnel_feeder.pause()
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._tunnel_feeder is not None:
            self._tunnel_feeder.resume()
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def expire(self) -> None:
        """The deadline passed: the client owes us a head, a body piece, or reading, or has been idle too long."""
        if self._writable is not None or self._is_lingering:
            self.transport.abort()
        elif self._task is not None:
            if self._receiving is not None and not self._receiving.complete:
                self._receiving.fail(RequestTimeout("no body piece within body_timeout_s"))
        elif self._reader.mid_message:
            self._refuse(RequestTimeout("no whole head within head_timeout_s"))
        else:
            self.transport.close()

    # -- inside ---------------------------------------------------------------------------------------------------

    def _take(self, event: "RequestHead | bytes | None | Failure", now: float) -> None:
        if isinstance(event, RequestHead):
            self._receiving = body = self._body_of(event)
            self._waiting.append(Incoming(event, body, now))
        elif isinstance(event, Failure):
            self._broken = event
            if self._receiving is not None:
                self._receiving.fail(event)
        elif self._receiving is not None:
            if event is END:
                self._receiving.end()
                self._receiving = None
            else:
                self._receiving.add(event)
                self.deadline = now + self._settings.body_timeout_s

    def _body_of(self, head: RequestHead) -> RequestBody:
        if head.body_length == 0:
            return NO_BODY
        send_continue = self._send_continue if head.expects_continue else None
        return RequestBody(self._resume_reading, send_continue, self._settings.request_body_max_bytes)

    def _next(self, now: float) -> None:
        """Starts the next exchange, or waits for one, or refuses what cannot be one."""
        if self.closing:
            self._close_gracefully()
        elif self._waiting:
            incoming = self._waiting.popleft()
            self.head_sent = False
            self._head_begun = False
            self.deadline = NEVER if incoming.body.complete else now + self._settings.body_timeout_s
            self._task = self._loop.create_task(self._run(incoming))
        elif self._broken is not None:
            self._refuse(self._broken)
        elif self._client_ended:
            self._close_gracefully()
        elif self._reader.mid_message:
            if not self._head_begun:
                self._head_begun = True
                self.deadline = now + self._settings.head_timeout_s
        else:
            self._head_begun = False
            self.deadline = now + self._settings.idle_timeout_s

    async def _run(self, incoming: Incoming) -> None:
        head = incoming.head
        forwarded_for = head.all_values(b"x-forwarded-for")
        client = self._settings.trusted_proxies.client(self.peer_ip, forwarded_for)
        exchange = Exchange(head, client.ip, self.peer_ip, incoming.started, peer_trusted=client.peer_trusted)
        try:
            await self._serve(exchange, incoming.body, self)
        finally:
            self._task = None
        if self._tunnel is not None:
            return
        if not incoming.body.complete:
            incoming.body.discard()
            self._start_lingering()
        elif not head.keep_alive:
            self._close_gracefully()
        else:
            self._resume_reading()
            self._next(self._loop.time())

    def _send_continue(self) -> None:
        if not self.head_sent and not self.transport.is_closing():
            self.transport.write(CONTINUE)

    def _maybe_pause(self) -> None:
        """Reading stops while bodies or pipelined requests pile up; `_resume_reading` undoes it."""
        body = self._receiving
        if self._reading_paused or not (
            (body is not None and body.buffered > HIGH_WATER_BYTES) or len(self._waiting) > PIPELINE_MAX
        ):
            return
        self._reading_paused = True
        self.transport.pause_reading()

    def _resume_reading(self) -> None:
        if self._reading_paused and len(self._waiting) <= PIPELINE_MAX:
            self._reading_paused = False
            self.transport.resume_reading()

    def _refuse(self, failure: Failure) -> None:
        """Answers bytes that are no request; nothing after them is read as one."""
        self._broken = None
        self.closing = True
        if not self.transport.is_closing():
            self.transport.write(failure_reply(failure, None, keep_alive=False))
        self._start_lingering()

    def _close_gracefully(self) -> None:
        self.closing = True
        self.transport.close()

    def _start_lingering(self) -> None:
        """Reads and throws away a little, so that the client sees the answer and not a reset (design §5.6)."""
        if self.transport.is_closing():
            return
        self._is_lingering = True
        self._waiting.clear()
        self.deadline = self._loop.time() + LINGER_S
        if self.transport.can_write_eof() and not self._client_ended:
            self.transport.write_eof()
        if self._client_ended:
            self.transport.close()
        self._resume_reading()

    def _linger(self, size: int) -> None:
        self._lingering += size
        if self._lingering > LINGER_MAX_BYTES:
            self.transport.abort()
