"""Bodies without their framing, strictly: the exact end of a message is where requests are smuggled. No message here.

Both kinds put the data they find into `pieces` and answer what follows the body; what stands before a fault in the
framing is in `pieces` when the fault is raised.
"""

import re
from typing import Final

from propylon.errors import Failure
from propylon.http.limits import HeadLimits

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED: Final = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
# At most 16 digits: a number no 64-bit reader can take for another one.
_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,16})((?:;%b(?:=(?:%b|%b))?)*)\r\n" % (_TOKEN, _TOKEN, _QUOTED))
_TRAILER_LINE: Final = re.compile(rb"%b:[\t -~\x80-\xff]*\r\n" % _TOKEN)


class CountedBody:
    """One per body with a Content-Length."""

    __slots__ = ("_left", "done")

    def __init__(self, length: int) -> None:
        self._left = length
        self.done = False

    def take(self, data: bytes, pieces: list[bytes]) -> bytes:
        piece = data[: self._left]
        pieces.append(piece)
        self._left -= len(piece)
        self.done = not self._left
        return data[len(piece) :]


class ChunkedBody:
    """One per chunked body (RFC 9112 §7.1); raises the failure it was made with. Holds an unfinished line, never data.

    Extensions are read over, trailers thrown away.
    """

    __slots__ = ("_failure", "_held", "_left", "_limits", "_size_line_max_bytes", "_trailer_bytes", "done")

    def __init__(self, limits: HeadLimits, failure: type[Failure]) -> None:
        self._failure = failure
        self._limits = limits
        self._size_line_max_bytes = 16 + limits.chunk_extension_max_bytes + 2
        self._held = b""
        self._left = 0  # bytes of the running chunk still to come, its CRLF included; 0 = a line is next
        self._trailer_bytes = -1  # read so far; -1 before the last chunk
        self.done = False

    def take(self, data: bytes, pieces: list[bytes]) -> bytes:
        if self._held:
            data = self._held + data
            self._held = b""
        at = 0
        while at < len(data) and not self.done:
            at = self._take_data(data, at, pieces) if self._left else self._take_line(data, at)
        return data[at:]

    def _take_data(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        if self._left > 2:
            piece = data[at : at + self._left - 2]
            pieces.append(piece)
        else:  # in the CRLF that ends the chunk
            piece = data[at : at + self._left]
            if piece != b"\r\n"[2 - self._left :][: len(piece)]:
                raise self._failure("chunk longer than its size")
        self._left -= len(piece)
        return at + len(piece)

    def _take_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at) + 1
        if not end:
            self._hold(data[at:])
            return len(data)
        if self._trailer_bytes < 0:
            self._take_size(data, at, end)
        else:
            self._take_trailer(data, at, end)
        return end

    def _hold(self, line: bytes) -> None:
        """Keeps an unfinished line that can still become a good one."""
        in_trailers = self._trailer_bytes >= 0
        room = self._limits.trailers_max_bytes - self._trailer_bytes if in_trailers else self._size_line_max_bytes
        if len(line) >= room:
            raise self._failure("chunk line or trailers too long")
        if b"\r" in line[:-1]:
            raise self._failure("CR without LF in a chunked body")
        self._held = line

    def _take_size(self, data: bytes, at: int, end: int) -> None:
        line = _SIZE_LINE.fullmatch(data, at, end)
        if line is None or end - at > self._size_line_max_bytes:
            raise self._failure("not a chunk size line")
        size = int(line[1], 16)
        if size:
            self._left = size + 2
        else:
            self._trailer_bytes = 0

    def _take_trailer(self, data: bytes, at: int, end: int) -> None:
        self._trailer_bytes += end - at
        if self._trailer_bytes > self._limits.trailers_max_bytes:
            raise self._failure("trailers too long")
        if data[at:end] == b"\r\n":
            self.done = True
        elif _TRAILER_LINE.fullmatch(data, at, end) is None:
            raise self._failure("not a trailer line")
