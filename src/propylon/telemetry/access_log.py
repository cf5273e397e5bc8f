"""The access log: one line of JSON an exchange, on standard error, of some or all of them (setting `access_log`).

Which exchanges come here is decided by who gives them. Lines are gathered, and written four times a second by a thread,
so that a disk or a reader that stands still holds up no request: past WAITING_MAX_BYTES lines are lost, and counted.
Nothing a client sends can end a line or reach a terminal as a control character.
"""

import asyncio
import os
import select
from collections.abc import Callable, Iterator, Mapping, Sequence
from json import JSONEncoder
from typing import Final, TextIO

FLUSH_S: Final = 0.25
WAITING_MAX_BYTES: Final = 4 * 1024**2  # of lines in a worker that nobody has taken yet; further ones are lost
LINE_MAX_BYTES: Final = 4_096  # what a pipe takes whole (PIPE_BUF): lines of several workers do not mix
STUCK_S: Final = 1.0  # a reader that takes nothing for so long loses the lines at hand

_SHORT: Final = {"path": 128, "name": 64}  # characters of them in a line that would be too long
_encode: Final = JSONEncoder(separators=(",", ":")).encode


def line(entry: Mapping[str, object]) -> str:
    """Printable ASCII: JSON escapes the rest, half surrogates and DEL too."""
    text = _encode(entry)
    if len(text) < LINE_MAX_BYTES:
        return text
    return _encode({**entry, **{name: str(entry.get(name, ""))[:most] for name, most in _SHORT.items()}})


class Output:
    """Where lines go: a file, a pipe, a terminal. Waits at most `stuck_s` for who reads it."""

    def __init__(self, descriptor: int, stuck_s: float = STUCK_S) -> None:
        self._descriptor = descriptor
        self._stuck_s = stuck_s
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def __call__(self, piece: bytes) -> bool:
        """Whether it was taken, whole."""
        try:
            ready = self._poll.poll(self._stuck_s * 1000)
            return bool(ready) and os.write(self._descriptor, piece) == len(piece)
        except OSError:
            return False


def output_to(stream: TextIO | None) -> Output:
    """None is a standard error that was closed: its number may be another file's by now, so lines go nowhere."""
    return Output(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC) if stream is None else stream.fileno())


class AccessLog:
    """One per worker, whose owner calls `flush` every FLUSH_S and at the end."""

    def __init__(self, take: Callable[[bytes], bool]) -> None:
        self.lost = 0
        self._take = take
        self._lines: list[bytes] = []
        self._waiting_bytes = 0

    def write(self, entry: Mapping[str, object]) -> None:
        """Never waits."""
        if self._waiting_bytes >= WAITING_MAX_BYTES:
            self.lost += 1
            return
        text = line(entry).encode() + b"\n"
        self._lines.append(text)
        self._waiting_bytes += len(text)

    async def flush(self) -> None:
        """One at a time; a flush beside one that runs leaves it what has come meanwhile."""
        lines, size = self._lines, self._waiting_bytes
        if lines:
            self._lines = []
            try:
                self.lost += await asyncio.to_thread(_write, self._take, lines)
            finally:
                self._waiting_bytes -= size


def _write(take: Callable[[bytes], bool], lines: Sequence[bytes]) -> int:
    """Answers how many lines were not taken: what comes behind a piece that was not is not tried."""
    pieces = _pieces(lines)
    for piece in pieces:
        if not take(piece):
            return piece.count(b"\n") + sum(rest.count(b"\n") for rest in pieces)
    return 0


def _pieces(lines: Sequence[bytes]) -> Iterator[bytes]:
    """Whole lines, as many as a pipe takes at once."""
    gathered: list[bytes] = []
    size = 0
    for one in lines:
        if size + len(one) > LINE_MAX_BYTES and gathered:
            yield b"".join(gathered)
            gathered, size = [], 0
        gathered.append(one)
        size += len(one)
    if gathered:
        yield b"".join(gathered)
