"""Sealing anew in the background: what is left is counted and said, and what comes late is found."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from propylon.control.resealing import AGAIN_S, Resealing
from propylon.control.standing import Standing
from propylon.stores.lmdb import open_meters
from propylon.stores.records.engines import sqlite_url
from propylon.stores.records.opening import open_records
from propylon.stores.records.records import Records
from propylon.stores.sealing import RootSecret
from tests.kit.clock import FakeClock
from tests.kit.records import a_key, put_key

OLD, NEW = RootSecret.generate(), RootSecret.generate()
SECRETS = {"jwt_data.secret": "hush"}


class HurriedClock(FakeClock):
    """Nobody waits: a sleep is over at once, and that much later."""

    async def sleep(self, seconds: float) -> None:
        self.jump(seconds)


class Scene:
    """A control process that leads, and one beside it that was left behind with the old root secret."""

    def __init__(self, records: Records, left_behind: Records, standing: Standing) -> None:
        self.left_behind = left_behind
        self.standing = standing
        self.clock = HurriedClock()
        self.resealing = Resealing(records, standing, self.clock)

    async def run(self) -> int | None:
        await self.resealing.run(lambda: False)
        return self.standing.sealed_with_other

    async def seal_with_the_old_one(self, *names: str) -> None:
        for name in names:
            await put_key(self.left_behind, a_key(name, secrets=SECRETS))

    async def is_sealed_with_the_old_one(self) -> bool:
        (row,) = await self.left_behind.keys()
        return OLD.has_sealed(row.secrets["jwt_data.secret"])


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    url = sqlite_url(folder / "records.db")
    left_behind = await open_records(url, OLD)
    records = await open_records(url, NEW, other=OLD)
    meters = open_meters(folder, meters_map_bytes=2**20, usage_map_bytes=2**20, usage_lines_max=10)
    standing = Standing(records, meters, "a-node", since=1.0)
    standing.leads = True
    yield Scene(records, left_behind, standing)
    for one in (records, left_behind, meters):
        await one.close()


def play(folder: Path, work: Callable[[Scene], Awaitable[None]]) -> None:
    async def run() -> None:
        async with scene(folder) as there:
            await work(there)

    asyncio.run(run())


def test_all_of_it_is_sealed_anew_and_said_in_log_and_metrics(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def work(there: Scene) -> None:
        await there.seal_with_the_old_one("one", "two")
        assert "sealed_with_other" not in there.standing.numbers()
        assert await there.run() == 0
        assert there.standing.numbers()["sealed_with_other"] == 0

    with caplog.at_level(logging.INFO, logger="propylon.control"):
        play(tmp_path, work)
    assert caplog.messages == [
        f"nothing is sealed with root_secret_other, {OLD.fingerprint}",
        "sealed anew: 2 keys, APIs and policies; 0 are left",
    ]


def test_what_a_process_that_was_left_behind_seals_later_is_found_too(tmp_path: Path) -> None:
    async def work(there: Scene) -> None:
        await there.run()
        await there.seal_with_the_old_one("late")
        await there.run()
        assert await there.is_sealed_with_the_old_one()  # it has not looked again
        there.clock.jump(AGAIN_S)
        assert await there.run() == 0
        assert not await there.is_sealed_with_the_old_one()

    play(tmp_path, work)


def test_a_process_that_ends_leaves_the_rest_to_the_next_one(tmp_path: Path) -> None:
    async def work(there: Scene) -> None:
        await there.seal_with_the_old_one("one")
        await there.resealing.run(lambda: True)
        assert there.standing.sealed_with_other == 1

    play(tmp_path, work)


def test_without_a_second_root_secret_nothing_is_counted(tmp_path: Path) -> None:
    async def work(there: Scene) -> None:
        resealing = Resealing(there.left_behind, there.standing, there.clock)
        await resealing.run(lambda: False)
        assert there.standing.sealed_with_other is None

    play(tmp_path, work)
