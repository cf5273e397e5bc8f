"""Limits and acknowledged writes of a fleet while its processes, and the Redis they count in, are killed."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kit.definitions import token_api
from tests.kit.fleet import Fleet, own_stores, running_fleet, shared_stores
from tests.kit.fleet_view import stores_are, wait_until_all_are_heard
from tests.kit.ledger import Ledger
from tests.kit.load import UNANSWERED, UNSENT, Outcome, by_status, count, get_request, load, most_in_a_window
from tests.kit.origin import Origin
from tests.kit.scenarios import children, put_key, wait_until_writable
from tests.kit.waiting import eventually

CONNECTIONS = 4  # to each node, of each load
PAUSE_S = 0.005
RATE, PER_S = 40, 1
QUOTA = 500
SEED = 23


@pytest.fixture
def fleet() -> Iterator[Fleet]:
    with Origin() as origin, shared_stores() as stores, running_fleet(stores=stores) as made:
        assert made.control.api("POST", "/tyk/apis", token_api(origin.url)).status == 200
        yield made


@pytest.fixture
def fleet_with_its_own_redis() -> Iterator[Fleet]:
    """One that forgets no charge that it has answered."""
    settings = {"outage_grace_s": 600, "store_timeout_s": 1}
    durable = own_stores("--appendfsync", "always")
    with Origin() as origin, durable as stores, running_fleet(settings=settings, stores=stores) as made:
        assert made.control.api("POST", "/tyk/apis", token_api(origin.url)).status == 200
        yield made


class Load:
    """On every node at once, with one key, until it is told to end."""

    def __init__(self, fleet: Fleet, key: str, **limits: Any) -> None:
        put_key(fleet.control, key, **limits)
        self.outcomes: list[Outcome] = []
        self._ports = [node.port for node in fleet.nodes]
        self._request = get_request("/token/x", {"Authorization": key})

    async def run(self, until: Any, pause_s: float = PAUSE_S) -> None:
        options = {"connections": CONNECTIONS, "until": until, "pause_s": pause_s, "into": self.outcomes}
        await asyncio.gather(*(load(port, self._request, **options) for port in self._ports))

    async def spend(self) -> None:
        """Until the quota is used up; what was refused before says nothing of that."""
        so_far = len(self.outcomes)
        await self.run(lambda: count(self.outcomes[so_far:][-50:], 403) == 50, pause_s=0)


def kill_one_after_another(fleet: Fleet, chance: random.Random) -> None:
    """A node with all that it has, control, and a worker of the other node; each is back before the next one goes."""
    first, second = fleet.nodes

    def a_worker() -> None:
        worker = children(second.pid)["worker 1"]
        os.kill(worker, signal.SIGKILL)
        eventually(lambda: children(second.pid).get("worker 1", worker) != worker)

    def whole(node: Any) -> None:
        node.kill()
        node.start()

    for kill in (lambda: whole(first), lambda: whole(fleet.control), a_worker):
        time.sleep(0.2 + 0.3 * chance.random())  # into whatever is under way then
        kill()


def test_over_kills_no_acknowledged_write_is_lost_and_limits_stay_exact(fleet: Fleet) -> None:
    rated = Load(fleet, "rated", rate=RATE, per=PER_S)
    counted = Load(fleet, "counted", quota_max=QUOTA, quota_renewal_rate=86_400)
    chance = random.Random(SEED)
    ledger = Ledger(fleet.control.port, fleet.control.secret, "kills")

    async def scenario() -> list[str]:
        killing = asyncio.ensure_future(asyncio.to_thread(kill_one_after_another, fleet, chance))
        writers = [ledger.write(random.Random(chance.random()), until=killing.done) for _ in range(3)]
        await asyncio.gather(rated.run(killing.done), counted.run(killing.done), *writers)
        await killing
        await asyncio.to_thread(wait_until_writable, fleet.control)
        await counted.spend()
        return await ledger.lost()

    assert asyncio.run(scenario()) == []
    assert ledger.acknowledged > 0
    assert most_in_a_window(rated.outcomes, PER_S) <= RATE
    assert set(by_status(rated.outcomes)) - {UNANSWERED, UNSENT} == {200, 429}
    admitted, unanswered = count(counted.outcomes, 200), count(counted.outcomes, UNANSWERED)
    assert QUOTA - unanswered <= admitted <= QUOTA


def test_over_the_death_of_redis_no_window_but_those_of_the_change_admits_more(fleet_with_its_own_redis: Fleet) -> None:
    fleet = fleet_with_its_own_redis
    wait_until_all_are_heard(fleet)  # or a node would count by too large a share
    rated = Load(fleet, "rated", rate=RATE, per=PER_S)
    counted = Load(fleet, "counted", quota_max=QUOTA, quota_renewal_rate=86_400)
    moments: list[float] = []

    def moment_of_the_change(holds: Any) -> None:
        eventually(holds)
        moments.append(time.monotonic())

    def redis_dies() -> None:
        eventually(lambda: count(rated.outcomes, 429) > 50)
        moment_of_the_change(lambda: True)
        fleet.redis.kill()
        moment_of_the_change(stores_are(fleet, "away"))
        seen = len(rated.outcomes)
        eventually(lambda: count(rated.outcomes[seen:], 429) > 50)
        moment_of_the_change(lambda: True)
        fleet.redis.start()
        moment_of_the_change(stores_are(fleet, "pass"))
        seen = len(rated.outcomes)
        eventually(lambda: count(rated.outcomes[seen:], 429) > 50)

    async def scenario() -> None:
        dying = asyncio.ensure_future(asyncio.to_thread(redis_dies))
        await asyncio.gather(rated.run(dying.done), counted.run(dying.done, pause_s=0.05))
        await dying
        await counted.spend()

    asyncio.run(scenario())
    goes, is_away, comes, is_back = moments
    calm = [(0.0, goes), (is_away, comes), (is_back, time.monotonic())]
    for began, ended in calm:
        within = [one for one in rated.outcomes if began <= one.started and one.ended <= ended]
        assert most_in_a_window(within, PER_S) <= RATE
    assert most_in_a_window(rated.outcomes, PER_S) <= 2 * RATE
    admitted, unanswered = count(counted.outcomes, 200), count(counted.outcomes, UNANSWERED)
    unknown = 2 * CONNECTIONS * len(fleet.nodes)  # charges under way when it went, and when it came: they may stand
    assert QUOTA - unanswered - unknown <= admitted <= QUOTA
