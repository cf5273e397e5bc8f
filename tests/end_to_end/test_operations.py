"""What whoever runs a single machine can see of it: metrics, access log, nodes."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kit.client import get
from tests.kit.definitions import keyless_api, session, token_api
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.origin import Origin
from tests.kit.ports import free_port
from tests.kit.waiting import eventually


def access_lines(gateway: Gateway) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gateway.stderr_path.read_text().splitlines() if line.startswith("{")]


def logged(settings: dict[str, Any]) -> list[tuple[str, int]]:
    """Path and status of each line of the access log, of two refusals, a failure and three successes."""
    apis = ("open", "keyless"), ("dead", "dead")
    with Origin() as origin:
        urls = {"open": origin.url, "dead": "http://127.0.0.1:9"}
        definitions = [keyless_api(urls[name], name) for name, _ in apis] + [token_api(origin.url)]
        with running_gateway(definitions, settings=settings) as gateway:
            for path in ("/open/a", "/open/b", "/open/c?key=canary", "/token/x", "/nowhere", "/dead/"):
                get(gateway.url + path, {"Authorization": "canary-credential"})
            gateway.stop()  # what was gathered is written by then
            assert "canary" not in gateway.stderr_path.read_text()
            return sorted((line["path"], line["status"]) for line in access_lines(gateway))


REFUSED = [("/dead/", 502), ("/nowhere", 404), ("/token/x", 403)]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, REFUSED),
        ({"access_log": "off"}, []),
        ({"access_log": "all"}, sorted([*REFUSED, ("/open/a", 200), ("/open/b", 200), ("/open/c", 200)])),
        ({"access_log": "all", "refusal_log_per_s": 0, "request_log_per_s": 0, "workers": 2}, sorted(
            [*REFUSED, ("/open/a", 200), ("/open/b", 200), ("/open/c", 200)])),
    ],
)  # fmt: skip
def test_the_access_log_has_a_line_of_each_exchange_it_is_told_to(
    settings: dict[str, Any], expected: list[tuple[str, int]]
) -> None:
    assert logged(settings) == expected


def test_lines_of_several_workers_under_load_are_whole_and_none_is_missing() -> None:
    with Origin() as origin:
        settings = {"access_log": "all", "workers": 2}
        with running_gateway([keyless_api(origin.url, "open")], settings=settings) as gateway:

            def ask(thread: int) -> None:
                for number in range(100):
                    get(f"{gateway.url}/open/{thread}/{number}/{'x' * (number * 5)}")

            threads = [threading.Thread(target=ask, args=(thread,)) for thread in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            gateway.stop()
            seen = sorted(line["path"].rsplit("/", 1)[0] for line in access_lines(gateway))
            assert seen == sorted(f"/open/{thread}/{number}" for thread in range(4) for number in range(100))


class Node:
    """A single machine with two workers and metrics of its own address."""

    def __init__(self, gateway: Gateway, metrics_port: int) -> None:
        self.gateway = gateway
        self.metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"

    def metrics(self) -> str:
        answer = get(self.metrics_url)
        assert answer.status == 200
        return answer.body.decode()


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    port = free_port()
    settings = {"metrics_listen": f"127.0.0.1:{port}", "workers": 2}
    with Origin() as origin, running_gateway([token_api(origin.url)], settings=settings) as gateway:
        assert gateway.api("POST", "/tyk/keys/the-key", session("token", rate=100, per=60)).status == 200
        for _ in range(20):
            assert get(f"{gateway.url}/token/", {"Authorization": "the-key"}).status == 200
        assert get(f"{gateway.url}/token/", {"Authorization": "nobody"}).status == 403
        yield Node(gateway, port)


def test_metrics_need_no_secret_and_have_the_traffic_of_all_workers(node: Node) -> None:
    counted = 'propylon_exchanges_total{api="token",reason="",status="200"} 20.0\n'
    eventually(lambda: counted in node.metrics())
    page = node.metrics()
    assert 'propylon_refusals_total{reason="key_unknown"} 1.0\n' in page
    assert 'propylon_latency_seconds_count{api="token"} 21.0\n' in page
    assert "propylon_control_head_revision 2.0\n" in page
    assert "propylon_control_leads 1.0\n" in page
    assert 'propylon_worker_stores_away{worker="1"} 0.0\n' in page


def numbers(page: str, name: str) -> float:
    """Of all workers, added up."""
    return sum(float(line.split()[-1]) for line in page.splitlines() if line.startswith(f"propylon_worker_{name}{{"))


def test_hits_look_ups_connections_and_revisions_add_up(node: Node) -> None:
    eventually(lambda: numbers(node.metrics(), "exchanges_total") == 21)
    page = node.metrics()
    workers = {line for line in page.splitlines() if line.startswith("propylon_worker_applied_revision")}
    assert workers == {f'propylon_worker_applied_revision{{worker="{slot}"}} 2.0' for slot in (0, 1)}
    assert numbers(page, "key_hits_total") >= 18  # each worker that was asked has read the key once
    assert numbers(page, "lookups_total") >= 2  # of which one was for nobody
    assert numbers(page, "upstream_connects_total") + numbers(page, "upstream_reuses_total") >= 20
    assert numbers(page, "revision_lag") == 0


def test_the_same_metrics_are_behind_the_secret_of_the_gateway_api(node: Node) -> None:
    assert "propylon_exchanges_total" in node.gateway.api("GET", "/tyk/metrics").body.decode()
    assert node.gateway.api("GET", "/tyk/metrics", secret="wrong").status == 403


def test_nothing_of_the_gateway_api_is_served_beside_the_metrics(node: Node) -> None:
    for path in ("/tyk/metrics", "/tyk/keys", "/ready", "/"):
        assert get(node.metrics_url.removesuffix("/metrics") + path).status == 404


def test_a_single_machine_is_one_node(node: Node) -> None:
    eventually(lambda: numbers(node.metrics(), "exchanges_total") == 21)
    (only,) = json.loads(node.gateway.api("GET", "/tyk/nodes").body)["nodes"]
    assert (only["role"], only["is_alive"], only["workers"], only["applied_revision"]) == ("all", True, 2, 2)
    assert only["since"] < only["last_seen"]
