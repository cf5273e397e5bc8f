"""A client's bytes become the events of its requests: head, body pieces, END; or a Failure, after which nothing.

    between ──head with a body──▶ in body ──its last byte──▶ between
       │ head without: END                      │
       └── Failure, last request, upgrade ──▶ over ◀──┘

Knows no socket and no time. The end of each message is found here, byte-exact; llhttp is never asked for it.
"""

from functools import partial
from typing import Final

from propylon.errors import HeadTooLarge, MalformedRequest
from propylon.http.bodies import ChunkedBody, CountedBody
from propylon.http.head_buffer import HeadBuffer
from propylon.http.limits import HeadLimits
from propylon.http.messages import END, RequestHead
from propylon.http.request_head import parse_repeated_head, parse_request_head
from propylon.http.request_line import check_request_start

Event = RequestHead | bytes | MalformedRequest | None
_EMPTY_LINE: Final = b"\r\n"
_CR: Final = 13


class RequestReader:
    """One per client connection."""

    __slots__ = (
        "_before",
        "_blank",
        "_body",
        "_buffer",
        "_is_last",
        "_limits",
        "_over",
        "_repeatable",
        "_upgraded",
        "rest",
    )

    def __init__(self, limits: HeadLimits) -> None:
        self._limits = limits
        check_start = partial(check_request_start, target_max_bytes=limits.target_max_bytes)
        self._buffer = HeadBuffer(limits, check_start, MalformedRequest, HeadTooLarge)
        self._before: RequestHead | None = None  # the head that came last
        self._repeatable: bytes | None = None  # that head, if these bytes alone were it and any request may follow
        self._blank = b""  # what of an empty line came before the running head
        self._body: CountedBody | ChunkedBody | None = None  # of the running request, until its end
        self._is_last = False  # no request follows the running one: its head said so
        self._upgraded = False
        self._over = False
        self.rest = b""  # what came after a head that may open a tunnel

    @property
    def mid_message(self) -> bool:
        """True while the client owes us the rest of a head or body it began."""
        return bool(self._buffer.held) or self._body is not None

    def feed(self, data: bytes) -> list[Event]:
        """The events these bytes complete, in order."""
        if data == self._repeatable:  # a client that polls: from the same state, the same bytes
            return [self._before, END]
        events: list[Event] = []
        came, was_between = data, self._is_between
        try:
            while data:
                if self._over:
                    self._keep_rest(data)
                    break
                if self._body is None:
                    data = self._take_head(data, events)
                else:
                    data = self._take_body(self._body, data, events)
        except MalformedRequest as failure:
            self._end()
            events.append(failure)
        is_head_alone = len(events) == 2 and events[1] is END and was_between and self._is_between
        self._repeatable = came if is_head_alone else None
        return events

    @property
    def _is_between(self) -> bool:
        """True while nothing but the next request is awaited."""
        return not (self._over or self._blank or self.mid_message)

    def _take_head(self, data: bytes, events: list[Event]) -> bytes:
        if (data[0] <= _CR or self._blank == b"\r") and not self._buffer.held:
            data = self._without_empty_line(data)
            if not data:
                return b""
        found = self._next_head(data)
        if found is None:
            return b""
        head, rest = found
        self._before = head
        events.append(head)
        self._blank = b""
        self._is_last = not head.keep_alive
        if head.body_length == 0:
            self._upgraded = bool(head.upgrade)
            events.append(END)
            self._over = self._is_last
        elif head.body_length is None:
            self._body = ChunkedBody(self._limits, MalformedRequest)
        else:
            self._body = CountedBody(head.body_length)
        return rest

    def _next_head(self, data: bytes) -> tuple[RequestHead, bytes] | None:
        """The head these bytes begin with or complete, and what follows it."""
        before = self._before
        if before is not None and not self._buffer.held:
            repeated = parse_repeated_head(data, before, self._limits)
            if repeated is not None:
                head, end = repeated
                return head, data[end:]
        taken = self._buffer.take(data)
        if taken is None:
            return None
        raw, field_lines, rest = taken
        return parse_request_head(raw, field_lines, self._limits), rest

    def _without_empty_line(self, data: bytes) -> bytes:
        """RFC 9112 §2.2: one empty line before a request line is let pass; old clients end a body with one."""
        owed = _EMPTY_LINE[len(self._blank) :]
        came = data[: len(owed)]
        if not came or not owed.startswith(came):
            raise MalformedRequest("blank before a request line")
        self._blank += came
        return data[len(came) :]

    def _take_body(self, body: CountedBody | ChunkedBody, data: bytes, events: list[Event]) -> bytes:
        pieces: list[bytes] = []
        try:
            rest = body.take(data, pieces)
        finally:
            if pieces:
                events.append(b"".join(pieces))
        if body.done:
            self._body = None
            events.append(END)
            self._over = self._is_last
        return rest

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
        self._body = None
        self._buffer.held = b""
        self.rest = b""
