"""A fleet from outside: what every node answers, what they say of their stores, and what usage adds up to."""

import json
from collections.abc import Callable

from tests.kit.client import get
from tests.kit.fleet import Fleet
from tests.kit.gateway import Gateway
from tests.kit.waiting import eventually

BEAT_S = 1.0


def asked(fleet: Fleet, key: str, path: str = "/token/x") -> list[int]:
    """The status that each node answers to one request."""
    return [get(node.url + path, {"Authorization": key}).status for node in fleet.nodes]


def stores_of(node: Gateway) -> str:
    """`pass`, or `away` while one is."""
    return str(json.loads(get(node.url + "/ready").body)["details"]["stores"])


def stores_are(fleet: Fleet, word: str) -> Callable[[], bool]:
    """For `eventually`: whether every gateway node says so."""
    return lambda: [stores_of(node) for node in fleet.nodes] == [word] * len(fleet.nodes)


def wait_until_all_are_heard(fleet: Fleet) -> None:
    """Until every process has been told how many nodes there are, which it is with each of its beats."""

    def last_beats() -> list[float]:
        nodes = fleet.control.api("GET", "/tyk/nodes").json()["nodes"]
        return [node["last_seen"] for node in nodes if node["is_alive"]]

    eventually(lambda: len(last_beats()) == len(fleet.controls) + len(fleet.nodes))
    all_were_there = max(last_beats())
    eventually(lambda: min(last_beats()) > all_were_there + BEAT_S)


def counted(fleet: Fleet, status: int = 200, api_id: str = "token") -> int:
    """Exchanges, as control has added them up so far."""
    usage = fleet.control.api("GET", f"/tyk/usage?api_id={api_id}&status={status}").json()["usage"]
    return sum(row["exchanges"] for row in usage)
