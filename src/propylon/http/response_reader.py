"""An upstream's bytes become the events of one answer: head, body pieces, END; or a Failure, after which nothing.

Interim answers (1xx other than 101) are read over. Knows no socket and no time; one reader per answer.
"""

from propylon.errors import MalformedResponse, UpstreamFailure, UpstreamReset
from propylon.http.bodies import ChunkedBody, CountedBody
from propylon.http.head_buffer import HeadBuffer
from propylon.http.limits import HeadLimits
from propylon.http.messages import END, ResponseHead
from propylon.http.response_head import SWITCHING, check_response_start, parse_response_head

Event = ResponseHead | bytes | UpstreamFailure | None


class ResponseReader:
    """Made with the request it answers: an answer to HEAD has no body whatever its fields say."""

    __slots__ = (
        "_body",
        "_buffer",
        "_dead",
        "_head_request",
        "_limits",
        "_until_close",
        "done",
        "rest",
        "surplus",
        "switched",
    )

    def __init__(self, *, head_request: bool, limits: HeadLimits) -> None:
        self._head_request = head_request
        self._limits = limits
        self._buffer = HeadBuffer(limits, check_response_start, MalformedResponse, MalformedResponse)
        self._body: CountedBody | ChunkedBody | None = None  # until its end
        self._until_close = False
        self._dead = False
        self.done = False  # the answer came whole
        self.switched = False  # after a 101 the bytes are the tunnel's; never `done`
        self.rest = b""  # what came after a 101
        self.surplus = False  # bytes came after the answer: they answer nothing, the connection is not to be used again

    def feed(self, data: bytes) -> "list[ResponseHead | bytes | UpstreamFailure | None]":
        """The events these bytes complete, in order."""
        events: list[Event] = []
        try:
            while data and not self._dead:
                data = self._take(data, events)
        except MalformedResponse as failure:
            self._dead = True
            events.append(failure)
        return events

    def eof(self) -> "list[ResponseHead | bytes | UpstreamFailure | None]":
        """The upstream ended the connection: the end of some bodies, too early for everything else."""
        if self.done or self.switched or self._dead:
            return []
        self._dead = True
        if self._until_close:
            self.done = True
            return [END]
        return [UpstreamReset("ended before its answer did")]

    def _take(self, data: bytes, events: list[Event]) -> bytes:
        """Takes what belongs together; answers what is left."""
        if self._body is not None:
            return self._take_body(self._body, data, events)
        if self._until_close:
            events.append(data)
        elif self.switched:
            self.rest += data
        elif self.done:
            self.surplus = True
        else:
            return self._take_head(data, events)
        return b""

    def _take_head(self, data: bytes, events: list[Event]) -> bytes:
        taken = self._buffer.take(data)
        if taken is None:
            return b""
        raw, field_lines, rest = taken
        head = parse_response_head(raw, field_lines, head_request=self._head_request)
        if head.status >= 200:
            events.append(head)
            self._begin_body(head, events)
        elif head.status == SWITCHING:
            events.append(head)
            self.switched = True
        return rest

    def _begin_body(self, head: ResponseHead, events: list[Event]) -> None:
        if head.body_length:
            self._body = CountedBody(head.body_length)
        elif head.body_length == 0:
            self._finish(events)
        elif head.until_close:
            self._until_close = True
        else:
            self._body = ChunkedBody(self._limits, MalformedResponse)

    def _take_body(self, body: CountedBody | ChunkedBody, data: bytes, events: list[Event]) -> bytes:
        pieces: list[bytes] = []
        try:
            rest = body.take(data, pieces)
        finally:
            if pieces:
                events.append(b"".join(pieces))
        if body.done:
            self._body = None
            self._finish(events)
        return rest

    def _finish(self, events: list[Event]) -> None:
        events.append(END)
        self.done = True
