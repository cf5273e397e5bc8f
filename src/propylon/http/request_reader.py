"""A client's bytes become the events of its requests: head, body pieces, END; or a Failure, after which nothing.

    between ──head with a body──▶ in body ──its last byte──▶ between
       │ head without: END                      │
       └── Failure, last request, upgrade ──▶ over ◀──┘

Knows no socket and no time. The end of each message is found here, byte-exact; llhttp only reads field lines.
"""

from functools import partial

import httptools

from propylon.errors import HeadTooLarge, MalformedRequest
from propylon.http.chunked import ChunkedBody
from propylon.http.field_lines import FieldLines
from propylon.http.head_buffer import HeadBuffer
from propylon.http.limits import HeadLimits
from propylon.http.messages import END, RequestHead
from propylon.http.request_head import parse_request_head
from propylon.http.request_line import check_request_start

Event = RequestHead | bytes | MalformedRequest | None
_EMPTY_LINE = b"\r\n"


class RequestReader:
    """One per client connection."""

    __slots__ = ("_blank", "_buffer", "_chunks", "_is_last", "_left", "_limits", "_lines", "_over", "_upgraded", "rest")

    def __init__(self, limits: HeadLimits) -> None:
        self._limits = limits
        check_start = partial(check_request_start, target_max_bytes=limits.target_max_bytes)
        self._buffer = HeadBuffer(limits, check_start, MalformedRequest, HeadTooLarge)
        self._lines = FieldLines(httptools.HttpRequestParser)
        self._blank = b""  # what of an empty line came before the running head
        self._left = 0  # bytes of a counted body still to come
        self._chunks: ChunkedBody | None = None
        self._is_last = False  # no request follows the running one: its head said so
        self._upgraded = False
        self._over = False
        self.rest = b""  # what came after a head that may open a tunnel

    @property
    def mid_message(self) -> bool:
        """True while the client owes us the rest of a head or body it began."""
        return bool(self._buffer.held or self._left or self._chunks is not None)

    def feed(self, data: bytes) -> list[Event]:
        """The events these bytes complete, in order."""
        events: list[Event] = []
        try:
            while data:
                if self._over:
                    self._keep_rest(data)
                    break
                data = self._take(data, events)
        except MalformedRequest as failure:
            self._end()
            events.append(failure)
        return events

    def _take(self, data: bytes, events: list[Event]) -> bytes:
        """Takes what belongs together; answers what is left."""
        if self._left:
            return self._take_counted(data, events)
        if self._chunks is not None:
            return self._take_chunks(self._chunks, data, events)
        return self._take_head(data, events)

    def _take_head(self, data: bytes, events: list[Event]) -> bytes:
        if data[0] <= 13 and not self._buffer.held:
            data = self._without_empty_line(data)
        taken = self._buffer.take(data) if data else None
        if taken is None:
            return b""
        raw, rest = taken
        head = parse_request_head(raw, self._lines, self._limits)
        events.append(head)
        self._blank = b""
        self._is_last = not head.keep_alive
        if head.body_length == 0:
            self._upgraded = bool(head.upgrade)
            self._finish_message(events)
        else:
            self._lines.forget()
            self._left = head.body_length or 0
            self._chunks = ChunkedBody(self._limits, MalformedRequest) if head.body_length is None else None
        return rest

    def _without_empty_line(self, data: bytes) -> bytes:
        """RFC 9112 §2.2: one empty line before a request line is let pass; old clients end a body with one."""
        owed = _EMPTY_LINE[len(self._blank) :]
        came = data[: len(owed)]
        if not came or not owed.startswith(came):
            raise MalformedRequest("blank before a request line")
        self._blank += came
        return data[len(came) :]

    def _take_counted(self, data: bytes, events: list[Event]) -> bytes:
        piece = data[: self._left]
        events.append(piece)
        self._left -= len(piece)
        if not self._left:
            self._finish_message(events)
        return data[len(piece) :]

    def _take_chunks(self, chunks: ChunkedBody, data: bytes, events: list[Event]) -> bytes:
        piece, rest = chunks.take(data)
        if piece:
            events.append(piece)
        if chunks.done:
            self._chunks = None
            self._finish_message(events)
        return rest

    def _finish_message(self, events: list[Event]) -> None:
        events.append(END)
        self._over = self._is_last

    def _keep_rest(self, data: bytes) -> None:
        """Bytes behind the last request are nobody's, behind an upgrade they are the tunnel's."""
        if not self._upgraded:
            return
        if len(self.rest) + len(data) > self._limits.head_max_bytes:
            raise MalformedRequest("too much before the upgrade was answered")
        self.rest += data

    def _end(self) -> None:
        self._over = True
        self._upgraded = False
        self._left = 0
        self._chunks = None
        self._buffer.held = b""
        self.rest = b""
