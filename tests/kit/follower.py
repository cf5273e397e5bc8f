"""Somebody who follows Server-Sent Events of an application, on the loop that it lives on, one event at a time."""

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message

from propylon.tasks import spawn
from tests.kit.visitor import ORIGIN


class Follower:
    """Use `start`, then `next`; `leave` is what a browser does that goes to another page."""

    def __init__(self, app: ASGIApp, cookie: str, path: str, **headers: str) -> None:
        self._app = app
        self._gone = asyncio.Event()
        self._told: asyncio.Queue[Message] = asyncio.Queue()
        path, _, query = path.partition("?")
        host = ORIGIN.removeprefix("http://")
        fields = {"host": host, "cookie": cookie} | {name.replace("_", "-"): one for name, one in headers.items()}
        self._scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in fields.items()],
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 3_000),
        }
        self._asked = False

    async def start(self) -> int:
        """The status."""
        self._running = spawn(self._followed(), "a follower")
        return int((await self._told.get())["status"])

    async def next(self) -> str:
        """The next piece; "" at the end."""
        return bytes((await self._told.get())["body"]).decode()

    async def leave(self) -> None:
        self._gone.set()
        await self._running

    async def _followed(self) -> None:
        await self._app(self._scope, self._receive, self._told.put)

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}
