"""What an Origin may do with a request: each function makes an Answer. Anything else is an `async def` of a test."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

Fields = tuple[tuple[bytes, bytes], ...]


@dataclass
class Received:
    """A request as it came, byte for byte; the body grows while it is read."""

    head: bytes  # request line and fields with the empty line
    raw_body: bytearray = field(default_factory=bytearray)  # as framed on the wire
    body: bytearray = field(default_factory=bytearray)  # without framing
    complete: bool = False  # the body was read to its end

    @property
    def raw(self) -> bytes:
        return self.head + bytes(self.raw_body)

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode()

    @property
    def target(self) -> str:
        return self.head.split(b" ", 2)[1].decode("latin-1")

    @property
    def fields(self) -> Fields:
        lines = self.head.split(b"\r\n")[1:-2]
        return tuple((name, value.strip(b" \t")) for name, _, value in (line.partition(b":") for line in lines))

    def values(self, name: str) -> list[str]:
        return [value.decode("latin-1") for known, value in self.fields if known.lower() == name.lower().encode()]

    def value(self, name: str) -> str | None:
        """The only value of a field, None when there is none."""
        values = self.values(name)
        assert len(values) < 2, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None


class Call:
    """One request at the origin and the connection it came on. Lives on the origin's loop."""

    def __init__(
        self, request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, released: asyncio.Event
    ) -> None:
        self.request = request
        self.reader = reader
        self._writer = writer
        self._released = released
        self.keeps_connection = True

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def read_body(self) -> bytes:
        """The whole body, without framing."""
        request = self.request
        if not request.complete:
            if request.value("transfer-encoding") is not None:
                await self._read_chunks()
            else:
                piece = await self.reader.readexactly(int(request.value("content-length") or 0))
                request.raw_body += piece
                request.body += piece
            request.complete = True
        return bytes(request.body)

    async def _read_chunks(self) -> None:
        size = -1
        while size != 0:
            line = await self.reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            chunk = await self.reader.readexactly(size + 2) if size else await self._read_trailers()
            self.request.raw_body += line + chunk
            self.request.body += chunk[:size]

    async def _read_trailers(self) -> bytes:
        lines = b""
        while not lines.endswith(b"\r\n\r\n") and lines != b"\r\n":
            lines += await self.reader.readuntil(b"\r\n")
        return lines

    async def wait_for_release(self) -> None:
        """Until the test calls `Origin.release()`."""
        await self._released.wait()

    def half_close(self) -> None:
        self._writer.write_eof()
        self.keeps_connection = False

    async def linger(self) -> None:
        """Sends no more, and reads until the other side ends."""
        self.half_close()
        while await self.reader.read(65_536):
            pass

    def close(self) -> None:
        self._writer.close()
        self.keeps_connection = False

    def reset(self) -> None:
        """Closes with RST, as a crashed process does."""
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        self.keeps_connection = False


Answer = Callable[[Call], Awaitable[None]]


def _head(status: int, fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    lines = [b"HTTP/1.1 %d Scripted" % status, *(b"%s: %s" % one for one in fields)]
    return b"\r\n".join([*lines, b"", b""])


def reply(status: int = 200, body: bytes = b"", fields: Fields = (), *, early: bool = False) -> Answer:
    """With Content-Length, after the request's body; `early` answers before it and throws it away, as
    RFC 9112 §9.6 asks of servers: a close with bytes unread is a reset, and may take the answer with it."""
    data = _head(status, [*fields, (b"Content-Length", b"%d" % len(body))])

    async def answer(call: Call) -> None:
        if not early:
            await call.read_body()
        await call.send(data if call.request.method == "HEAD" else data + body)
        if early:
            await call.linger()

    return answer


def echo() -> Answer:
    """The request's body, as it was without framing."""

    async def answer(call: Call) -> None:
        body = await call.read_body()
        await call.send(_head(200, [(b"Content-Length", b"%d" % len(body))]) + body)

    return answer


def chunked(pieces: Iterable[bytes], fields: Fields = (), trailers: Fields = (), status: int = 200) -> Answer:
    """Each piece is one chunk and one write."""
    chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
    end = b"\r\n".join([b"0", *(b"%s: %s" % one for one in trailers), b"", b""])

    async def answer(call: Call) -> None:
        await call.read_body()
        await call.send(_head(status, [*fields, (b"Transfer-Encoding", b"chunked")]))
        for chunk in [*chunks, end]:
            await call.send(chunk)

    return answer


def events(texts: Iterable[str]) -> Answer:
    """Server-sent events; the stream stays open until the test releases it."""
    pieces = [f"data: {text}\n\n".encode() for text in texts]

    async def answer(call: Call) -> None:
        await call.send(_head(200, [(b"Content-Type", b"text/event-stream"), (b"Transfer-Encoding", b"chunked")]))
        for piece in pieces:
            await call.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        await call.wait_for_release()
        await call.send(b"0\r\n\r\n")

    return answer


def raw(data: bytes) -> Answer:
    """Exactly these bytes after the request's body; the connection stays open."""

    async def answer(call: Call) -> None:
        await call.read_body()
        await call.send(data)

    return answer


def cut(data: bytes = b"", *, reset: bool = False) -> Answer:
    """These bytes and then the end, in the middle of whatever they began."""

    async def answer(call: Call) -> None:
        await call.read_body()
        await call.send(data)
        call.reset() if reset else call.close()

    return answer


def half_close(data: bytes) -> Answer:
    """These bytes and FIN; the origin goes on reading."""

    async def answer(call: Call) -> None:
        await call.read_body()
        await call.send(data)
        call.half_close()
        await call.reader.read()

    return answer


def stall(before: bytes = b"", after: bytes = b"") -> Answer:
    """Nothing between `before` and the test's release."""

    async def answer(call: Call) -> None:
        await call.send(before)
        await call.wait_for_release()
        await call.send(after)

    return answer


def upgrade_echo(protocol: bytes = b"echo") -> Answer:
    """101, and then every byte back until the client ends."""

    async def answer(call: Call) -> None:
        await call.send(b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n")
        while data := await call.reader.read(65536):
            await call.send(data)
        call.close()

    return answer
