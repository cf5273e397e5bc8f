"""A bad network between a fleet and its stores: what is answered meanwhile is what `docs/fleet.md` says."""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.kit.client import get
from tests.kit.definitions import keyless_api, session, token_api
from tests.kit.fault_proxy import FaultProxy
from tests.kit.fleet import Fleet, running_fleet, shared_stores
from tests.kit.fleet_view import stores_are
from tests.kit.ledger import Ledger
from tests.kit.load import Outcome, get_request, load
from tests.kit.origin import Origin
from tests.kit.scenarios import children, wait_until_writable
from tests.kit.waiting import eventually

ANSWERS = 40  # while a fault lasts
ANSWERS_UNKNOWN = 8  # each may take all of store_timeout_s
LATENCY_S = 0.03
MANY = 2_000
GROWTH_MAX_BYTES = 2 * 1024**2  # a kilobyte for each of MANY that is kept would be as much


class Scene(NamedTuple):
    fleet: Fleet
    redis: FaultProxy
    postgres: FaultProxy


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    """All processes reach the stores through the proxies. `steady` is the key that is known to every node."""
    with (
        Origin() as origin,
        shared_stores() as stores,
        FaultProxy(stores.redis.port) as redis,
        FaultProxy(stores.postgres.port) as postgres,
    ):
        settings = {
            "records_url": stores.records_url.replace(f":{stores.postgres.port}/", f":{postgres.port}/"),
            "meters_url": stores.meters_url.replace(f":{stores.redis.port}/", f":{redis.port}/"),
            "outage_grace_s": 600,
            "store_timeout_s": 1,
        }
        with running_fleet(settings=settings, stores=stores) as fleet:
            for api in (token_api(origin.url), keyless_api(origin.url)):
                assert fleet.control.api("POST", "/tyk/apis", api).status == 200
            assert fleet.control.api("POST", "/tyk/keys/steady", session("token", rate=10**6, per=60)).status == 200
            yield Scene(fleet, redis, postgres)


@pytest.fixture
def calm(scene: Scene) -> Scene:
    """Nothing of a fault before is left."""
    wait_until_writable(scene.fleet.control)
    eventually(stores_are(scene.fleet, "pass"))
    eventually(lambda: {status(scene.fleet, number, "steady") for number in (0, 1)} == {200})
    return scene


def status(fleet: Fleet, number: int, key: str) -> int:
    return get(f"{fleet.nodes[number].url}/token/x", {"Authorization": key}).status


# -- the faults -------------------------------------------------------------------------------------------------------


@contextmanager
def slow(proxy: FaultProxy) -> Iterator[None]:
    proxy.latency_s = LATENCY_S
    try:
        yield
    finally:
        proxy.latency_s = 0.0


@contextmanager
def in_single_bytes(proxy: FaultProxy) -> Iterator[None]:
    proxy.piece_bytes = 1
    try:
        yield
    finally:
        proxy.piece_bytes = 65_536


@contextmanager
def down(proxy: FaultProxy) -> Iterator[None]:
    proxy.go_down()
    try:
        yield
    finally:
        proxy.come_up()


@contextmanager
def cut(proxy: FaultProxy) -> Iterator[None]:
    proxy.cut()
    yield
    proxy.cut()


@contextmanager
def half_closed(proxy: FaultProxy) -> Iterator[None]:
    proxy.half_close()
    yield
    proxy.half_close()


def silent(proxy: FaultProxy) -> AbstractContextManager[object]:
    return proxy.holding("answers")


def deaf(proxy: FaultProxy) -> AbstractContextManager[object]:
    """What is sent meanwhile arrives in the end."""
    return proxy.holding("calls")


Fault = Callable[[FaultProxy], AbstractContextManager[object]]
FAULTS: list[Fault] = [slow, in_single_bytes, down, cut, half_closed, silent, deaf]


# -- what goes on meanwhile -------------------------------------------------------------------------------------------


