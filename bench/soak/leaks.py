"""Requests and connections leave nothing behind in a worker."""

import asyncio
import time

from bench.soak.processes import Taken, send, taken, workers
from bench.soak.row import Row, Size, counts, soaked
from tests.kit.connection import Connection, NoAnswer
from tests.kit.gateway import Gateway
from tests.kit.load import Outcome, by_status, get_request
from tests.kit.scenarios import put_key

REQUESTS = 200_000
OPENED = 20_000
WARM_REQUESTS = 40_000  # own memory rises over the first 30,000 and then stays
WARM_OPENED = 4_000
AT_ONCE = 32
GROWN_MIB = 2.0  # in the second half, when caches are full
SETTLE_S = 3.0


def leaks(size: Size) -> list[Row]:
    requests, opened = size.of(REQUESTS), size.of(OPENED)
    with soaked() as gateway:
        put_key(gateway, "counted", rate=10**9, per=60, quota_max=10**9, quota_renewal_rate=86400)
        outcomes = _half(gateway, WARM_REQUESTS, WARM_OPENED)
        warm = _taken(gateway)
        outcomes += _half(gateway, requests // 2, opened // 2)
        middle = _taken(gateway)
        outcomes += _half(gateway, requests // 2, opened // 2)
        end = _taken(gateway)
    answers = by_status(outcomes)
    grown = max(last.own_mib - half.own_mib for half, last in zip(middle, end, strict=True))
    more_fds = max(last.fds - first.fds for first, last in zip(warm, end, strict=True))
    return [
        Row(
            f"{requests:,} requests (good key, unknown keys, unknown paths) and {opened:,} connections",
            f"each worker: ≤ {GROWN_MIB:g} MiB more memory of its own in the second half; "
            f"at most {AT_ONCE} more files than when warm (connections to the origin)",
            f"{'; '.join(_shown(*three) for three in zip(warm, middle, end, strict=True))}; answers {counts(answers)}",
            grown <= GROWN_MIB and more_fds <= AT_ONCE and set(answers) == {200, 403, 404},
        )
    ]


def _shown(*steps: Taken) -> str:
    """Warm, after the first half, at the end."""
    own = " → ".join(f"{step.own_mib:.1f}" for step in steps)
    return f"own memory {own} MiB, files {' → '.join(str(step.fds) for step in steps)}"


def _half(gateway: Gateway, requests: int, opened: int) -> list[Outcome]:
    numbers = iter(range(10**9))

    def make() -> bytes:
        number = next(numbers)
        if number % 20 == 0:
            return get_request("/token/x", {"Authorization": f"unknown-{number}"})
        if number % 20 == 1:
            return get_request(f"/nowhere/{number}")
        return get_request(f"/token/{number}", {"Authorization": "counted"})

    outcomes = send(gateway, make, requests, AT_ONCE)
    outcomes += asyncio.run(_open_and_close(gateway.port, opened))
    return outcomes


async def _open_and_close(port: int, opened: int) -> list[Outcome]:
    """Every second connection closes without having asked, or in the middle of its request."""
    outcomes: list[Outcome] = []
    request = get_request("/token/x", {"Authorization": "counted"})

    async def open_some(number: int) -> None:
        for at in range(number):
            connection = await Connection.open(port)
            if at % 2:
                started = time.monotonic()
                outcomes.append(Outcome(started, time.monotonic(), (await connection.ask(request)).status))
            connection.close()

    try:
        await asyncio.gather(*(open_some(opened // AT_ONCE) for _ in range(AT_ONCE)))
    except NoAnswer:
        raise AssertionError("a new connection was closed without an answer") from None
    return outcomes


def _taken(gateway: Gateway) -> list[Taken]:
    """Once what is under way has ended; connections to the origin are as many as were needed at once."""
    time.sleep(SETTLE_S)
    return [taken(pid) for pid in workers(gateway)]
