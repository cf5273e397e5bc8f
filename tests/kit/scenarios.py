"""Long scenarios against real processes, in two sizes: `make test` runs them small, `make soak` in full.

Each answers the figures it measured; what must hold is asserted by its caller, so that a soak reports every figure.
"""

import asyncio
import os
import random
import signal
import sqlite3
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

from tests.kit.definitions import session
from tests.kit.gateway import Gateway
from tests.kit.ledger import Ledger
from tests.kit.load import UNANSWERED, Outcome, by_status, count, get_request, load, most_in_a_window

SAFETY_S: Final = 30.0  # a bound against hanging, never something a test asserts
DEATHS_APART_S: Final = 2.8  # five deaths of one slot within 10 s would make the parent back off for 5 s
SHARE: Final = 0.94  # of what is allowed, that sustained overload gets at least (16/17, design §3.1)


class RateFigures(NamedTuple):
    rate: int
    window_s: float
    sent: int
    admitted: int
    most_in_a_window: int
    windows: float  # how many periods the load lasted

    @property
    def is_exact(self) -> bool:
        return self.most_in_a_window <= self.rate

    @property
    def share(self) -> float:
        """Of what is allowed."""
        return self.admitted / (self.rate * self.windows)


class QuotaFigures(NamedTuple):
    admitted: int
    quota: int
    kills: int
    unanswered: int  # requests whose connection ended at a kill: their charge may stand
    errors: dict[int, int]

    @property
    def is_exact(self) -> bool:
        return self.quota - self.unanswered <= self.admitted <= self.quota


class WriteFigures(NamedTuple):
    acknowledged: int
    lost: list[str]
    kills: int
    answers: dict[int, int]  # to the load that went on meanwhile, by status
    damaged: list[str]  # what SQLite's integrity check said after kills of everything


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


def parents(gateway: Gateway) -> list[int]:
    """Of the gateway's session, in which a successor stays; a newborn child has its parent's title for a moment."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                title, stat = (folder / "cmdline").read_bytes(), (folder / "stat").read_text()
            except OSError:  # it ended meanwhile
                continue
            is_ours = int(stat.rpartition(")")[2].split()[3]) == gateway.pid
            if is_ours and title.startswith(b"propylon: parent"):
                found.append(int(folder.name))
    return sorted(found)


def wait_for_children(gateway: Gateway, *titles: str) -> dict[str, int]:
    give_up = time.monotonic() + SAFETY_S
    while time.monotonic() < give_up:
        found = children(gateway.pid)
        if set(titles) <= set(found):
            return found
    raise AssertionError(f"no {titles} within {SAFETY_S:.0f} s, only {children(gateway.pid)}")


# -- limits -----------------------------------------------------------------------------------------------------------


def exact_rate(
    gateway: Gateway,
    *,
    rate: float,
    per_s: float,
    seconds: float,
    connections: int = 64,
    judged_per_s: float | None = None,
) -> RateFigures:
    """Overload one key for a while, as fast as answers come; needs the API `token`.

    `judged_per_s`: the period whose windows are looked at, when it is another than the one asked for.
    """
    key = f"rate-{random.randrange(10**9)}"
    put_key(gateway, key, rate=rate, per=per_s)
    ends = time.monotonic() + seconds
    request = get_request("/token/x", {"Authorization": key})
    outcomes = asyncio.run(load(gateway.port, request, connections=connections, until=lambda: time.monotonic() >= ends))
    exact = Fraction(str(rate))  # 2.5 in 1 s is judged as 5 in 2 s
    window_s = (judged_per_s or per_s) * exact.denominator
    most = most_in_a_window(outcomes, window_s)
    return RateFigures(exact.numerator, window_s, len(outcomes), count(outcomes, 200), most, seconds / window_s)


def quota_over_kills(gateway: Gateway, *, quota: int, kills: int, seed: int, pause_s: float = 0.0) -> QuotaFigures:
    """Spends one key's quota while workers are killed; needs the API `token`."""
    chance = random.Random(seed)
    key = f"quota-{chance.randrange(10**9)}"
    put_key(gateway, key, quota_max=quota, quota_renewal_rate=86400)
    return asyncio.run(_quota_over_kills(gateway, key, quota, kills, chance, pause_s))


