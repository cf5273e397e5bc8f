"""Meters in a Redis Cluster: all in one slot, with whichever node has it."""

import asyncio
from collections.abc import Iterator

import pytest

from propylon.stores.ports import Beat
from propylon.stores.redis_fitness import UnfitMeters
from propylon.stores.redis_place import SLOT
from propylon.stores.redis_scripts import PREFIX
from tests.kit.redis_cluster import Cluster, running_cluster
from tests.kit.redis_server import running_redis
from tests.kit.waiting import eventually
from tests.stores.redis_scenes import admitted, meters_at, once_back, quota, run, sliding, together, used

LIMIT = 100


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """For tests that leave its nodes as they are."""
    with running_cluster() as made:
        yield made


def keys_of(cluster: Cluster) -> tuple[int, int]:
    return cluster.ours.ask("DBSIZE"), cluster.other.ask("DBSIZE")


def test_a_failover_in_the_cluster_is_followed_with_what_was_counted() -> None:
    async def scenario() -> None:
        with running_cluster() as cluster:
            async with meters_at(cluster.url()) as meters:
                await meters.announce(7)
                assert admitted(await together(meters, quota(LIMIT), sliding(LIMIT), times=60)) == 60
                assert cluster.ours.ask("WAIT", 1, 10_000) == 1
                await asyncio.to_thread(cluster.ours.kill)
                await asyncio.to_thread(eventually, lambda: cluster.has_slot(cluster.replica))
                assert await once_back(meters.head) == 7
                assert meters.connections_made == 2
                assert admitted(await together(meters, quota(LIMIT), sliding(LIMIT), times=60)) == LIMIT - 60
                assert await used(meters) == LIMIT

    run(scenario())


def test_the_slot_is_found_where_it_went() -> None:
    async def scenario() -> None:
        with running_cluster() as cluster:
            async with meters_at(cluster.url()) as meters:
                await meters.announce(7)
                assert admitted(await together(meters, quota(LIMIT), times=60)) == 60
                assert keys_of(cluster) == (2, 0)
                await asyncio.to_thread(cluster.give_slot_to_other)
                assert keys_of(cluster) == (0, 2)
                assert await once_back(meters.head) == 7
                assert await used(meters) == 60
                assert meters.connections_made == 2

    run(scenario())


def test_everything_that_meters_keep_lies_in_one_slot(cluster: Cluster) -> None:
    async def scenario() -> None:
        async with meters_at(cluster.url()) as meters:
            await meters.announce(1)
            await meters.admit((quota(LIMIT), sliding(LIMIT)))
            await meters.enqueue([b"a line"])
            await meters.take_lease("issuer", 10)
            await meters.beat("node", Beat("worker 1", serves=True, said=""))
            assert keys_of(cluster)[1] == 0
            names = cluster.ours.ask("KEYS", "*")
            assert len(names) > 6
            assert all(name.startswith(PREFIX) for name in names)
            assert {cluster.other.ask("CLUSTER", "KEYSLOT", name) for name in names} == {SLOT}
            assert (await meters.peek(10)).lines == [b"a line"]

    run(scenario())


def test_a_cluster_is_named_as_one_and_nothing_else_is(cluster: Cluster) -> None:
    async def refusal(url: str) -> str:
        with pytest.raises(UnfitMeters) as raised:
            async with meters_at(url):
                pass
        return raised.value.detail

    async def scenario() -> None:
        assert "is a Cluster; write redis+cluster" in await refusal(cluster.ours.url())
        with running_redis() as server:
            with_wrong_name = server.url().replace("redis://", "redis+cluster://").removesuffix("/0")
            assert "is no Cluster; write redis" in await refusal(with_wrong_name)

    run(scenario())
