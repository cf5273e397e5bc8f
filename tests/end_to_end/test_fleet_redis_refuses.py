"""A Redis that is there and refuses: its disk or its memory is full, or it became somebody's replica."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.kit.definitions import session, token_api
from tests.kit.fleet import Fleet, running_fleet, stores_with
from tests.kit.fleet_view import asked, counted, stores_are
from tests.kit.origin import Origin
from tests.kit.ports import free_port
from tests.kit.redis_disk import RedisOnDisk
from tests.kit.redis_server import running
from tests.kit.waiting import eventually

LOOKS = 10


class Scene(NamedTuple):
    fleet: Fleet
    redis: RedisOnDisk


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Keys without limits, with a rate and with a quota, which every node knows, and one that nobody has used."""
    redis = RedisOnDisk(tmp_path)
    settings = {"outage_grace_s": 600, "store_timeout_s": 5}
    with (
        Origin() as origin,
        running(redis),
        stores_with(redis, redis.url()) as stores,
        running_fleet(settings=settings, stores=stores) as fleet,
    ):
        assert fleet.control.api("POST", "/tyk/apis", token_api(origin.url)).status == 200
        for key, limits in {
            "free": {},
            "rated": {"rate": 1_000, "per": 60},
            "counted": {"quota_max": 1_000, "quota_renewal_rate": 3_600},
            "unused": {"quota_max": 1_000, "quota_renewal_rate": 3_600},
        }.items():
            assert fleet.control.api("POST", f"/tyk/keys/{key}", session("token", **limits)).status == 200
            assert key == "unused" or asked(fleet, key) == [200, 200]
        yield Scene(fleet, redis)


class Refusal(NamedTuple):
    begin: Callable[[RedisOnDisk], object]
    end: Callable[[RedisOnDisk], object]


REFUSALS = {
    "a full disk": Refusal(RedisOnDisk.fill_disk, RedisOnDisk.free_disk),
    "being a replica": Refusal(
        lambda redis: redis.ask("REPLICAOF", "127.0.0.1", free_port()),
        lambda redis: redis.ask("REPLICAOF", "NO", "ONE"),
    ),
}


@pytest.mark.parametrize("why", REFUSALS)
def test_one_that_takes_no_writes_is_away_and_changes_arrive_without_it(scene: Scene, why: str) -> None:
    fleet, redis = scene
    REFUSALS[why].begin(redis)
    eventually(stores_are(fleet, "away"))
    assert [asked(fleet, key) for key in ("free", "rated", "counted", "nobody")] == [
        [200, 200],
        [200, 200],
        [403, 403],
        [403, 403],
    ]
    answer = fleet.control.api("DELETE", "/tyk/keys/free")
    assert (answer.status, b"change_not_announced" in answer.body) == (503, True)
    eventually(lambda: asked(fleet, "free") == [403, 403])
    for _ in range(LOOKS):  # it answers whoever only reads, and must not be taken to be back for that
        assert asked(fleet, "free") == [403, 403]
        assert stores_are(fleet, "away")()
    REFUSALS[why].end(redis)
    eventually(stores_are(fleet, "pass"))
    assert [asked(fleet, key) for key in ("free", "rated", "counted")] == [[403, 403], [200, 200], [200, 200]]
    eventually(lambda: fleet.control.api("DELETE", "/tyk/keys/free").status == 404)


def test_one_without_memory_goes_on_for_who_is_counted_already_and_takes_changes(scene: Scene) -> None:
    fleet, redis = scene
    eventually(lambda: counted(fleet) == 6)
    redis.ask("CONFIG", "SET", "maxmemory", 1)
    assert [asked(fleet, key) for key in ("rated", "counted", "nobody")] == [[200, 200], [200, 200], [403, 403]]
    assert asked(fleet, "unused") == [503, 503]
    assert fleet.control.api("DELETE", "/tyk/keys/rated").status == 200
    assert asked(fleet, "rated") == [403, 403]
    assert fleet.control.api("POST", "/tyk/keys/new", session("token")).status == 200
    assert asked(fleet, "new") == [200, 200]
    assert stores_are(fleet, "pass")()
    redis.ask("CONFIG", "SET", "maxmemory", 0)
    assert asked(fleet, "unused") == [200, 200]
    eventually(lambda: counted(fleet) == 14)  # what could not be handed over waited
