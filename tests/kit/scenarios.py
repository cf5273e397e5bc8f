"""Long scenarios against real processes, in two sizes: `make test` runs them small, `make soak` in full.

Each answers the figures it measured; what must hold is asserted by its caller, so that a soak reports every figure.
"""

import asyncio
import os
import random
import signal
import time
from pathlib import Path
from typing import NamedTuple

from tests.kit.definitions import session
from tests.kit.gateway import Gateway
from tests.kit.load import Outcome, count, get_request, load, most_in_a_window


class RateFigures(NamedTuple):
    sent: int
    admitted: int
    most_in_a_window: int
    rate: int
    windows: float


class QuotaFigures(NamedTuple):
    admitted: int
    quota: int
    kills: int
    unanswered: int  # requests whose connection ended at a kill: their charge may stand
    errors: dict[int, int]


def children(parent: int) -> dict[str, int]:
    """Process title → pid of a gateway's processes."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text()
                title = (entry / "cmdline").read_bytes().split(b"\0")[0].decode()
            except OSError:
                continue
            if int(status.rsplit(")", 1)[1].split()[1]) == parent:
                found[title.removeprefix("propylon: ")] = int(entry.name)
    return found


def exact_rate(gateway: Gateway, *, rate: int, per_s: float, seconds: float, connections: int = 64) -> RateFigures:
    """Overload one key for a while; needs the API `token`."""
    key = f"rate-{random.randrange(10**9)}"
    body = session("token", rate=rate, per=per_s)
    assert gateway.api("POST", f"/tyk/keys/{key}", body).status == 200
    ends = time.monotonic() + seconds
    request = get_request("/token/x", {"Authorization": key})
    outcomes = asyncio.run(load(gateway.port, request, connections=connections, until=lambda: time.monotonic() >= ends))
    return RateFigures(len(outcomes), count(outcomes, 200), most_in_a_window(outcomes, per_s), rate, seconds / per_s)


def quota_over_kills(gateway: Gateway, *, quota: int, kills: int, seed: int) -> QuotaFigures:
    """Spends one key's quota while workers are killed; needs the API `token`."""
    chance = random.Random(seed)
    key = f"quota-{chance.randrange(10**9)}"
    assert (
        gateway.api("POST", f"/tyk/keys/{key}", session("token", quota_max=quota, quota_renewal_rate=86400)).status
        == 200
    )
    return asyncio.run(_quota_over_kills(gateway, key, quota, kills, chance))


async def _quota_over_kills(gateway: Gateway, key: str, quota: int, kills: int, chance: random.Random) -> QuotaFigures:
    request = get_request("/token/x", {"Authorization": key})
    killed = 0
    outcomes: list[Outcome] = []

    def is_spent() -> bool:
        return killed >= kills and count(outcomes[-50:], 403) == 50

    async def kill_workers() -> None:
        nonlocal killed
        while killed < kills:
            await asyncio.sleep(0.1 + chance.random() * 0.3)
            workers = [pid for title, pid in children(gateway.pid).items() if title.startswith("worker")]
            if workers:
                os.kill(chance.choice(workers), signal.SIGKILL)
                killed += 1

    async def spend() -> None:
        while not is_spent():
            batch_ends = time.monotonic() + 0.5
            outcomes.extend(
                await load(gateway.port, request, connections=16, until=lambda: time.monotonic() >= batch_ends)  # noqa: B023 - awaited at once
            )

    await asyncio.gather(kill_workers(), spend())
    other = {status: n for status in {o.status for o in outcomes} - {0, 200, 403} if (n := count(outcomes, status))}
    return QuotaFigures(count(outcomes, 200), quota, killed, count(outcomes, 0), other)


class WriteFigures(NamedTuple):
    acknowledged: int
    lost: list[str]
    kills: int


def acknowledged_keys_survive(gateway: Gateway, *, kills: int, what: str, seed: int) -> WriteFigures:
    """Creates keys while `what` ("control", "worker", "all") is killed; then looks for each acknowledged one."""
    chance = random.Random(seed)
    acknowledged: list[str] = []
    for round_ in range(kills):
        stop_at = time.monotonic() + 0.2 + chance.random() * 0.4
        number = 0
        while time.monotonic() < stop_at:
            key = f"{what}-{seed}-{round_}-{number}"
            if _try_create(gateway, key):
                acknowledged.append(key)
            number += 1
        _kill(gateway, what, chance)
        _wait_until_writable(gateway)
    lost = [key for key in acknowledged if gateway.api("GET", f"/tyk/keys/{key}").status != 200]
    return WriteFigures(len(acknowledged), lost, kills)


def _try_create(gateway: Gateway, key: str) -> bool:
    try:
        return gateway.api("POST", f"/tyk/keys/{key}", session("token")).status == 200
    except (OSError, AssertionError):
        return False


def _kill(gateway: Gateway, what: str, chance: random.Random) -> None:
    if what == "all":
        gateway.kill()
        gateway.start()
        return
    pids = [pid for title, pid in children(gateway.pid).items() if title.startswith(what)]
    os.kill(chance.choice(pids), signal.SIGKILL)


def _wait_until_writable(gateway: Gateway) -> None:
    give_up = time.monotonic() + 30.0
    while time.monotonic() < give_up:
        try:
            if gateway.api("GET", "/tyk/apis").status == 200:
                return
        except (OSError, AssertionError):
            pass
    raise AssertionError("the Gateway API did not come back within 30 s")


def wait_for_children(gateway: Gateway, *titles: str) -> dict[str, int]:
    give_up = time.monotonic() + 30.0
    while time.monotonic() < give_up:
        found = children(gateway.pid)
        if set(titles) <= set(found):
            return found
    raise AssertionError(f"no {titles} within 30 s, only {children(gateway.pid)}")
