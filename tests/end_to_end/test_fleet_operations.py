"""What whoever runs a fleet can see of it: metrics of each node also while Redis is away, nodes, health of control."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from socket import socket
from typing import Any

import pytest

from tests.kit.client import get
from tests.kit.definitions import session, token_api
from tests.kit.fleet import ROOT_SECRET, Fleet, running_fleet
from tests.kit.gateway import SAFETY_S, Gateway
from tests.kit.origin import Origin
from tests.kit.waiting import eventually

KEY = {"Authorization": "the-key"}
PASSED = 'exchanges_total{api="token",reason="",status="200"}'


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """Two nodes with two workers each; whatever was asked of them has been counted before the first test."""
    settings = {"workers": 2, "outage_grace_s": 600, "store_timeout_s": 1}
    with Origin() as origin, running_fleet(settings=settings) as made:
        assert made.control.api("POST", "/tyk/apis", token_api(origin.url)).status == 200
        assert made.control.api("POST", "/tyk/keys/the-key", session("token", rate=1000, per=60)).status == 200
        for node in made.nodes:
            assert get(f"{node.url}/token/", KEY).status == 200
        eventually(lambda: of_fleet(made) == 2)
        eventually(lambda: [passed(node) for node in made.nodes] == [1, 1])  # on a way of their own, and not the first
        yield made


def ask(node: Gateway, times: int) -> None:
    """Returns once the node has counted them."""
    before = passed(node)
    for _ in range(times):
        assert get(f"{node.url}/token/", KEY).status == 200
    eventually(lambda: passed(node) == before + times)


def passed(node: Gateway) -> float:
    return metrics(node).get(f"propylon_{PASSED}", 0)


def of_fleet(fleet: Fleet) -> float:
    return metrics(fleet.control).get(f"propylon_fleet_{PASSED}", 0)


def metrics(node: Gateway) -> dict[str, float]:
    """By name and labels, as they are written."""
    address = tomllib.loads(node.config.read_text())["metrics_listen"]
    answer = get(f"http://{address}/metrics")
    assert answer.status == 200
    lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def nodes(fleet: Fleet) -> list[dict[str, Any]]:
    answer = fleet.control.api("GET", "/tyk/nodes")
    assert answer.status == 200, answer
    listed: list[dict[str, Any]] = json.loads(answer.body)["nodes"]
    return listed


def ready(node: Gateway) -> tuple[int, dict[str, Any]]:
    answer = get(node.url + "/ready")
    return answer.status, json.loads(answer.body)


def test_each_node_shows_its_own_traffic_and_control_that_of_the_fleet(fleet: Fleet) -> None:
    first, second = fleet.nodes
    before = of_fleet(fleet)
    ask(first, 6)
    ask(second, 2)
    eventually(lambda: of_fleet(fleet) >= before + 8)
    assert f"propylon_{PASSED}" not in metrics(fleet.control)
    assert metrics(fleet.control)["propylon_control_leads"] == 1
    page = metrics(first)
    assert {page[f'propylon_worker_applied_revision{{worker="{slot}"}}'] for slot in (0, 1)} == {2}
    workers = sum(page[f'propylon_worker_exchanges_total{{worker="{slot}"}}'] for slot in (0, 1))
    assert workers == page[f"propylon_{PASSED}"]


def test_the_nodes_are_listed_with_what_they_run_and_how_far_they_are(fleet: Fleet) -> None:
    said = [(0, None), (2, 2), (2, 2)]
    eventually(lambda: [(node["workers"], node["applied_revision"]) for node in nodes(fleet)] == said)
    control, first, second = nodes(fleet)
    assert [node["role"] for node in (control, first, second)] == ["control", "gateway", "gateway"]
    assert all(node["is_alive"] and node["since"] < node["last_seen"] for node in nodes(fleet))
    assert control["name"].endswith(str(fleet.control.folder / "data"))


def test_a_node_that_died_is_shown_as_gone_and_one_that_came_back_as_alive(fleet: Fleet) -> None:
    fleet.nodes[1].kill()
    eventually(lambda: [node["is_alive"] for node in nodes(fleet)] == [True, True, False])
    fleet.nodes[1].start()
    eventually(lambda: [node["is_alive"] for node in nodes(fleet)] == [True, True, True])


def test_an_orchestrator_can_ask_the_control_node(fleet: Fleet) -> None:
    status, document = ready(fleet.control)
    assert (status, document["status"], document["details"]["role"]) == (200, "pass", "control")
    assert document["details"]["durability"] == []
    assert json.loads(get(fleet.control.url + "/hello").body)["status"] == "pass"


def test_while_redis_is_away_each_node_still_shows_what_it_does(fleet: Fleet) -> None:
    node, before = fleet.nodes[0], of_fleet(fleet)
    fleet.redis.kill()
    try:
        ask(node, 4)
        away = [f'propylon_worker_stores_away{{worker="{slot}"}}' for slot in (0, 1)]
        eventually(lambda: [metrics(node)[name] for name in away] == [1, 1])
        eventually(lambda: metrics(fleet.control)["propylon_control_meters_away"] == 1)
        eventually(lambda: ready(fleet.control)[1]["status"] == "degraded")
        assert fleet.control.api("GET", "/tyk/nodes").status == 503
    finally:
        fleet.redis.start()
    eventually(lambda: [metrics(node)[name] for name in away] == [0, 0])
    eventually(lambda: metrics(fleet.control)["propylon_control_meters_away"] == 0)
    eventually(lambda: of_fleet(fleet) >= before + 4)


def test_while_postgresql_is_away_control_is_not_ready(fleet: Fleet) -> None:
    fleet.postgres.kill()
    try:
        eventually(lambda: ready(fleet.control)[0] == 503)
        assert ready(fleet.control)[1]["message"] == "The records are away"
        eventually(lambda: metrics(fleet.control)["propylon_control_records_away"] == 1)
        assert get(fleet.control.url + "/hello").status == 200
    finally:
        fleet.postgres.start()
    eventually(lambda: ready(fleet.control)[0] == 200)


def test_a_worker_that_is_replaced_takes_the_metrics_with_it(fleet: Fleet) -> None:
    node = fleet.nodes[1]
    before = first_worker(node)
    subprocess.run(["kill", "-9", str(before)], check=True)
    eventually(lambda: first_worker(node) not in (0, before))

    def answers() -> bool:
        try:
            return 'propylon_worker_exchanges_total{worker="0"}' in metrics(node)
        except OSError:  # nobody listens until there is a successor
            return False

    eventually(answers)


def first_worker(node: Gateway) -> int:
    """0 while there is none."""
    found = subprocess.run(
        ["pgrep", "-P", str(node.pid), "-f", "propylon: worker 1"], capture_output=True, text=True, check=False
    )
    return int(found.stdout.split()[0]) if found.stdout else 0


def test_a_gateway_node_whose_metrics_address_is_taken_says_so_and_does_not_start(tmp_path: Path) -> None:
    with closing(socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = {
            "role": "gateway",
            "records_url": "postgresql+asyncpg://127.0.0.1:1/propylon",
            "meters_url": "redis://127.0.0.1:1/0",
            "root_secret": ROOT_SECRET,
            "metrics_listen": address,
        }
        node = Gateway(tmp_path, settings)
        command = [sys.executable, "-m", "propylon.cli.main", "serve", "--config", str(node.config)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=SAFETY_S, check=False)
    assert ended.returncode == 2
    assert f"metrics_listen {address}: Address already in use; stop what uses it" in ended.stderr
