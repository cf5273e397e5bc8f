"""Keys rotated while they are used, on two workers or nodes: nobody is refused too early, nobody let in too late."""

import asyncio
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.kit.client import Client, Response, get, request
from tests.kit.definitions import jwt_api, session, token_api
from tests.kit.front import FRONTS, Front, running_front
from tests.kit.load import Outcome, by_status, get_request, load
from tests.kit.origin import Origin
from tests.kit.scenarios import children, wait_until_writable
from tests.kit.tokens import SECRET, hs256
from tests.kit.waiting import eventually

CONNECTIONS = 8  # spread over both workers by the kernel, or both nodes
QUOTA = 1_000_000
SAFETY_S = 30.0
ROUNDS = 10
FAR = 4_102_444_800  # the year 2100


@pytest.fixture(scope="module", params=FRONTS)
def gateway(request: pytest.FixtureRequest) -> Iterator[Front]:
    with Origin() as origin:
        apis = [token_api(origin.url), jwt_api(origin.url)]
        with running_front(request.param, apis, settings={"workers": 2}) as running:
            yield running


@pytest.fixture
def clients(gateway: Front) -> Iterator[list[Client]]:
    opened = [Client(gateway.port) for _ in range(CONNECTIONS)]
    yield opened
    for client in opened:
        client.__exit__()


class Holder:
    """A key and what its holder sends, by generation."""

    def __init__(self, gateway: Front, kind: str, key_id: str) -> None:
        self.gateway = gateway
        self.kind = kind
        self.path = f"/{kind}/x"
        self.key = f"/tyk/keys/{key_id}"
        limits = {"quota_max": QUOTA, "quota_renewal_rate": 86_400}
        secret = {"jwt_data": {"secret": SECRET}} if kind == "jwt" else {}
        assert gateway.api("POST", self.key, session(kind, **limits, **secret)).status == 200
        self.credentials = {1: self._credential(SECRET if kind == "jwt" else key_id)}

    def rotate(self, **body: Any) -> int:
        made = self.gateway.api("POST", f"{self.key}/rotate", body).json()
        self.credentials[made["generation"]] = self._credential(made.get("secret") or made["token"])
        generation: int = made["generation"]
        return generation

    def retire(self, generation: int) -> None:
        assert self.gateway.api("POST", f"{self.key}/ring/{generation}/retire").status == 200

    def request(self, generation: int) -> bytes:
        return get_request(self.path, {"Authorization": self.credentials[generation]})

    def _credential(self, secret: str) -> str:
        return (
            "Bearer " + hs256({"sub": "x"}, secret, kid=self.key.rpartition("/")[2]) if self.kind == "jwt" else secret
        )


@pytest.fixture(params=["token", "jwt"])
def holder(request: pytest.FixtureRequest, gateway: Front) -> Holder:
    return Holder(gateway, request.param, f"holder-{random.randrange(10**9)}")


def answers(clients: list[Client], request: bytes) -> list[Response]:
    for client in clients:
        client.send(request)
    return [client.read_response() for client in clients]


def statuses(clients: list[Client], request: bytes) -> set[int]:
    return {answer.status for answer in answers(clients, request)}


# -- under load -------------------------------------------------------------------------------------------------------


async def _until_answered(outcomes: list[Outcome], more: int) -> None:
    wanted, give_up = len(outcomes) + more, time.monotonic() + SAFETY_S
    while len(outcomes) < wanted:
        assert time.monotonic() < give_up
        await asyncio.sleep(0.005)


async def _switch_under_load(holder: Holder, outcomes: list[Outcome]) -> None:
    """Each request is one client's, who switches when he likes; the last has done so before the old one is retired."""
    chance, using, done = random.Random(3), [1], asyncio.Event()
    going = asyncio.ensure_future(
        load(
            holder.gateway.port,
            lambda: holder.request(chance.choice(using)),
            connections=CONNECTIONS,
            until=done.is_set,
            into=outcomes,
        )
    )
    await _until_answered(outcomes, 100)
    using.append(await asyncio.to_thread(holder.rotate))
    await _until_answered(outcomes, 400)
    using.remove(1)
    await _until_answered(outcomes, 2 * CONNECTIONS)
    await asyncio.to_thread(holder.retire, 1)
    await _until_answered(outcomes, 100)
    done.set()
    await going


