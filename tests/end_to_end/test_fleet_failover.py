"""Another Redis takes the place of the one that died, with all that was counted or without the newest of it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from propylon.stores.redis_scripts import HEAD
from tests.kit.definitions import session, token_api
from tests.kit.fault_proxy import FaultProxy
from tests.kit.fleet import Fleet, running_fleet, stores_with
from tests.kit.fleet_view import asked, counted, stores_are
from tests.kit.load import Outcome, by_status, get_request, load
from tests.kit.origin import Origin
from tests.kit.redis_server import RedisServer, Sentinel
from tests.kit.redis_watched import running_pair, stop_following, wait_until_copied, watched_pair
from tests.kit.waiting import eventually

SETTINGS = {"outage_grace_s": 600, "store_timeout_s": 5}
QUOTA = 20


class Watched(NamedTuple):
    fleet: Fleet
    replica: RedisServer
    sentinel: Sentinel


class Behind(NamedTuple):
    """A fleet, a replica of its Redis, and the ways of its nodes and of control, which may lead to that one."""

    fleet: Fleet
    replica: RedisServer
    way: FaultProxy
    way_of_control: FaultProxy

    def fail_over(self) -> None:
        self.fleet.redis.kill()
        for way in (self.way, self.way_of_control):
            way.turn_to(self.replica.port)
            way.cut()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with (
        Origin() as origin,
        watched_pair(tmp_path) as (master, replica, sentinel),
        stores_with(master, sentinel.url()) as stores,
        running_fleet(settings=SETTINGS, stores=stores) as fleet,
    ):
        write_all(fleet, origin)
        yield Watched(fleet, replica, sentinel)


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Behind]:
    with (
        Origin() as origin,
        running_pair(tmp_path) as (master, replica),
        FaultProxy(master.port) as way,
        FaultProxy(master.port) as way_of_control,
        stores_with(master, f"redis://127.0.0.1:{way.port}/0") as stores,
    ):
        of_control = {"meters_url": f"redis://127.0.0.1:{way_of_control.port}/0"}
        with running_fleet(settings=SETTINGS, stores=stores, of_control=of_control) as fleet:
            write_all(fleet, origin)
            yield Behind(fleet, replica, way, way_of_control)


def write_all(fleet: Fleet, origin: Origin) -> None:
    """A key with a rate, one with a quota, and one that is to go; all known to every node."""
    assert fleet.control.api("POST", "/tyk/apis", token_api(origin.url)).status == 200
    write(fleet, "steady", rate=10**6, per=60)
    write(fleet, "counted", quota_max=QUOTA, quota_renewal_rate=86_400)
    write(fleet, "leaving", rate=10**6, per=60)
    assert [asked(fleet, key) for key in ("steady", "counted", "leaving")] == [[200, 200]] * 3


def write(fleet: Fleet, key: str, **limits: int) -> None:
    assert fleet.control.api("POST", f"/tyk/keys/{key}", session("token", **limits)).status == 200


def delete(fleet: Fleet, key: str) -> None:
    assert fleet.control.api("DELETE", f"/tyk/keys/{key}").status == 200


def spend(fleet: Fleet) -> int:
    """How many requests with the quota are let in until none is."""
    seen: list[int] = []
    while not seen or 200 in seen[-len(fleet.nodes) :]:
        seen += asked(fleet, "counted")
    return seen.count(200)


def test_sentinel_names_another_master_and_requests_go_on_with_what_was_counted(watched: Watched) -> None:
    fleet, outcomes = watched.fleet, list[Outcome]()

    def fail_over() -> None:
        wait_until_copied(fleet.redis, watched.replica)
        fleet.redis.kill()
        eventually(stores_are(fleet, "away"))
        eventually(lambda: watched.sentinel.master_port() == watched.replica.port)
        eventually(stores_are(fleet, "pass"))

    async def scenario() -> None:
        over = asyncio.ensure_future(asyncio.to_thread(fail_over))
        steady = get_request("/token/x", {"Authorization": "steady"})
        ports = [node.port for node in fleet.nodes]
        await asyncio.gather(
            *(load(port, steady, connections=2, until=over.done, pause_s=0.01, into=outcomes) for port in ports)
        )
        await over

    asyncio.run(scenario())
    assert by_status(outcomes) == {200: len(outcomes)}
    assert spend(fleet) == QUOTA - 2
    eventually(lambda: fleet.control.api("DELETE", "/tyk/keys/leaving").status in (200, 404))
    assert asked(fleet, "leaving") == [403, 403]


def test_a_master_that_lacks_the_newest_changes_lets_nobody_in_by_them(behind: Behind) -> None:
    fleet = behind.fleet
    wait_until_copied(fleet.redis, behind.replica)
    stop_following(behind.replica)
    delete(fleet, "leaving")
    write(fleet, "late", rate=10**6, per=60)
    before = int(fleet.redis.ask("GET", HEAD))
    assert int(behind.replica.ask("GET", HEAD)) < before  # what it lacks
    behind.fail_over()
    assert [asked(fleet, key) for key in ("leaving", "late")] == [[403, 403], [200, 200]]
    eventually(stores_are(fleet, "pass"))
    assert [asked(fleet, key) for key in ("leaving", "late")] == [[403, 403], [200, 200]]
    eventually(lambda: int(behind.replica.ask("GET", HEAD)) == before)
    eventually(lambda: fleet.control.api("DELETE", "/tyk/keys/late").status in (200, 404))
    assert asked(fleet, "late") == [403, 403]


def test_a_node_that_heard_of_a_change_neither_before_nor_from_the_new_master_reads_it_in_the_records(
    behind: Behind,
) -> None:
    fleet = behind.fleet
    wait_until_copied(fleet.redis, behind.replica)
    stop_following(behind.replica)
    with behind.way.holding("answers"):
        delete(fleet, "leaving")
        fleet.control.kill()  # it would tell the new master within a second
        behind.fail_over()
    assert asked(fleet, "leaving") == [403, 403]
    assert asked(fleet, "steady") == [200, 200]


def test_a_master_that_lacks_the_newest_charges_gives_them_back_and_no_more(behind: Behind) -> None:
    fleet = behind.fleet
    wait_until_copied(fleet.redis, behind.replica)
    stop_following(behind.replica)
    forgotten = [status for _ in range(3) for status in asked(fleet, "counted")].count(200)
    behind.fail_over()
    eventually(stores_are(fleet, "pass"))
    assert forgotten > 0
    assert 2 + spend(fleet) == QUOTA  # without the forgotten ones


def test_usage_that_a_master_lacks_is_counted_once_and_what_comes_later_too(behind: Behind) -> None:
    """Its queue goes on under the same epoch, from where it was."""
    fleet = behind.fleet
    asked_so_far = 6
    eventually(lambda: counted(fleet) == asked_so_far)
    wait_until_copied(fleet.redis, behind.replica)
    stop_following(behind.replica)
    for _ in range(3):  # in a line of each worker each: what it counts in a second is one
        assert asked(fleet, "steady") == [200, 200]
        asked_so_far += 2
        eventually(lambda wanted=asked_so_far: counted(fleet) == wanted)  # type: ignore[misc]
    behind.fail_over()
    eventually(stores_are(fleet, "pass"))
    for _ in range(2):
        assert asked(fleet, "steady") == [200, 200]
        asked_so_far += 2
        eventually(lambda wanted=asked_so_far: counted(fleet) == wanted)  # type: ignore[misc]
