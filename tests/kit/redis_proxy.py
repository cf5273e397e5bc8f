"""Stands between meters and a Redis, in the test's own loop: sees calls, keeps answers back, cuts connections."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

CALL = b"EVALSHA"


class RedisProxy:
    """Used as `async with RedisProxy(port) as proxy`, and told to a client by its `url`."""

    def __init__(self, port: int) -> None:
        self.calls = 0  # scripts that a client asked for
        self._to = port
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self._passing = asyncio.Event()
        self._passing.set()
        self._holding = asyncio.Event()
        self._came_by = asyncio.Condition()

    async def __aenter__(self) -> "RedisProxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self._passing.set()
        self.cut()
        await asyncio.gather(*self._serving)

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Answers do not pass until it is over; calls do, and the server acts on them."""
        self._holding.clear()
        self._passing.clear()
        try:
            yield
        finally:
            self._passing.set()

    async def seen(self, calls: int) -> None:
        """Until so many calls came by."""
        async with self._came_by:
            await self._came_by.wait_for(lambda: self.calls >= calls)

    async def held(self) -> None:
        """Until an answer is held: the server has acted."""
        await self._holding.wait()

    def cut(self) -> None:
        """Ends all connections, with whatever is held."""
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def cut_one(self) -> None:
        """Ends the oldest connection of a client."""
        for writer in self._writers[:2]:
            writer.close()
        del self._writers[:2]

    def turn_to(self, port: int) -> None:
        """Connections made from here on go to another server."""
        self._to = port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            writer.close()
            return
        self._writers += [writer, to_server]
        await asyncio.gather(self._ask(reader, to_server), self._answer(from_server, writer))

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen = b""  # so much of the last piece as may begin a word
        async for piece in _pieces(reader):
            seen = seen[1 - len(CALL) :] + piece
            async with self._came_by:
                self.calls += seen.count(CALL)
                self._came_by.notify_all()
            writer.write(piece)
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for piece in _pieces(reader):
            if not self._passing.is_set():
                self._holding.set()
                await self._passing.wait()
            if not writer.is_closing():
                writer.write(piece)
        writer.close()


async def _pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    try:
        while piece := await reader.read(65_536):
            yield piece
    except OSError:
        return  # reset: the same as an end
