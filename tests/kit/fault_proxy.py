"""Stands between the processes of a fleet and a store of theirs, whatever that speaks: a network as bad as it is told.

In a thread with a loop of its own: the tests that use it wait for processes. `RedisProxy` is its like for a test's own
loop.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final, Literal, Self

SAFETY_S: Final = 30.0  # a bound against hanging, never something a test asserts
PIECE_BYTES: Final = 65_536

Way = Literal["calls", "answers"]


class FaultProxy:
    """Used in a `with`; clients are told `port`. What is set on it holds for running connections, too."""

    def __init__(self, to_port: int) -> None:
        self.port = 0
        self.latency_s = 0.0  # before each piece, either way
        self.piece_bytes = PIECE_BYTES  # of one write; 1 cuts everything into single bytes
        self._to_port = to_port
        self._is_down = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault proxy")
        self._writers: set[asyncio.StreamWriter] = set()
        self._answering: set[asyncio.StreamWriter] = set()  # those of them that lead to clients
        self._half_closed: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._gates: dict[Way, _Gate] = {"calls": _Gate(), "answers": _Gate()}

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(SAFETY_S)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(SAFETY_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SAFETY_S)
        self._loop.close()

    def turn_to(self, port: int) -> None:
        """Connections made from here on go to another server."""
        self._to_port = port

    def cut(self) -> None:
        """Ends all connections, with whatever is on its way."""
        self._loop.call_soon_threadsafe(self._end, self._writers)

    def half_close(self) -> None:
        """Clients are told that nothing more will come, and what they send goes nowhere but is taken."""
        self._loop.call_soon_threadsafe(self._end_answers)

    def go_down(self) -> None:
        """New connections end as soon as they are made, and the others at once."""
        self._is_down = True
        self.cut()

    def come_up(self) -> None:
        self._is_down = False

    @contextmanager
    def holding(self, way: Way) -> Iterator["_Gate"]:
        """What goes this way does not arrive until it is over; nobody is told, and no connection ends."""
        gate = self._gates[way]
        self._loop.call_soon_threadsafe(gate.shut)
        try:
            yield gate
        finally:
            self._loop.call_soon_threadsafe(gate.open)

    # -- in the loop ----------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        for gate in self._gates.values():
            gate.open()
        for task in self._serving:
            task.cancel()
        self._end(self._writers)
        if self._serving:
            await asyncio.wait(self._serving)

    def _end(self, writers: set[asyncio.StreamWriter]) -> None:
        for writer in writers:
            writer.transport.abort()

    def _end_answers(self) -> None:
        for writer in self._answering:
            if not writer.is_closing() and writer not in self._half_closed:
                self._half_closed.add(writer)
                writer.write_eof()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        self._writers.add(writer)
        try:
            if self._is_down:
                return
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._to_port)
            self._writers.add(to_server)
            self._answering.add(writer)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pass(reader, to_server, "calls"))
                    both.create_task(self._pass(from_server, writer, "answers"))
            finally:
                self._end({to_server})
                self._writers.discard(to_server)
                self._answering.discard(writer)
                self._half_closed.discard(writer)
        except OSError:
            pass  # nobody is there; the client's connection ends
        finally:
            self._end({writer})
            self._writers.discard(writer)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        """Until this end is closed; then the other one is, too."""
        gate = self._gates[way]
        async for piece in _pieces(reader):
            if self.latency_s:
                await asyncio.sleep(self.latency_s)
            await gate.passed(piece)
            for at in range(0, len(piece), self.piece_bytes):
                if writer.is_closing() or writer in self._half_closed:
                    break
                writer.write(piece[at : at + self.piece_bytes])
                if self.piece_bytes < PIECE_BYTES:
                    await asyncio.sleep(0)  # else the pieces would leave as one
        writer.close()


class _Gate:
    """One way through the proxy. `held` is for the test's thread."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._changed = threading.Condition()
        self._held: list[bytes] = []

    def shut(self) -> None:
        self._open.clear()

    def open(self) -> None:
        self._open.set()
        with self._changed:
            self._held.clear()

    def held(self, word: bytes = b"") -> None:
        """Returns once something is held that has the word in it."""

        def is_there() -> bool:
            return any(word in piece for piece in self._held)

        with self._changed:
            assert self._changed.wait_for(is_there, SAFETY_S), f"no {word!r} in {self._held}"

    async def passed(self, piece: bytes) -> None:
        if not self._open.is_set():
            with self._changed:
                self._held.append(piece)
                self._changed.notify_all()
            await self._open.wait()


async def _pieces(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    try:
        while piece := await reader.read(PIECE_BYTES):
            yield piece
    except OSError:
        return  # reset: the same as an end
