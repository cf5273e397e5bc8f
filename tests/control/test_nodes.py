"""The nodes as the Gateway API shows them: those a fleet's meters heard of, or this machine by its workers' usage."""

from collections.abc import Sequence
from typing import Any

import pytest

from propylon import __version__
from propylon.control.app import App
from propylon.errors import StoreUnavailable
from propylon.stores.ports import Heard
from propylon.telemetry.counters import Counters
from propylon.telemetry.report import Report, encode
from tests.control.conftest import GatewayApi, Make

FLEET = {
    "records_url": "postgresql+asyncpg://db/propylon",
    "meters_url": "redis://meters:6379/0",
    "root_secret": "a-root-secret-of-at-least-32-characters",
}


class FleetMeters:
    """Meters that heard what they are told; all else they leave to real ones."""

    def __init__(self, meters: Any, heard: Sequence[Heard]) -> None:
        self._meters = meters
        self.listed = list(heard)
        self.is_shut = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._meters, name)

    async def heard(self) -> list[Heard]:
        if self.is_shut:
            raise StoreUnavailable("shut")
        return self.listed


def fleet(api: GatewayApi, *heard: Heard) -> FleetMeters:
    """Makes the control plane one of a fleet whose meters heard that."""
    meters = FleetMeters(api.meters, heard)
    api.app = App(api.desk._replace(meters=meters, settings=api.settings.model_copy(update=FLEET)))
    return meters


def worker(node: str, number: int, report: Report, *, at: float = 100.0, is_alive: bool = True) -> Heard:
    return Heard(node, f"worker {number}", encode(report), at, is_alive)


def report(**members: Any) -> Report:
    return Report("gateway", "1.2.3", 50.0, 7, 10.0, 1)._replace(**members)


def nodes(api: GatewayApi) -> list[dict[str, Any]]:
    answer = api.call("GET", "/tyk/nodes")
    assert answer.status_code == 200, answer.text
    listed: list[dict[str, Any]] = answer.json()["nodes"]
    return listed


def test_a_single_machine_is_one_node_with_the_numbers_of_its_workers(api: GatewayApi) -> None:
    for slot, applied in ((0, 9), (1, 8)):
        counters = Counters(slot, exchanges_per_s=2.5, running_exchanges=3, applied_revision=applied)
        api.desk.metrics.observe([], counters.values())
    assert nodes(api) == [
        {
            "name": "a-node",
            "role": "all",
            "version": __version__,
            "is_alive": True,
            "since": 1_700_000_000.0,
            "last_seen": 1_800_000_000.25,
            "workers": 2,
            "applied_revision": 8,
            "exchanges_per_s": 5.0,
            "running_exchanges": 6,
        }
    ]


def test_a_machine_whose_workers_have_said_nothing_yet_is_shown_too(api: GatewayApi) -> None:
    (node,) = nodes(api)
    assert (node["workers"], node["applied_revision"], node["exchanges_per_s"]) == (0, None, 0)


def test_the_processes_of_a_node_are_added_up_and_the_slowest_says_how_far_it_is(api: GatewayApi) -> None:
    fleet(
        api,
        worker("a", 1, report(applied_revision=9), at=101.0),
        worker("a", 2, report(applied_revision=5), at=102.5),
        Heard("c", "control", encode(report(role="control", applied_revision=0, exchanges_per_s=0.0)), 99.0, True),
    )
    first, second = nodes(api)
    assert (first["name"], first["role"], first["version"], first["since"]) == ("a", "gateway", "1.2.3", 50.0)
    assert (first["applied_revision"], first["exchanges_per_s"], first["running_exchanges"]) == (5, 20.0, 2)
    assert (first["last_seen"], first["workers"]) == (102.5, 2)
    assert (second["role"], second["workers"], second["applied_revision"]) == ("control", 0, None)


def test_workers_that_are_gone_count_for_nothing(api: GatewayApi) -> None:
    fleet(api, worker("a", 1, report()), worker("a", 2, report(applied_revision=1), at=20.0, is_alive=False))
    (node,) = nodes(api)
    assert (node["is_alive"], node["workers"], node["applied_revision"], node["exchanges_per_s"]) == (True, 1, 7, 10.0)


def test_a_node_that_is_gone_is_shown_as_it_was_last_seen(api: GatewayApi) -> None:
    fleet(api, worker("a", 1, report(), at=20.0, is_alive=False))
    (node,) = nodes(api)
    assert (node["is_alive"], node["role"], node["last_seen"]) == (False, "gateway", 20.0)
    assert (node["workers"], node["exchanges_per_s"], node["running_exchanges"]) == (0, 0, 0)


def test_after_a_restart_the_newer_start_and_version_are_shown(api: GatewayApi) -> None:
    fleet(api, worker("a", 1, report(since=90.0, version="1.3.0")), worker("a", 2, report(since=50.0)))
    (node,) = nodes(api)
    assert (node["since"], node["version"]) == (90.0, "1.3.0")


@pytest.mark.parametrize("said", ["", "not JSON", "{}"])
def test_a_node_that_says_what_nobody_here_understands_is_listed_all_the_same(api: GatewayApi, said: str) -> None:
    fleet(api, Heard("a", "worker 1", said, 100.0, True))
    (node,) = nodes(api)
    assert (node["name"], node["is_alive"], node["role"], node["workers"]) == ("a", True, "", 0)


def test_while_the_meters_are_away_it_is_not_known(api: GatewayApi) -> None:
    fleet(api).is_shut = True
    answer = api.call("GET", "/tyk/nodes")
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")


def test_it_takes_the_secret(make: Make) -> None:
    assert make().call("GET", "/tyk/nodes", X_Tyk_Authorization="wrong").status_code == 403
