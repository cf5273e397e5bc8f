"""Load on a gateway: many keep-alive connections in one loop, every request with its start, end and status.

Times are of one monotonic clock, on the client's side: what a window admitted is judged by requests that lie in it
with both ends, so that no delay between client and gateway can make a good gateway look bad.
"""

import asyncio
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from tests.kit.connection import Connection, NoAnswer

SAFETY_S: Final = 30.0  # a bound against hanging, never something a test asserts
UNANSWERED: Final = 0  # sent, and the connection ended before the whole answer
UNSENT: Final = -1  # no connection could be made
RETRY_S: Final = 0.01
LOOK_S: Final = 0.05


class Outcome(NamedTuple):
    """One request. `status` is UNANSWERED or UNSENT when no whole answer came."""

    started: float
    ended: float
    status: int


async def load(
    port: int,
    request: bytes | Callable[[], bytes],
    *,
    connections: int,
    until: Callable[[], bool],
    pause_s: float = 0.0,
    into: list[Outcome] | None = None,
) -> list[Outcome]:
    """Sends requests one after another on each connection until told to end; reconnects when one is cut.

    `into` is where outcomes appear while it goes on.
    """
    outcomes: list[Outcome] = [] if into is None else into
    make = request if callable(request) else lambda: request
    clients = [asyncio.ensure_future(_client(port, make, outcomes, until, pause_s)) for _ in range(connections)]
    running = set(clients)
    while running and not until():
        _, running = await asyncio.wait(running, timeout=LOOK_S)
    _, hanging = await asyncio.wait(clients, timeout=SAFETY_S)
    for client in hanging:
        client.cancel()
    assert not hanging, f"{len(hanging)} requests had no answer within {SAFETY_S:.0f} s"
    await asyncio.gather(*clients)
    return outcomes


async def _client(
    port: int, make: Callable[[], bytes], outcomes: list[Outcome], until: Callable[[], bool], pause_s: float
) -> None:
    connection: Connection | None = None
    while not until():
        started = time.monotonic()
        status = UNSENT
        try:
            if connection is None or not connection.is_open:
                connection = await Connection.open(port)
            status = UNANSWERED
            status = (await connection.ask(make())).status
        except (OSError, NoAnswer):
            await asyncio.sleep(RETRY_S)
        outcomes.append(Outcome(started, time.monotonic(), status))
        if pause_s:
            await asyncio.sleep(pause_s)
    if connection is not None:
        connection.close()


def get_request(path: str, fields: Mapping[str, str] | None = None) -> bytes:
    return request_bytes("GET", path, fields)


def request_bytes(method: str, path: str, fields: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    own = {"Host": "gateway"} | ({"Content-Length": str(len(body))} if body else {})
    lines = [f"{method} {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in (own | dict(fields or {})).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def most_in_a_window(outcomes: Sequence[Outcome], window_s: float) -> int:
    """The most answers 200 that any window holds with both their ends; the worst windows begin at the start of one."""
    admitted = sorted(outcome for outcome in outcomes if outcome.status == 200)
    ends = sorted(outcome.ended for outcome in admitted)
    longer = [outcome for outcome in admitted if outcome.ended - outcome.started >= window_s]
    most = 0
    for before, outcome in enumerate(admitted):
        limit = outcome.started + window_s
        spanning = sum(one.started < outcome.started and one.ended >= limit for one in longer)
        most = max(most, bisect_left(ends, limit) - (before - spanning))
    return most


def longest_silence_s(outcomes: Sequence[Outcome]) -> float:
    """The longest time within the load in which no client had an answer."""
    ends = sorted(outcome.ended for outcome in outcomes if outcome.status > 0)
    starts = [min(outcome.started for outcome in outcomes), *ends]
    return max(end - start for start, end in zip(starts, ends, strict=False))


def count(outcomes: Sequence[Outcome], status: int) -> int:
    return sum(outcome.status == status for outcome in outcomes)


def by_status(outcomes: Sequence[Outcome]) -> dict[int, int]:
    return dict(sorted(Counter(outcome.status for outcome in outcomes).items()))
