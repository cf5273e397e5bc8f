"""Rolling restarts of a fleet's gateway nodes under load, both ways that `docs/fleet.md` tells: nobody is cut off."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from bench.soak.balancer import Balancer
from bench.soak.fleet_place import IN_WORDS, NODES, ports, soaked_fleet, until
from bench.soak.row import Row, Size, counts
from tests.kit.fleet import Fleet
from tests.kit.gateway import Gateway
from tests.kit.load import Outcome, by_status, get_request, load
from tests.kit.scenarios import parents, put_key

ROUNDS = 10  # of each way; in a round each gateway node is restarted once
CONNECTIONS = 4  # of each node
ASK_S = 0.02
SETTINGS = {"workers": 1}


class Rolled(NamedTuple):
    """Rounds of one way, and what clients saw meanwhile."""

    restarts: int
    longest_s: float
    outcomes: list[Outcome]


def fleet_restarts(size: Size) -> list[Row]:
    """Node by node, as a load balancer's clients see it."""
    rounds = size.of(ROUNDS)
    with _serving() as fleet:
        found = asyncio.run(_ended_and_started(fleet, rounds))
    return [_row("SIGTERM and start, clients sent to another node by `Connection: close`", rounds, found)]


def fleet_upgrades(size: Size) -> list[Row]:
    """On each machine, beside the old one."""
    rounds = size.of(ROUNDS)
    with _serving() as fleet:
        found = asyncio.run(_replaced(fleet, rounds))
    return [_row("SIGUSR2, half of the clients with a new connection for each request", rounds, found)]


@contextmanager
def _serving() -> Iterator[Fleet]:
    with soaked_fleet(SETTINGS) as fleet:
        put_key(fleet.control, "steady", rate=10**6, per=60)
        yield fleet


def _row(how: str, rounds: int, found: Rolled) -> Row:
    statuses = by_status(found.outcomes)
    return Row(
        f"{rounds} rolling restarts of {IN_WORDS}: {how}",
        "0 failed requests: every one answered 200",
        f"{found.restarts} restarts of a node, the longest {found.longest_s:.1f} s; {counts(statuses)}",
        statuses.keys() == {200} and found.restarts == rounds * NODES and statuses[200] > 100 * found.restarts,
    )


async def _ended_and_started(fleet: Fleet, rounds: int) -> Rolled:
    balancer = Balancer(ports(fleet))

    async def restart(node: Gateway) -> None:
        await asyncio.to_thread(node.stop)
        await asyncio.to_thread(node.start)
        balancer.bring_back(node.port)

    rolling = asyncio.ensure_future(_roll(fleet, rounds, restart))
    request = get_request("/token/x", {"Authorization": "steady"})
    await balancer.load(request, connections=CONNECTIONS * NODES, until=rolling.done, pause_s=ASK_S)
    return Rolled(rounds * NODES, await rolling, balancer.seen)


async def _replaced(fleet: Fleet, rounds: int) -> Rolled:
    rolling = asyncio.ensure_future(_roll(fleet, rounds, _replace))
    kept = get_request("/token/x", {"Authorization": "steady"})
    closed = get_request("/token/x", {"Authorization": "steady", "Connection": "close"})
    outcomes: list[Outcome] = []
    await asyncio.gather(
        *(
            load(port, request, connections=CONNECTIONS // 2, until=rolling.done, pause_s=ASK_S, into=outcomes)
            for port in ports(fleet)
            for request in (kept, closed)
        )
    )
    return Rolled(rounds * NODES, await rolling, outcomes)


async def _roll(fleet: Fleet, rounds: int, restart: Callable[[Gateway], Awaitable[None]]) -> float:
    """How long the longest restart took."""
    longest_s = 0.0
    for _ in range(rounds):
        for node in fleet.nodes:
            began = time.monotonic()
            await restart(node)
            longest_s = max(longest_s, time.monotonic() - began)
    return longest_s


async def _replace(node: Gateway) -> None:
    """Until the successor is alone."""
    (before,) = parents(node)
    os.kill(before, signal.SIGUSR2)
    await until("the successor is alone", lambda: before not in (now := parents(node)) and len(now) == 1)
