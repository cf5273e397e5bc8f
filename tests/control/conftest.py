"""The Gateway API without a server: the application on real records and real meters in a folder of its own."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from propylon.control.announcer import Announcer
from propylon.control.app import App
from propylon.control.definitions import KnownApis
from propylon.control.desk import Desk
from propylon.control.explainer import Explainer
from propylon.control.files import Files
from propylon.control.people.signing_in import SigningIn
from propylon.control.standing import Standing
from propylon.settings import Settings
from propylon.stores.chosen import open_lookups
from propylon.stores.lmdb import open_meters
from propylon.stores.records.engines import sqlite_url
from propylon.stores.records.opening import open_records
from propylon.stores.sealing import RootSecret
from propylon.telemetry.metrics import Metrics
from propylon.usage.histogram import bucket_end_us
from tests.kit.clock import FakeClock
from tests.kit.records import lay_out

SECRET = "canary-gateway-secret"


class GatewayApi:
    """One control plane and one caller of it. Lives on one loop, on which every call runs to its end."""

    def __init__(self, folder: Path, loop: asyncio.AbstractEventLoop, **settings: Any) -> None:
        self.folder = folder
        self.loop = loop
        self.settings = Settings(secret=SECRET, data_dir=folder, **settings)
        self.root_secret = RootSecret.generate()
        self.clock = FakeClock(wall=1_800_000_000.25)
        self.meters = open_meters(
            folder, meters_map_bytes=2**20, usage_map_bytes=2**20, usage_lines_max=1000, clock=self.clock
        )
        lay_out(folder)
        self.desk = self.run(self._open())
        self.app = App(self.desk)

    async def _open(self) -> Desk:
        records = await open_records(sqlite_url(self.settings.records_path), self.root_secret, clock=self.clock)
        known_apis = KnownApis(records, self.settings)
        files = Files(self.settings, records, known_apis)
        announcer = Announcer(records, self.meters)
        standing = Standing(records, self.meters, "a-node", since=1_700_000_000.0)
        return Desk(
            self.settings,
            records.sealing,
            records,
            self.meters,
            known_apis,
            files,
            announcer,
            self.clock,
            Metrics(bucket_end_us, of_control=standing.numbers),
            Explainer(
                self.settings,
                records.sealing,
                self.meters,
                self.clock,
                lambda: open_lookups(self.settings),
            ),
            standing,
            SigningIn(records, self.clock),
        )

    def run(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """`body` is sent as JSON, bytes as they are; a header's name is written with `_`."""
        fields = {"X-Tyk-Authorization": SECRET} | {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        return self.run(self._call(method, path, content, fields))

    async def _call(self, method: str, path: str, content: bytes | None, fields: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=None)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.request(method, path, content=content, headers=fields)

    def head(self) -> int:
        return self.run(self.meters.head())

    def revision(self) -> int:
        return self.run(self.desk.records.revision())

    def close(self) -> None:
        self.run(_end_what_is_left())
        self.run(self.desk.explainer.close())
        self.run(self.desk.records.close())
        self.run(self.meters.close())


async def _end_what_is_left() -> None:
    """Of requests broken off: SQLAlchemy gives their connections back in tasks of its own, which come first."""
    while left := asyncio.all_tasks() - {asyncio.current_task()}:
        _, late = await asyncio.wait(left, timeout=0.1)
        for task in late:
            task.cancel()


Make = Callable[..., GatewayApi]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes a control plane with the given settings; several in one test have folders of their own."""
    loop = asyncio.new_event_loop()
    made: list[GatewayApi] = []

    def one(**settings: Any) -> GatewayApi:
        folder = tmp_path / f"node-{len(made)}"
        folder.mkdir()
        made.append(GatewayApi(folder, loop, **settings))
        return made[-1]

    yield one
    for each in made:
        each.close()
    loop.close()


@pytest.fixture
def api(make: Make) -> GatewayApi:
    return make()
