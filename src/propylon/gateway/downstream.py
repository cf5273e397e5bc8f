"""One client connection: bytes ↔ exchanges. Keep-alive, pipelining in order, back-pressure, deadlines, lingering close.

An exchange is started after `feed` returned, never from a parser callback, and one at a time: a pipelined request
waits until the answer before it is out. Knows no API; `serve` (gateway/handle.py) answers each exchange.

    idle ──first byte──▶ receiving ──END or enough──▶ exchange ──answer out──▶ idle
                                                        │ body not taken
                                                        └──▶ lingering (≤ 1 MiB, ≤ 2 s) ──▶ closed
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from propylon.clock import SystemClock
from propylon.errors import ClientGone, Failure, RequestTimeout
from propylon.exchange import Exchange
from propylon.gateway.deadlines import NEVER, Deadlines
from propylon.gateway.intake import PIPELINE_MAX, Incoming, Intake
from propylon.gateway.replies import failure_reply
from propylon.gateway.request_body import RequestBody
from propylon.gateway.tunnel_end import TunnelEnd
from propylon.gateway.write_flow import WriteFlow
from propylon.http.client_address import TrustedProxies
from propylon.http.limits import HeadLimits

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
LINGER_S: Final = 2.0
LINGER_MAX_BYTES: Final = 1024 * 1024
LAST_REQUEST_S: Final = 1.0  # while draining; a request may be on the way


class DownstreamSettings(NamedTuple):
    """What every client connection of a worker shares."""

    head_limits: HeadLimits
    head_timeout_s: float
    idle_timeout_s: float
    body_timeout_s: float
    request_body_max_bytes: int
    trusted_proxies: TrustedProxies
    tls: ssl.SSLContext | None
    note_refused: Callable[[Failure], None]  # of bytes that are no request; by usage


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
        self._intake = Intake(
            settings.head_limits, settings.request_body_max_bytes, self._resume_reading, self._send_continue
        )
        self._flow = WriteFlow(loop)
        self._task: asyncio.Task[None] | None = None
        self._reading_paused = False
        self._lingering = 0  # bytes thrown away so far, while lingering
        self._is_lingering = False
        self._head_begun = True  # the deadline is that of a head, not of an idle connection
        self._client_ended = False  # the client shut its writing side
        self._draining = False
        self._tunnel: TunnelEnd | None = None  # takes this side's bytes after a 101
        self.head_sent = False  # of the running exchange
        self.closing = False  # the client was told, or must notice: no further exchange on this connection
        self.deadline = NEVER

    # -- what an exchange does ------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Raises ClientGone rather than writing into the void."""
        if self.transport.is_closing():
            raise ClientGone("connection closed")
        self.transport.write(data)

    async def writable(self) -> None:
        """Returns when the client takes more; a client that takes nothing for body_timeout_s is cut."""
        if self._flow.is_full:
            self.deadline = self._loop.time() + self._settings.body_timeout_s
            await self._flow.room()
            self.deadline = self._body_deadline()
        if self.transport.is_closing():
            raise ClientGone("connection closed")

    def begin_reply(self, exchange: Exchange, body: RequestBody, *, ends_by_close: bool = False) -> bool:
        """Marks the head as out; answers whether the connection can serve another request, as the reply must say."""
        ends_here = (self._client_ended or self._draining) and not self._intake.waiting
        keep_alive = exchange.head.keep_alive and body.complete and not (self.closing or ends_here or ends_by_close)
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
        self._flow.feeder = feeder
        self.deadline = NEVER
        self._resume_reading()
        return self._intake.rest

    @property
    def broken(self) -> Failure | None:
        """What is wrong with the bytes behind the running request."""
        return self._intake.broken

    @property
    def running(self) -> bool:
        return self._task is not None

    def drain(self) -> None:
        """The next answer says that it is the last. A connection that asks for none within LAST_REQUEST_S closes: its
        next request may be on the way, and would be lost if it closed at once."""
        self._draining = True
        if self._task is None and not self._intake.mid_message and not self._is_lingering:
            self.deadline = min(self.deadline, self._loop.time() + LAST_REQUEST_S)

    # -- what the transport does ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment] # a stream transport by construction
        peer = transport.get_extra_info("peername")
        self.peer_ip: str = peer[0].removeprefix("::ffff:") if peer else "127.0.0.1"
        self._connections.add(self)
        self._deadlines.add(self)
        self._stranger = self._settings.trusted_proxies.stranger(self.peer_ip)
        self.deadline = self._loop.time() + (LAST_REQUEST_S if self._draining else self._settings.head_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._deadlines.discard(self)
        self._intake.waiting.clear()
        self._flow.resume()
        if self._tunnel is not None:
            self._tunnel.connection_lost(exc)
        elif self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        if self._tunnel is not None:
            self._tunnel.data_received(data)
            return
        if self._is_lingering:
            self._linger(len(data))
            return
        now = SystemClock.monotonic()  # the loop's own counts whole milliseconds, and exchanges begin here
        intake = self._intake
        intake.feed(data, now)
        if self._task is None:
            self._next(now)
        elif intake.receiving is not None:
            self.deadline = self._body_deadline()
        if intake.is_full and not self._reading_paused and not self.transport.is_closing():
            self._reading_paused = True
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        """A client may shut its writing side and still read answers (RFC 9112 §9.6); TLS has no such half."""
        self._client_ended = True
        if self._tunnel is not None:
            self._tunnel.eof_received()
            return True
        self._intake.fail_body(ClientGone("ended inside the request body"))
        return self._task is not None and self._settings.tls is None

    def pause_writing(self) -> None:
        self._flow.pause()

    def resume_writing(self) -> None:
        self._flow.resume()

    def expire(self) -> None:
        """The deadline passed: the client owes us a head, a body piece, or reading, or has been idle too long."""
        if self._flow.is_full or self._is_lingering or self.transport.is_closing():
            self.transport.abort()
        elif self._task is not None:
            self._expire_body()
        elif self._intake.mid_message:
            self._refuse(RequestTimeout("no whole head within head_timeout_s"))
        else:
            self.transport.close()

    # -- inside ---------------------------------------------------------------------------------------------------

    def _next(self, now: float) -> None:
        """Starts the next exchange, or waits for one, or refuses what cannot be one."""
        intake = self._intake
        if self.closing:
            self._close_gracefully()
        elif intake.waiting:
            self._head_begun = False
            self.head_sent = False
            self.deadline = self._body_deadline()
            self._task = self._loop.create_task(self._run(intake.waiting.popleft()))
        elif intake.broken is not None:
            self._refuse(intake.broken)
        elif self._client_ended:
            self._close_gracefully()
        elif intake.mid_message:
            if not self._head_begun:
                self._head_begun = True
                self.deadline = now + self._settings.head_timeout_s
        else:
            self._head_begun = False
            self.deadline = now + (LAST_REQUEST_S if self._draining else self._settings.idle_timeout_s)

    async def _run(self, incoming: Incoming) -> None:
        head, body, started = incoming
        client = self._stranger or self._settings.trusted_proxies.client(self.peer_ip, head)
        exchange = Exchange(head, client.ip, self.peer_ip, started, peer_trusted=client.peer_trusted)
        try:
            await self._serve(exchange, body, self)
        finally:
            self._task = None
        if not body.complete:
            body.discard()
            self._start_lingering()
        elif not head.keep_alive:
            self._close_gracefully()
        else:
            if self._reading_paused:
                self._resume_reading()
            self._next(self._loop.time())

    def _send_continue(self) -> None:
        if not self.head_sent and not self.transport.is_closing():
            self.transport.write(CONTINUE)

    def _body_deadline(self) -> float:
        """Of the next piece of a body that is still coming."""
        return NEVER if self._intake.receiving is None else self._loop.time() + self._settings.body_timeout_s

    def _expire_body(self) -> None:
        if self._reading_paused:  # the client waits for us, not we for it
            self.deadline = self._body_deadline()
        else:
            self._intake.fail_body(RequestTimeout("no body piece within body_timeout_s"))

    def _resume_reading(self) -> None:
        if self._reading_paused and len(self._intake.waiting) <= PIPELINE_MAX and not self.transport.is_closing():
            self._reading_paused = False
            self.deadline = self._body_deadline()
            self.transport.resume_reading()

    def _refuse(self, failure: Failure) -> None:
        """Answers bytes that are no request; nothing after them is read as one."""
        self.closing = True
        self._settings.note_refused(failure)
        if not self.transport.is_closing():
            self.transport.write(failure_reply(failure, None, keep_alive=False))
        self._start_lingering()

    def _close_gracefully(self) -> None:
        """What was written still leaves, for as long as the client takes it."""
        self.closing = True
        self.deadline = self._loop.time() + self._settings.body_timeout_s
        self.transport.close()

    def _start_lingering(self) -> None:
        """Reads and throws away a little, so that the client sees the answer and not a reset (design §5.6)."""
        if self.transport.is_closing():
            return
        self._is_lingering = True
        self._intake.waiting.clear()
        self._resume_reading()
        self.deadline = self._loop.time() + LINGER_S
        if self._client_ended:
            self.transport.close()
        elif self.transport.can_write_eof():
            self.transport.write_eof()

    def _linger(self, size: int) -> None:
        self._lingering += size
        if self._lingering > LINGER_MAX_BYTES:
            self.transport.abort()
