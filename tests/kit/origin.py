"""Origin: a real server on 127.0.0.1 for the gateway to forward to, in a thread with its own loop.

A test says per path what it answers (see `answers`), reads what arrived byte for byte, and releases what stalls.
"""

import asyncio
import ssl
import threading
from collections.abc import Mapping
from typing import Self

from tests.kit.answers import Answer, Call, Received, reply

SAFETY_S = 30.0  # a bound against hanging, never something a test asserts
GONE = (ConnectionError, asyncio.IncompleteReadError)  # the gateway closed; its right


class Origin:
    """Use it in a `with`: it listens from the start and everything is gone at the end.

    `answers` maps a path (without query) to an Answer, or is one Answer for all; no entry is a 404.
    """

    def __init__(self, answers: Mapping[str, Answer] | Answer | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._answers: Mapping[str, Answer] | Answer = answers or reply(200, b"hello")
        self._changed = threading.Condition()
        self.requests: list[Received] = []
        self.connections = 0  # accepted since the start
        self.open_connections = 0
        self.port = 0
        self._bugs: list[BaseException] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="origin")
        self._serving: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(SAFETY_S)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(SAFETY_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SAFETY_S)
        self._loop.close()
        assert not self._bugs, f"an answer failed: {self._bugs}"

    def wait_for(self, count: int) -> list[Received]:
        """The requests, once there are so many of them (heads; the bodies may still come)."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.requests) >= count, SAFETY_S), f"only {len(self.requests)}"
            return list(self.requests)

    def wait_until_unused(self) -> None:
        """Until no connection is open."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self.open_connections, SAFETY_S), "connections stay open"

    def release(self) -> None:
        """Lets every answer go on that stalls, now and from now on."""
        self._loop.call_soon_threadsafe(self._released.set)

    def refuse(self) -> None:
        """Stops listening: connecting is refused from here on."""

        async def close() -> None:
            self._server.close()

        asyncio.run_coroutine_threadsafe(close(), self._loop).result(SAFETY_S)

    async def _start(self) -> None:
        self._released = asyncio.Event()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        while self._serving:
            await asyncio.wait(self._serving)
            await asyncio.sleep(0)  # the tasks' done callbacks empty the set

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._ended)
        with self._changed:
            self.connections += 1
            self.open_connections += 1
        try:
            while await self._serve_one(reader, writer):
                pass
        finally:
            writer.close()
            with self._changed:
                self.open_connections -= 1
                self._changed.notify_all()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """True when the connection may serve another request."""
        try:
            request = Received(await reader.readuntil(b"\r\n\r\n"))
        except GONE:
            return False
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        call = Call(request, reader, writer, self._released)
        try:
            await self._answer_to(request)(call)
            if call.keeps_connection:
                await call.read_body()
        except GONE:
            return False
        return call.keeps_connection

    def _answer_to(self, request: Received) -> Answer:
        if isinstance(self._answers, Mapping):
            return self._answers.get(request.target.split("?")[0], reply(404, b"no answer scripted"))
        return self._answers

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._serving.discard(task)
        if not task.cancelled() and (bug := task.exception()) is not None:
            self._bugs.append(bug)