class Traffic:
    """On both nodes: a key that they know, one that is none, and an API that asks for none."""

    def __init__(self, fleet: Fleet) -> None:
        self.known: list[Outcome] = []
        self.unknown: list[Outcome] = []
        self.keyless: list[Outcome] = []
        self._ports = [node.port for node in fleet.nodes]

    async def run(self, until: Callable[[], bool]) -> None:
        kinds = [
            (get_request("/token/x", {"Authorization": "steady"}), self.known),
            (get_request("/token/x", {"Authorization": "nobody"}), self.unknown),
            (get_request("/keyless/x"), self.keyless),
        ]
        await asyncio.gather(
            *(
                load(port, request, connections=2, until=until, pause_s=0.005, into=outcomes)
                for port in self._ports
                for request, outcomes in kinds
            )
        )

    def has_gone_on(self) -> Callable[[], bool]:
        """For `eventually`: so many answers of each kind from here on."""
        known, unknown, keyless = len(self.known), len(self.unknown), len(self.keyless)
        return lambda: (
            len(self.known) >= known + ANSWERS
            and len(self.unknown) >= unknown + ANSWERS_UNKNOWN
            and len(self.keyless) >= keyless + ANSWERS
        )


def acknowledges_more(ledger: Ledger) -> Callable[[], bool]:
    """For `eventually`: a write from here on."""
    before = ledger.acknowledged
    return lambda: ledger.acknowledged > before


def statuses(outcomes: list[Outcome]) -> set[int]:
    return {outcome.status for outcome in outcomes}


@pytest.mark.parametrize("store", ["redis", "postgres"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_who_is_known_goes_on_nobody_else_gets_in_and_nothing_acknowledged_is_lost(
    calm: Scene, fault: Fault, store: str
) -> None:
    proxy: FaultProxy = getattr(calm, store)
    traffic, fleet = Traffic(calm.fleet), calm.fleet
    name = f"{fault.__name__}-{store}"
    ledger = Ledger(fleet.control.port, fleet.control.secret, name)

    def it_comes_and_goes() -> None:
        eventually(traffic.has_gone_on())
        eventually(acknowledges_more(ledger))
        with fault(proxy):
            eventually(traffic.has_gone_on())
        eventually(traffic.has_gone_on())
        eventually(acknowledges_more(ledger))
        eventually(stores_are(fleet, "pass"))

    async def scenario() -> list[str]:
        going = asyncio.ensure_future(asyncio.to_thread(it_comes_and_goes))
        await asyncio.gather(traffic.run(going.done), ledger.write(random.Random(name), until=going.done))
        await going
        return await ledger.lost()

    assert asyncio.run(scenario()) == []
    # A node that has heard of a write and cannot read it in time decides nothing on what was before.
    may_be_refused = {503} if store == "postgres" else set()
    for outcomes in (traffic.known, traffic.keyless):
        assert {200} <= statuses(outcomes) <= {200} | may_be_refused
    assert {403} <= statuses(traffic.unknown) <= {403, 503}


@pytest.mark.parametrize("store", ["redis", "postgres"])
def test_a_worker_keeps_nothing_of_the_requests_it_answers_while_a_store_is_away(calm: Scene, store: str) -> None:
    node = calm.fleet.nodes[0]
    worker = children(node.pid)["worker 1"]
    requests = iter(range(10**9))

    def another() -> bytes:
        """By a key that is known, and by ever others that are not."""
        number = next(requests)
        return get_request(f"/token/{number}", {"Authorization": "steady" if number % 4 else f"k{number}"})

    async def many() -> None:
        outcomes: list[Outcome] = []
        await load(node.port, another, connections=16, until=lambda: len(outcomes) >= MANY, into=outcomes)
        assert statuses(outcomes) <= {200, 403, 503}

    with down(getattr(calm, store)):
        asyncio.run(many())
        before = memory_bytes(worker)
        asyncio.run(many())
        grown = memory_bytes(worker) - before
    assert grown < GROWTH_MAX_BYTES


def memory_bytes(pid: int) -> int:
    """Resident."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096
