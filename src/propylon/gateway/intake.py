"""What a client has sent and nobody has answered yet: requests in order, the body that still comes, what is no request.

Bytes in, requests out; says when enough is here. Knows no socket, no deadline and no exchange.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from propylon.errors import BodyTooLarge, Failure
from propylon.gateway.request_body import HIGH_WATER_BYTES, NO_BODY, RequestBody
from propylon.http.limits import HeadLimits
from propylon.http.messages import END, RequestHead
from propylon.http.request_reader import RequestReader

PIPELINE_MAX: Final = 16  # requests waiting behind the running one before reading pauses


Incoming = tuple[RequestHead, RequestBody, float]  # a request whose head is here, and when it came


class Intake:
    """One per client connection."""

    def __init__(
        self, limits: HeadLimits, body_max_bytes: int, on_room: Callable[[], None], send_continue: Callable[[], None]
    ) -> None:
        self._reader = RequestReader(limits)
        self._body_max_bytes = body_max_bytes
        self._on_room = on_room
        self._send_continue = send_continue
        self.waiting: deque[Incoming] = deque()
        self.receiving: RequestBody | None = None  # of the newest request, until its last byte is here
        self.broken: Failure | None = None  # what came after the last good request is not HTTP

    @property
    def mid_message(self) -> bool:
        """True while the client owes us the rest of a head or body it began."""
        return self._reader.mid_message

    @property
    def is_full(self) -> bool:
        """True when bodies or pipelined requests pile up."""
        body = self.receiving
        return (body is not None and body.buffered > HIGH_WATER_BYTES) or len(self.waiting) > PIPELINE_MAX

    @property
    def rest(self) -> bytes:
        """What came behind a request that opens a tunnel."""
        return self._reader.rest

    def feed(self, data: bytes, now: float) -> None:
        for event in self._reader.feed(data):
            if isinstance(event, RequestHead):
                self.receiving = body = self._body_of(event) if event.body_length != 0 else NO_BODY
                self.waiting.append((event, body, now))
            elif isinstance(event, Failure):
                self.broken = event
                self.fail_body(event)
            elif self.receiving is None:
                continue
            elif event is END:
                self.receiving.end()
                self.receiving = None
            else:
                self.receiving.add(event)

    def fail_body(self, failure: Failure) -> None:
        """The rest of the body will not come."""
        if self.receiving is not None:
            self.receiving.fail(failure)

    def _body_of(self, head: RequestHead) -> RequestBody:
        length = head.body_length
        body = RequestBody(self._on_room, self._send_continue if head.expects_continue else None, self._body_max_bytes)
        if length is not None and 0 < self._body_max_bytes < length:
            body.fail(BodyTooLarge(f"{length} bytes announced"))
        return body
