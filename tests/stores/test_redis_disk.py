"""A Redis that cannot write its log any more: it takes no writes, so what it knows is not read either."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from propylon.errors import MetersFull, StoreUnavailable
from tests.kit.redis_disk import RedisOnDisk
from tests.kit.redis_server import running
from tests.stores.redis_scenes import admitted, failures, meters_at, once_back, quota, run, sliding, together, used


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisOnDisk]:
    with running(RedisOnDisk(tmp_path)) as server:
        yield server  # type: ignore[misc]  # the very one


def test_a_server_that_cannot_write_is_away_also_for_whoever_only_reads_the_head(server: RedisOnDisk) -> None:
    """A change could not be announced to it: its head would be taken for the newest for as long as this lasts."""

    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            await meters.announce(3)
            server.fill_disk()
            for ask in (meters.head, lambda: meters.announce(4), lambda: meters.admit((sliding(9),))):
                with pytest.raises(StoreUnavailable, match="MISCONF"):
                    await ask()

    run(scenario())


def test_it_is_away_and_not_without_room(server: RedisOnDisk) -> None:
    """Without room only new meters are refused; here nothing can be counted."""

    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            await meters.admit((quota(9),))
            server.fill_disk()
            refused = failures(await together(meters, quota(9), times=3))
            assert refused == [StoreUnavailable] * 3
            assert MetersFull not in refused

    run(scenario())


def test_when_it_can_write_again_it_goes_on_with_what_was_counted(server: RedisOnDisk) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            assert admitted(await together(meters, quota(9), times=4)) == 4
            server.fill_disk()
            await together(meters, quota(9), times=4)
            server.free_disk()
            assert await once_back(meters.head) == 0
            assert await used(meters) == 4
            assert admitted(await together(meters, quota(9), times=9)) == 5

    run(scenario())
