"""Load on a gateway: many keep-alive connections in one loop, every request with its start, end and status.

Times are of one monotonic clock, on the client's side: what a window admitted is judged by requests that lie in it
with both ends, so that no delay between client and gateway can make a good gateway look bad.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Outcome(NamedTuple):
    """One request. `status` is 0 when no whole answer came (the connection ended)."""

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
) -> list[Outcome]:
    """Sends requests one after another on each connection until told to end; reconnects when one is cut."""
    outcomes: list[Outcome] = []
    make = request if callable(request) else lambda: request
    await asyncio.gather(*(_client(port, make, outcomes, until, pause_s) for _ in range(connections)))
    return outcomes


async def _client(
    port: int, make: Callable[[], bytes], outcomes: list[Outcome], until: Callable[[], bool], pause_s: float
) -> None:
    reader, writer = None, None
    while not until():
        started = time.monotonic()
        try:
            if writer is None or reader is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(make())
            status, keep = await _read_answer(reader)
        except (OSError, asyncio.IncompleteReadError):
            status, keep = 0, False
        outcomes.append(Outcome(started, time.monotonic(), status))
        if not keep and writer is not None:
            writer.close()
            reader, writer = None, None
        if pause_s or not status:
            await asyncio.sleep(pause_s or 0.01)
    if writer is not None:
        writer.close()


async def _read_answer(reader: asyncio.StreamReader) -> tuple[int, bool]:
    """Status, and whether the connection is kept."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    length = lower.partition(b"content-length:")[2].partition(b"\r\n")[0]
    if length:
        await reader.readexactly(int(length))
    elif b"transfer-encoding: chunked" in lower:
        while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
            await reader.readexactly(size + 2)
        await reader.readexactly(2)
    return int(head[9:12]), b"connection: close" not in lower


def get_request(path: str, fields: Mapping[str, str] | None = None) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: gateway"] + [f"{name}: {value}" for name, value in (fields or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode()


def most_in_a_window(outcomes: Sequence[Outcome], window_s: float) -> int:
    """The most answers 200 that any window holds with both their ends."""
    admitted = sorted((o for o in outcomes if o.status == 200), key=lambda o: o.started)
    ends = [o.ended for o in admitted]
    most = 0
    for first, outcome in enumerate(admitted):
        # the worst windows begin at the start of an admitted request
        limit = outcome.started + window_s
        inside = 0
        for index in range(first, len(admitted)):
            if admitted[index].started >= limit:
                break
            inside += ends[index] < limit
        most = max(most, inside)
    return most


def count(outcomes: Sequence[Outcome], status: int) -> int:
    return sum(outcome.status == status for outcome in outcomes)
