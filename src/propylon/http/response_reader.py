"""An upstream's bytes become the events of one answer: head, body pieces, END; or a Failure, after which nothing.

Interim answers (1xx other than 101) are read over. Knows no socket and no time; one reader per connection.

    over ──begin──▶ head ──▶ body ──its last byte──▶ over
                     │ 101                     └── Failure, surplus: the connection is of no use any more
                     └──▶ switched
"""

from propylon.errors import MalformedResponse, UpstreamFailure, UpstreamReset
from propylon.http.bodies import ChunkedBody, CountedBody
from propylon.http.head_buffer import HeadBuffer
from propylon.http.limits import HeadLimits
from propylon.http.messages import END, ResponseHead
from propylon.http.response_head import SWITCHING, check_response_start, parse_response_head

Event = ResponseHead | bytes | UpstreamFailure | None


class ResponseReader:
    """One answer at a time; `begin` names the request: an answer to HEAD has no body whatever its fields say."""

    __slots__ = (
        "_before",
        "_before_raw",
        "_body",
        "_buffer",
        "_head_request",
        "_limits",
        "_until_close",
        "broken",
        "done",
        "rest",
        "surplus",
        "switched",
    )

    def __init__(self, limits: HeadLimits) -> None:
        self._limits = limits
        self._head_request = False
        self._buffer = HeadBuffer(limits, check_response_start, MalformedResponse, MalformedResponse)
        self._before: ResponseHead | None = None  # the plain head that came last, of these bytes:
        self._before_raw = b""
        self._body: CountedBody | ChunkedBody | None = None  # until its end
        self._until_close = False
        self.broken = False  # nothing more will come of it
        self.done = True  # no answer is awaited; the last one came whole
        self.switched = False  # after a 101 the bytes are the tunnel's; never `done`
        self.rest = b""  # what came after a 101
        self.surplus = False  # bytes came after the answer: they answer nothing, the connection is not to be used again

    def begin(self, *, head_request: bool) -> None:
        """The next answer may come; the last one is `done`."""
        assert self.done, "an answer is still under way"
        self._head_request = head_request
        self.done = False

    def feed(self, data: bytes) -> "list[ResponseHead | bytes | UpstreamFailure | None]":
        """The events these bytes complete, in order."""
        events: list[Event] = []
        try:
            while data and not self.broken:
                data = self._take(data, events)
        except MalformedResponse as failure:
            self.broken = True
            events.append(failure)
        return events

    def eof(self) -> "list[ResponseHead | bytes | UpstreamFailure | None]":
        """The upstream ended the connection: the end of some bodies, too early for everything else."""
        if self.done or self.switched or self.broken:
            return []
        self.broken = True
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
        before = self._before
        if before is not None and data.startswith(self._before_raw) and not (self._buffer.held or self._head_request):
            events.append(before)  # within one second an upstream often answers with the very same head
            return self._begin_body(before, data[len(self._before_raw) :], events)
        taken = self._buffer.take(data)
        if taken is None:
            return b""
        raw, field_lines, rest = taken
        head = parse_response_head(raw, field_lines, head_request=self._head_request)
        if head.passing is not None:
            self._before, self._before_raw = head, raw
        if head.status >= 200:
            events.append(head)
            return self._begin_body(head, rest, events)
        if head.status == SWITCHING:
            events.append(head)
            self.switched = True
        return rest

    def _begin_body(self, head: ResponseHead, rest: bytes, events: list[Event]) -> bytes:
        length = head.body_length
        if length is None:
            if head.until_close:
                self._until_close = True
            else:
                self._body = ChunkedBody(self._limits, MalformedResponse)
        elif length > len(rest):
            self._body = CountedBody(length)
        else:  # the usual small answer, here whole
            if length:
                events.append(rest[:length])
            self._finish(events)
            return rest[length:]
        return rest

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
