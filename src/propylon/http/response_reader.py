"""An upstream's bytes become the events of one answer: head, body pieces, END; or a Failure, after which nothing.

Interim answers (1xx other than 101) are read over. Knows no socket and no time; one reader per answer.
"""

import httptools

from propylon.errors import MalformedResponse, UpstreamFailure, UpstreamReset
from propylon.http.chunked import ChunkedBody
from propylon.http.field_lines import FieldLines
from propylon.http.head_buffer import HeadBuffer
from propylon.http.limits import HeadLimits
from propylon.http.messages import END, ResponseHead
from propylon.http.response_head import SWITCHING, check_response_start, parse_response_head

Event = ResponseHead | bytes | UpstreamFailure | None


class ResponseReader:
    """Made with the request it answers: an answer to HEAD has no body whatever its fields say."""

    __slots__ = (
        "_buffer",
        "_chunks",
        "_dead",
        "_head_request",
        "_left",
        "_limits",
        "_lines",
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
        self._lines = FieldLines(httptools.HttpResponseParser)
        self._left = 0  # bytes of a counted body still to come
        self._chunks: ChunkedBody | None = None
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
        if self._left:
            return self._take_counted(data, events)
        if self._chunks is not None:
            return self._take_chunks(self._chunks, data, events)
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
        raw, rest = taken
        head = parse_response_head(raw, self._lines, head_request=self._head_request)
        if head.status >= 200:
            events.append(head)
            self._begin_body(head, events)
        elif head.status == SWITCHING:
            events.append(head)
            self.switched = True
        else:
            self._lines.forget()
        return rest

    def _begin_body(self, head: ResponseHead, events: list[Event]) -> None:
        self._until_close = head.until_close
        if head.body_length:
            self._left = head.body_length
        elif head.body_length == 0:
            self._finish(events)
        elif not head.until_close:
            self._chunks = ChunkedBody(self._limits, MalformedResponse)

    def _take_counted(self, data: bytes, events: list[Event]) -> bytes:
        piece = data[: self._left]
        events.append(piece)
        self._left -= len(piece)
        if not self._left:
            self._finish(events)
        return data[len(piece) :]

    def _take_chunks(self, chunks: ChunkedBody, data: bytes, events: list[Event]) -> bytes:
        piece, rest = chunks.take(data)
        if piece:
            events.append(piece)
        if chunks.done:
            self._chunks = None
            self._finish(events)
        return rest

    def _finish(self, events: list[Event]) -> None:
        events.append(END)
        self.done = True
