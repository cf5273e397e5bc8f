"""SIGUSR2: a gateway replaces itself under load, and no client notices (design §4)."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from tests.kit.client import get
from tests.kit.definitions import session, token_api
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.load import by_status, get_request, load
from tests.kit.origin import Origin
from tests.kit.scenarios import parents
from tests.kit.waiting import eventually

UPGRADES = 3


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    settings = {"workers": 2}
    with Origin() as origin, running_gateway([token_api(origin.url)], settings=settings, by_command=True) as running:
        assert running.api("POST", "/tyk/keys/the-key", session("token", rate=100_000, per=60)).status == 200
        yield running
        running.kill()


def the_parent(gateway: Gateway) -> int:
    eventually(lambda: len(parents(gateway)) == 1)
    return parents(gateway)[0]


def replace_itself(gateway: Gateway) -> None:
    before = the_parent(gateway)
    os.kill(before, signal.SIGUSR2)
    eventually(lambda: before not in parents(gateway))
    the_parent(gateway)


def test_a_gateway_that_replaces_itself_fails_no_request(gateway: Gateway) -> None:
    request = get_request("/token/", {"Authorization": "the-key"})

    async def scenario() -> None:
        is_over = False
        running = asyncio.ensure_future(load(gateway.port, request, connections=8, until=lambda: is_over))
        for _ in range(UPGRADES):
            await asyncio.to_thread(replace_itself, gateway)
        is_over = True
        statuses = by_status(await running)
        assert statuses.keys() == {200}, statuses
        assert statuses[200] > 100

    asyncio.run(scenario())
    assert gateway.api("POST", "/tyk/keys/another", session("token")).status == 200
    assert get(f"{gateway.url}/token/", {"Authorization": "another"}).status == 200


def test_a_successor_that_cannot_start_changes_nothing(gateway: Gateway) -> None:
    before = the_parent(gateway)
    gateway.config.write_text(gateway.config.read_text() + "no_such_setting = 1\n")
    os.kill(before, signal.SIGUSR2)
    eventually(lambda: "the successor ended (exit code 2)" in gateway.stderr_path.read_text())
    assert the_parent(gateway) == before
    assert get(f"{gateway.url}/token/", {"Authorization": "the-key"}).status == 200