async def _quota_over_kills(
    gateway: Gateway, key: str, quota: int, kills: int, chance: random.Random, pause_s: float
) -> QuotaFigures:
    request = get_request("/token/x", {"Authorization": key})
    outcomes: list[Outcome] = []

    def is_spent() -> bool:
        return count(outcomes[-50:], 403) == 50

    killing = asyncio.ensure_future(kill_one_after_another(gateway, "worker", kills, chance))
    await load(gateway.port, request, connections=16, until=killing.done, pause_s=pause_s, into=outcomes)
    await load(gateway.port, request, connections=16, until=is_spent, into=outcomes)
    await killing
    statuses = by_status(outcomes)
    errors = {status: number for status, number in statuses.items() if status not in (UNANSWERED, 200, 403)}
    return QuotaFigures(count(outcomes, 200), quota, kills, count(outcomes, UNANSWERED), errors)


def put_key(gateway: Gateway, key: str, **members: object) -> None:
    """A key for the API `token`."""
    answer = gateway.api("POST", f"/tyk/keys/{key}", session("token", **members))
    assert answer.status == 200, answer


# -- kills ------------------------------------------------------------------------------------------------------------


def acknowledged_writes_survive(gateway: Gateway, *, kills: int, what: str, seed: int) -> WriteFigures:
    """Writes keys, policies and APIs while `what` ("control", "worker", "all") is killed; then looks for each."""
    put_key(gateway, "steady")
    return asyncio.run(_acknowledged_writes_survive(gateway, kills, what, random.Random(seed)))


async def _acknowledged_writes_survive(gateway: Gateway, kills: int, what: str, chance: random.Random) -> WriteFigures:
    ledger = Ledger(gateway.port, gateway.secret, f"{what}{chance.randrange(10**6)}")
    outcomes: list[Outcome] = []
    damaged: list[str] = []
    if what == "all":
        killing = asyncio.ensure_future(_kill_everything(gateway, kills, chance, damaged))
    else:
        killing = asyncio.ensure_future(kill_one_after_another(gateway, what, kills, chance))
    request = get_request("/token/x", {"Authorization": "steady"})
    await asyncio.gather(
        load(gateway.port, request, connections=8, until=killing.done, pause_s=0.005, into=outcomes),
        *(ledger.write(random.Random(chance.random()), until=killing.done) for _ in range(4)),
    )
    await killing
    await asyncio.to_thread(wait_until_writable, gateway)
    lost = await ledger.lost()
    return WriteFigures(ledger.acknowledged, lost, kills, by_status(outcomes), damaged)


async def kill_one_after_another(gateway: Gateway, what: str, kills: int, chance: random.Random) -> None:
    """SIGKILL to the processes whose title begins so, in turn, no faster than the parent replaces them for long."""
    titles = sorted(title for title in children(gateway.pid) if title.startswith(what))
    pace_s = DEATHS_APART_S / len(titles) if kills >= 4 * len(titles) else 0.5
    for number in range(kills):
        await asyncio.sleep(pace_s * (0.9 + 0.2 * chance.random()))
        title = titles[number % len(titles)]
        os.kill(await _pid_of(gateway, title), signal.SIGKILL)


async def _pid_of(gateway: Gateway, title: str) -> int:
    give_up = time.monotonic() + SAFETY_S
    while (pid := children(gateway.pid).get(title)) is None:
        assert time.monotonic() < give_up, f"no {title} within {SAFETY_S:.0f} s"
        await asyncio.sleep(0.02)
    return pid


async def _kill_everything(gateway: Gateway, kills: int, chance: random.Random, damaged: list[str]) -> None:
    for _ in range(kills):
        await asyncio.sleep(0.3 + chance.random() * 0.7)
        await asyncio.to_thread(gateway.kill)
        damaged += integrity_problems(gateway.folder / "data")
        await asyncio.to_thread(gateway.start)


def integrity_problems(data_dir: Path) -> Sequence[str]:
    """What SQLite finds wrong with the databases of a gateway that is not running."""
    found = []
    for file in sorted(data_dir.glob("*.db")):
        connection = sqlite3.connect(file)
        try:
            said = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        except sqlite3.DatabaseError as error:  # damage beyond what it can describe
            said = [str(error)]
        finally:
            connection.close()
        found += [f"{file.name}: {text}" for text in said if text != "ok"]
    return found


def wait_until_writable(gateway: Gateway) -> None:
    give_up = time.monotonic() + SAFETY_S
    while time.monotonic() < give_up:
        try:
            if gateway.api("GET", "/tyk/apis").status == 200:
                return
        except (OSError, AssertionError):
            pass
    raise AssertionError(f"the Gateway API did not come back within {SAFETY_S:.0f} s")
