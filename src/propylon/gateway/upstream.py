"""One connection to an upstream: bytes ↔ the events of one answer at a time.

Made by `pool`, used by one exchange at a time, back in the pool or closed afterwards. Knows no API and no client.
"""

import asyncio
from collections import deque
from typing import Final

from propylon.errors import Failure, UpstreamReset, UpstreamTimeout
from propylon.gateway.deadlines import NEVER
from propylon.gateway.tunnel_end import TunnelEnd
from propylon.gateway.write_flow import WriteFlow
from propylon.http.limits import HeadLimits
from propylon.http.messages import END, ResponseHead
from propylon.http.response_reader import ResponseReader

READ_AHEAD_MAX_BYTES: Final = 256 * 1024  # of an answer held for a slower client before reading pauses

Event = ResponseHead | bytes | None


class UpstreamConnection(asyncio.Protocol):
    """When `deadline` passes, the wait for an answer fails with UpstreamTimeout."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: HeadLimits) -> None:
        self.deadline = NEVER
        self.requests = 0  # sent on this connection so far
        self.heard = False  # a byte of the current answer has come
        self.idle_since = 0.0
        self.closed = False
        self._loop = loop
        self._reader = ResponseReader(limits)
        self._events: deque[Event | Failure] = deque()
        self._buffered = 0
        self._waiter: asyncio.Future[None] | None = None
        self._reading_paused = False
        self._awaits_head = False
        self._flow = WriteFlow(loop)
        self._tunnel: TunnelEnd | None = None  # takes this side's bytes after a 101

    # -- what an exchange does ------------------------------------------------------------------------------------

    def begin(self, data: bytes, *, head_request: bool) -> None:
        """Sends a request head (and what of the body is there) and awaits its answer."""
        self._reader.begin(head_request=head_request)
        self.requests += 1
        self.heard = False
        self._awaits_head = True
        self.transport.write(data)

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    async def writable(self) -> None:
        """Returns when the upstream takes more; raises UpstreamReset when it never will."""
        if self.closed:
            raise UpstreamReset("closed while the request body was sent")
        await self._flow.room()

    def expect(self, within_s: float) -> None:
        """The upstream is to take what was sent, or begin its answer, within this time; no matter once it has begun."""
        if self._awaits_head:
            self.deadline = self._loop.time() + within_s

    def expect_nothing(self) -> None:
        """It is the client's turn."""
        self.deadline = NEVER

    async def next_event(self) -> Event:
        """The answer's head, then body pieces, then END; raises the Failure that ended it."""
        while not self._events:
            if self._buffered:
                self._make_room(self._buffered)
            self._waiter = self._loop.create_future()
            await self._waiter
        event = self._events.popleft()
        if isinstance(event, bytes):
            self._make_room(len(event))
        elif isinstance(event, Failure):
            raise event
        elif event is not END:
            self._awaits_head = False
            self.deadline = NEVER
        return event

    def take_ready_body(self) -> tuple[bytes, bool]:
        """The body pieces that are there, joined, and whether the answer is complete; never waits."""
        events = self._events
        if len(events) == 2 and events[1] is END and isinstance(events[0], bytes):  # the usual small answer
            piece = events[0]
            events.clear()
            self._buffered = 0
            return piece, True
        if len(events) == 1 and events[0] is END:
            events.clear()
            return b"", True
        return b"", False

    def fail(self, failure: Failure) -> None:
        """Ends the wait for an answer from outside: the client's body could not be had, a deadline passed."""
        self._events.append(failure)
        self._wake()

    @property
    def reusable(self) -> bool:
        """True once an answer ended cleanly and the upstream keeps the connection."""
        reader = self._reader
        return reader.done and not reader.surplus and not self._events and not self.closed

    def begin_tunnel(self, receiver: TunnelEnd, feeder: TunnelEnd) -> bytes:
        """From here bytes go to `receiver` and come from `feeder`; answers what came after the 101 head."""
        self._tunnel = receiver
        self._flow.feeder = feeder
        self._events.clear()
        return self._reader.rest

    def close(self) -> None:
        self.transport.abort()

    # -- what the transport does ----------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment] # a stream transport by construction

    def data_received(self, data: bytes) -> None:
        if self._tunnel is not None:
            self._tunnel.data_received(data)
            return
        reader = self._reader
        if reader.done:  # an answer nobody asked for
            self.transport.abort()
            return
        self.heard = True
        self._events.extend(reader.feed(data))
        self._buffered += len(data)  # heads and framing too: a little more than what is kept
        self._wake()
        if reader.broken:
            self.transport.abort()
        elif self._buffered > READ_AHEAD_MAX_BYTES and not self._reading_paused:
            self._reading_paused = True
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        if self._tunnel is not None:
            self._tunnel.eof_received()
            return True
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._flow.resume()
        if self._tunnel is not None:
            self._tunnel.connection_lost(exc)
        elif not self._reader.done:
            self._events.extend(self._reader.eof())
        self._wake()

    def pause_writing(self) -> None:
        self._flow.pause()

    def resume_writing(self) -> None:
        self._flow.resume()

    def expire(self) -> None:
        self.fail(UpstreamTimeout("no answer within upstream_timeout_s"))

    def _make_room(self, size: int) -> None:
        self._buffered -= size
        if self._reading_paused and self._buffered < READ_AHEAD_MAX_BYTES // 2:
            self._reading_paused = False
            self.transport.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
