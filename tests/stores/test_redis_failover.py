"""Sentinel makes a replica the master: the meters follow it, with what was counted."""

import asyncio
from pathlib import Path

from propylon.errors import StoreUnavailable
from tests.kit.redis_server import Sentinel
from tests.kit.redis_watched import wait_until_copied, watched_pair
from tests.kit.waiting import eventually
from tests.stores.redis_scenes import admitted, failures, meters_at, once_back, quota, run, sliding, together, used

LIMIT = 100


def test_after_a_failover_the_meters_go_on_with_what_was_counted(tmp_path: Path) -> None:
    async def scenario() -> None:
        with watched_pair(tmp_path) as (master, replica, sentinel):
            async with meters_at(sentinel.url()) as meters:
                await meters.announce(7)
                assert admitted(await together(meters, quota(LIMIT), sliding(LIMIT), times=60)) == 60
                wait_until_copied(master, replica)  # the rest would be lost with the master
                await asyncio.to_thread(master.kill)
                await asyncio.to_thread(eventually, lambda: sentinel.master_port() == replica.port)
                assert await once_back(meters.head) == 7
                assert meters.connections_made == 2
                assert admitted(await together(meters, quota(LIMIT), sliding(LIMIT), times=60)) == LIMIT - 60
                assert await used(meters) == LIMIT

    run(scenario())


def test_nobody_is_let_in_until_there_is_a_master_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        with watched_pair(tmp_path) as (master, _, sentinel):
            async with meters_at(sentinel.url(), timeout_s=0.5) as meters:
                await meters.admit((quota(LIMIT),))
                sentinel.pause()
                await asyncio.to_thread(master.kill)
                assert failures(await together(meters, quota(LIMIT), times=10)) == [StoreUnavailable] * 10
                sentinel.resume()
                await once_back(meters.head)

    run(scenario())


def test_a_sentinel_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    async def scenario() -> None:
        with watched_pair(tmp_path) as (_, _, sentinel):
            gone = Sentinel(tmp_path, sentinel)
            url = sentinel.url().replace("redis+sentinel://", f"redis+sentinel://127.0.0.1:{gone.port},")
            async with meters_at(url) as meters:
                assert await meters.announce(3) == 3

    run(scenario())
