"""One kept-alive connection for load: bytes in, the whole answer out. Cheap, so that the gateway is what is busy.

Reads answers with Content-Length only, which is what the gateway's own and the soak's origin's have.
"""

import asyncio
from typing import NamedTuple, Self, cast

_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


class NoAnswer(Exception):
    """The connection ended before a whole answer came."""


class Answer(NamedTuple):
    """`is_last`: the gateway said that it closes."""

    status: int
    body: bytes
    is_last: bool


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self._received = b""
        self._waiting: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None
        self.is_open = True

    @classmethod
    async def open(cls, port: int) -> Self:
        """Raises OSError."""
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, "127.0.0.1", port)
        return connection

    async def ask(self, request: bytes) -> Answer:
        """Raises NoAnswer."""
        if not self.is_open or self._transport is None:
            raise NoAnswer
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        answer = await self._waiting
        if answer.is_last:
            self.close()
        return answer

    def close(self) -> None:
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio.Protocol -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(_END)
        if not end or self._waiting is None or self._waiting.done():
            return
        length, is_last = _framing(head.lower())
        if len(rest) >= length:
            self._received = rest[length:]
            self._waiting.set_result(Answer(int(head[9:12]), rest[:length], is_last))

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(NoAnswer())


def _framing(head: bytes) -> tuple[int, bool]:
    """Length of the body, and whether the connection ends behind it."""
    _, found, rest = head.partition(_LENGTH)
    assert found, f"an answer without Content-Length: {head!r}"
    return int(rest.partition(b"\r\n")[0]), b"connection: close" in head
