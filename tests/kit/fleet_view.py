"""A fleet from outside: what every node answers, what they say of their stores, and what usage adds up to."""

import json
from collections.abc import Callable

from tests.kit.client import get
from tests.kit.fleet import Fleet
from tests.kit.gateway import Gateway


def asked(fleet: Fleet, key: str, path: str = "/token/x") -> list[int]:
    """The status that each node answers to one request."""
    return [get(node.url + path, {"Authorization": key}).status for node in fleet.nodes]


def stores_of(node: Gateway) -> str:
    """`pass`, or `away` while one is."""
    return str(json.loads(get(node.url + "/ready").body)["details"]["stores"])


def stores_are(fleet: Fleet, word: str) -> Callable[[], bool]:
    """For `eventually`: whether every gateway node says so."""
    return lambda: [stores_of(node) for node in fleet.nodes] == [word] * len(fleet.nodes)


def counted(fleet: Fleet, status: int = 200, api_id: str = "token") -> int:
    """Exchanges, as control has added them up so far."""
    usage = fleet.control.api("GET", f"/tyk/usage?api_id={api_id}&status={status}").json()["usage"]
    return sum(row["exchanges"] for row in usage)