def test_nobody_is_refused_before_the_old_one_is_retired_and_everybody_after(
    holder: Holder, clients: list[Client]
) -> None:
    outcomes: list[Outcome] = []
    asyncio.run(_switch_under_load(holder, outcomes))
    assert by_status(outcomes) == {200: len(outcomes)}
    assert statuses(clients, holder.request(1)) == {403}
    left = answers(clients[:1], holder.request(2))[0].value("X-RateLimit-Remaining")
    assert left == str(QUOTA - len(outcomes) - 1)  # one quota, whichever generation it was


# -- directed schedules -----------------------------------------------------------------------------------------------


def test_each_generation_is_good_when_it_is_answered_and_not_when_it_is_retired(
    holder: Holder, clients: list[Client]
) -> None:
    newest = 1
    for _ in range(ROUNDS):
        old, newest = newest, holder.rotate()
        for generation in (old, newest):
            assert statuses(clients, holder.request(generation)) == {200}
        holder.retire(old)
        assert statuses(clients, holder.request(old)) == {403}
        assert statuses(clients, holder.request(newest)) == {200}


def test_a_suspended_key_is_refused_under_each_of_its_generations(holder: Holder, clients: list[Client]) -> None:
    newest = holder.rotate()
    for action, expected in [("suspend", 403), ("resume", 200)] * 3:
        assert holder.gateway.api("POST", f"{holder.key}/{action}").status == 200
        assert [statuses(clients, holder.request(one)) for one in (1, newest)] == [{expected}, {expected}]


def test_a_deleted_key_is_refused_under_each_of_its_generations(holder: Holder, clients: list[Client]) -> None:
    newest = holder.rotate()
    assert [statuses(clients, holder.request(one)) for one in (1, newest)] == [{200}, {200}]
    assert holder.gateway.api("DELETE", holder.key).status == 200
    assert [statuses(clients, holder.request(one)) for one in (1, newest)] == [{403}, {403}]


def test_the_old_generation_says_so_in_its_answers(holder: Holder, clients: list[Client]) -> None:
    newest = holder.rotate(retire_old_at=FAR)
    old, new = (answers(clients[:1], holder.request(one))[0] for one in (1, newest))
    assert (old.value("Deprecation") or "").startswith("@")
    assert (old.value("Sunset") or "").endswith("GMT")
    assert (new.value("Deprecation"), new.value("Sunset")) == (None, None)


def test_the_last_use_of_a_generation_arrives_in_its_ring(holder: Holder) -> None:
    holder.rotate()
    assert get(holder.gateway.url + holder.path, {"Authorization": holder.credentials[1]}).status == 200

    def last_used() -> list[float]:
        entries = holder.gateway.api("GET", f"{holder.key}/ring").json()["entries"]
        return [entry["last_used"] for entry in entries]

    eventually(lambda: last_used()[1] > 0)
    assert last_used()[0] == 0


# -- over kills -------------------------------------------------------------------------------------------------------


def _rotate_once(gateway: Front, key: str, name: str) -> Response | None:
    fields = {"X-Tyk-Authorization": gateway.secret, "Idempotency-Key": name}
    try:
        return request("POST", f"{gateway.api_url}{key}/rotate", b"{}", fields)
    except (OSError, AssertionError):  # cut off on the way
        return None


def _while_killing_control(gateway: Front, work: Callable[[], Response | None], after_s: float) -> Response | None:
    answered: list[Response | None] = []
    thread = threading.Thread(target=lambda: answered.append(work()))
    thread.start()
    time.sleep(after_s)  # somewhere on the way of the request
    os.kill(children(gateway.pid)["control"], signal.SIGKILL)
    thread.join(SAFETY_S)
    return answered[0]


def test_a_rotation_repeated_after_a_kill_is_made_once_and_shows_its_secret_once(gateway: Front) -> None:
    holder, chance = Holder(gateway, "jwt", "killed-on-the-way"), random.Random(5)
    for generation in range(2, 6):
        name = f"rotation-{generation}"
        first = _while_killing_control(
            gateway, lambda name=name: _rotate_once(gateway, holder.key, name), chance.random() * 0.02
        )
        wait_until_writable(gateway)
        second, third = (_rotate_once(gateway, holder.key, name) for _ in range(2))
        assert second is not None
        assert third is not None
        shown = [json.loads(one.body).get("secret") for one in (first, second, third) if one and one.status == 200]
        assert sum(secret is not None for secret in shown) <= 1
        assert third.json()["repeated"] is True
        entries = gateway.api("GET", f"{holder.key}/ring").json()["entries"]
        assert [entry["generation"] for entry in entries] == [*range(generation, 0, -1)]
