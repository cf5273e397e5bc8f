"""A fleet for a soak: gateway nodes and control nodes on stores of their own, and what is seen from outside."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bench.soak.origin import running_origin
from tests.kit.client import get
from tests.kit.definitions import jwt_api, token_api
from tests.kit.fleet import Fleet, running_fleet
from tests.kit.gateway import Gateway
from tests.kit.load import Outcome
from tests.kit.waiting import eventually

NODES = 3
CONTROLS = 2
IN_WORDS = f"{NODES} gateway nodes and {CONTROLS} control nodes"


@contextmanager
def soaked_fleet(
    settings: Mapping[str, Any] | None = None,
    more_apis: Callable[[str], Sequence[Mapping[str, Any]]] = lambda url: (),
    redis_options: Sequence[str] = (),
) -> Iterator[Fleet]:
    """With the APIs `token` and `jwt`, and what is made for the origin's URL."""
    with (
        running_origin() as url,
        running_fleet(NODES, settings, controls=CONTROLS, redis_options=redis_options) as fleet,
    ):
        for definition in (token_api(url), jwt_api(url), *more_apis(url)):
            answer = fleet.control.api("POST", "/tyk/apis", definition)
            assert answer.status == 200, answer
        yield fleet


def ports(fleet: Fleet) -> list[int]:
    return [node.port for node in fleet.nodes]


async def until(what: str, holds: Callable[[], bool]) -> None:
    """While the load goes on. Fails when it does not come about within half a minute."""
    try:
        await asyncio.to_thread(eventually, holds)
    except AssertionError as why:
        raise AssertionError(f"{what}: {why}") from None


async def until_stores_are(word: str, fleet: Fleet) -> None:
    """`pass` or `away`, in the eyes of every gateway node; of its one worker, if it has one."""
    await until(f"stores are {word}", lambda: all(_details(node).get("stores") == word for node in fleet.nodes))


async def leader_and_other(fleet: Fleet) -> tuple[Gateway, Gateway]:
    """Of the two control nodes, as soon as one leads."""
    first, second = fleet.controls
    await until("a control node leads", lambda: leads(first) or leads(second))
    return (first, second) if leads(first) else (second, first)


def leads(control: Gateway) -> bool:
    return _details(control).get("leads") is True


def stored_usage(control: Gateway, api_id: str = "token") -> Counter[int]:
    """Exchanges of an API by status, as a control node shows them."""
    answer = control.api("GET", f"/tyk/usage?step=day&by=status&api_id={api_id}")
    assert answer.status == 200, answer
    stored: Counter[int] = Counter()
    for row in json.loads(answer.body)["usage"]:
        stored[int(row["status"])] += row["exchanges"]
    return stored


def _details(node: Gateway) -> dict[str, Any]:
    """Of `/ready`; empty while nobody answers."""
    try:
        answer = get(node.url + "/ready")
    except (OSError, AssertionError):
        return {}
    details: dict[str, Any] = json.loads(answer.body).get("details", {})
    return details


def between(outcomes: Sequence[Outcome], began: float, ended: float) -> list[Outcome]:
    """Those that lie within with both ends."""
    return [outcome for outcome in outcomes if outcome.started >= began and outcome.ended <= ended]
