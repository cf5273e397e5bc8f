"""A Redis that forgot its newest lines, and goes on under the same epoch: no line is skipped, and none counts twice."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from propylon.stores.redis_meters import RedisMeters
from propylon.usage.drain import Drain
from propylon.usage.line import Cell, Line, encode
from propylon.usage.queries import Step, totals
from tests.kit.places import Place, records_at
from tests.kit.redis_proxy import RedisProxy
from tests.kit.redis_server import RedisServer, running
from tests.kit.redis_watched import running_pair, stop_following, wait_until_copied
from tests.stores.redis_scenes import meters_at, once_back, run


class Past(NamedTuple):
    """A server, which may come back as it was at one moment."""

    server: RedisServer
    remember: Callable[[], None]
    come_back: Callable[[], int]  # in the place of what became of it; its port


@contextmanager
def replica_that_was_behind(folder: Path) -> Iterator[Past]:
    with running_pair(folder) as (master, replica):

        def remember() -> None:
            wait_until_copied(master, replica)
            stop_following(replica)

        def come_back() -> int:
            master.kill()
            return replica.port

        yield Past(master, remember, come_back)


@contextmanager
def log_that_was_cut(folder: Path) -> Iterator[Past]:
    """As after a power failure; it may happen again and again."""
    home, copy = folder / "home", folder / "copy"
    home.mkdir()
    with running(RedisServer(home)) as server:

        def remember() -> None:
            server.stop()
            shutil.copytree(home, copy)
            server.start()

        def come_back() -> int:
            server.kill()
            shutil.rmtree(home / "appendonlydir")
            shutil.copytree(copy / "appendonlydir", home / "appendonlydir")
            server.start()
            return server.port

        yield Past(server, remember, come_back)


PASTS = {"a replica that was behind": (replica_that_was_behind, 1), "a log that was cut": (log_that_was_cut, 2)}


def line_of(minute: int) -> bytes:
    """One exchange."""
    return encode(Line(minute, [Cell("orders", "k1", 200, "", "", 1, 0, 0, {8: 1})], [], {}))


async def enqueue(meters: RedisMeters, minute: int, count: int) -> None:
    await once_back(meters.head)  # a call that is cut off is not made again
    await meters.enqueue([line_of(minute)] * count)


async def drain_all(drain: Drain) -> None:
    while await drain.run_once():
        pass


@pytest.mark.parametrize("how", PASTS)
def test_what_was_taken_counts_once_and_what_comes_later_counts(how: str, place: Place, tmp_path: Path) -> None:
    made, times = PASTS[how]

    async def scenario() -> None:
        with made(tmp_path) as past:
            async with (
                RedisProxy(past.server.port) as proxy,
                meters_at(proxy.url) as meters,
                records_at(place) as records,
            ):
                drain = Drain(records, meters)
                await enqueue(meters, 1, 3)
                await drain_all(drain)
                await enqueue(meters, 2, 2)  # waits, in the past
                past.remember()
                await enqueue(meters, 3, 4)  # is taken, and forgotten by the server
                await drain_all(drain)
                for time in range(times):
                    proxy.turn_to(past.come_back())
                    proxy.cut()
                    await enqueue(meters, 4 + time, 3)
                    await drain_all(drain)
                found = {total.at // 60: total.exchanges for total in await totals(records, Step.MINUTE)}
                assert found == {1: 3, 2: 2, 3: 4, **{4 + time: 3 for time in range(times)}}

    run(scenario())
