"""The bytes of one head until its empty line is here, counted before they are kept. Knows line ends, no syntax.

Whatever the pieces the bytes come in, the same bytes are refused for the same reason: of several faults, the one
that stands first.
"""

from collections.abc import Callable
from typing import Final

from propylon.errors import Failure
from propylon.http.limits import HeadLimits

EMPTY_LINE: Final = b"\r\n\r\n"


class HeadBuffer:
    """One per reader; holds less than `head_max_bytes`."""

    __slots__ = ("_check_start", "_checked", "_limits", "_malformed", "_too_large", "held")

    def __init__(
        self,
        limits: HeadLimits,
        check_start: Callable[[bytes], None],
        malformed: type[Failure],
        too_large: type[Failure],
    ) -> None:
        self._limits = limits
        self._check_start = check_start  # raises when an unfinished head cannot become a good one
        self._malformed = malformed
        self._too_large = too_large
        self._checked = 0  # bytes of `held` whose line ends are known to be good
        self.held = b""

    def take(self, data: bytes) -> tuple[bytes, int, bytes] | None:
        """The head with its empty line, how many field lines it has, and what follows; None while it is unfinished.

        Raises as soon as it is certain that the head will be refused.
        """
        if self.held:
            data = self.held + data
            end = data.find(EMPTY_LINE, max(0, self._checked - 3)) + 4
        else:
            end = data.find(EMPTY_LINE) + 4
        limits = self._limits
        if 4 <= end <= limits.head_max_bytes:
            fields = data.count(b"\n", 0, end) - 2
            if fields <= limits.fields_max:
                self.held = b""
                self._checked = 0
                return data[:end], fields, data[end:]
        self._refuse_or_hold(data)
        return None

    def _refuse_or_hold(self, data: bytes) -> None:
        self._check_start(data)
        end = self._end_of_room(data)
        self._refuse_bare_line_ends(data[self._checked : end])
        if len(data) >= end:
            raise self._too_large(f"more than {self._limits.head_max_bytes} bytes or {self._limits.fields_max} fields")
        self.held = data
        self._checked = len(data) - data.endswith(b"\r")

    def _end_of_room(self, data: bytes) -> int:
        """Where the first byte stands that no permitted head can have without having ended."""
        lines_max = self._limits.fields_max + 2
        if data.count(b"\n", 0, self._limits.head_max_bytes) < lines_max:
            return self._limits.head_max_bytes
        end = 0
        for _ in range(lines_max):
            end = data.index(b"\n", end) + 1
        return end

    def _refuse_bare_line_ends(self, data: bytes) -> None:
        """RFC 9112 §2.2 lets us take a bare LF for a line end; two readers that differ there are a smuggler's joy."""
        pairs = data.count(b"\r\n")
        if data.count(b"\n") != pairs or data.count(b"\r") - data.endswith(b"\r") != pairs:
            raise self._malformed("a CR without LF or an LF without CR")
