"""Stores that die, stop and come back under a fleet: what it does is what `docs/fleet.md` says."""

import json
from collections.abc import Callable, Iterator
from time import monotonic, sleep

import pytest

from tests.kit.client import get
from tests.kit.definitions import session, token_api
from tests.kit.fleet import Fleet, running_fleet
from tests.kit.gateway import SAFETY_S
from tests.kit.origin import Origin

LOOK_S = 0.05


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    """A key without limits, one with a rate and one with a quota, all known to every node."""
    with Origin() as origin, running_fleet(settings={"outage_grace_s": 600, "store_timeout_s": 5}) as made:
        assert made.control.api("POST", "/tyk/apis", token_api(origin.url)).status == 200
        for key_id, members in {
            "free": {},
            "rated": {"rate": 8, "per": 600},
            "counted": {"quota_max": 1000, "quota_renewal_rate": 3600},
        }.items():
            body = session("token", **members)
            assert made.control.api("POST", f"/tyk/keys/{key_id}", body).status == 200
            assert [status(made, node, key_id) for node in (0, 1)] == [200, 200]
        yield made


def status(fleet: Fleet, node: int, key_id: str) -> int:
    return get(f"{fleet.nodes[node].url}/token/", {"Authorization": key_id}).status


def until(is_so: Callable[[], bool]) -> None:
    """A node finds out by itself; how soon is not what is tested."""
    gives_up = monotonic() + SAFETY_S
    while not is_so():
        assert monotonic() < gives_up, "it did not come about"
        sleep(LOOK_S)


def stores(fleet: Fleet, node: int) -> str:
    return str(json.loads(get(fleet.nodes[node].url + "/ready").body)["details"]["stores"])


def test_with_redis_killed_keys_go_on_rates_are_shared_out_and_quotas_refuse(fleet: Fleet) -> None:
    fleet.redis.kill()
    until(lambda: stores(fleet, 0) == "away")
    assert [status(fleet, 0, "free") for _ in range(3)] == [200] * 3
    assert [status(fleet, 0, "counted") for _ in range(2)] == [403] * 2
    alone = [status(fleet, 0, "rated") for _ in range(12)]
    assert 1 <= alone.count(200) <= 8  # as many nodes as it knew share the eight
    assert status(fleet, 0, "nobody") == 403
    fleet.redis.start()
    until(lambda: stores(fleet, 0) == "pass")
    until(lambda: status(fleet, 0, "counted") == 200)


def test_a_change_made_while_redis_is_away_reaches_every_node(fleet: Fleet) -> None:
    fleet.redis.kill()
    answer = fleet.control.api("DELETE", "/tyk/keys/free")
    assert (answer.status, b"change_not_announced" in answer.body) == (503, True)
    for node in (0, 1):
        until(lambda node=node: status(fleet, node, "free") == 403)  # type: ignore[misc]
    fleet.redis.start()
    for node in (0, 1):
        until(lambda node=node: stores(fleet, node) == "pass")  # type: ignore[misc]
    assert [status(fleet, node, "free") for node in (0, 1)] == [403, 403]
    assert fleet.control.api("DELETE", "/tyk/keys/free").status == 404


def test_with_redis_stopped_requests_go_on_by_the_nodes_own_count(fleet: Fleet) -> None:
    fleet.redis.pause()
    try:
        assert [status(fleet, 0, "free") for _ in range(5)] == [200] * 5
        until(lambda: stores(fleet, 0) == "away")
        assert status(fleet, 0, "free") == 200
    finally:
        fleet.redis.resume()
    until(lambda: stores(fleet, 0) == "pass")


def test_with_postgresql_away_known_keys_go_on_and_others_are_503(fleet: Fleet) -> None:
    assert [status(fleet, node, "free") for node in (0, 1)] == [200, 200]  # known at this moment, whatever was before
    fleet.postgres.kill()
    assert [status(fleet, node, "free") for node in (0, 1)] == [200, 200]
    assert status(fleet, 0, "never-seen") == 503
    assert fleet.control.api("POST", "/tyk/keys/new", session("token")).status == 503
    fleet.postgres.start()
    until(lambda: status(fleet, 0, "never-seen") == 403)
    assert [status(fleet, node, "counted") for node in (0, 1)] == [200, 200]


def test_usage_that_waited_for_control_is_counted_when_it_is_back(fleet: Fleet) -> None:
    until(lambda: counted(fleet) == 6)
    fleet.control.kill()
    assert [status(fleet, node, "free") for node in (0, 1)] == [200, 200]
    fleet.control.start()
    until(lambda: counted(fleet) == 8)


def counted(fleet: Fleet) -> int:
    usage = json.loads(fleet.control.api("GET", "/tyk/usage?api_id=token&status=200").body)["usage"]
    return sum(row["exchanges"] for row in usage)
