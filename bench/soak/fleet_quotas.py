"""One quota over three nodes while Redis is restarted: never more than it says, but for what Redis may forget."""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from bench.soak.balancer import Balancer
from bench.soak.fleet_place import IN_WORDS, ports, soaked_fleet, until, until_stores_are
from bench.soak.row import Row, Size, counts
from tests.kit.fleet import Fleet
from tests.kit.load import Outcome, by_status, count, get_request
from tests.kit.scenarios import put_key

RESTARTS = 5
BETWEEN = 1_000  # admitted from one restart to the next
CONNECTIONS = 24
ASK_S = 0.08  # some 300 requests a second: what may be forgotten is less than what lies between two kills
FORGOTTEN_S = 2.0  # "the charges of its last second or two" (docs/fleet.md)
SPENT = 40  # refusals in a row at each node: there is nothing left
ALWAYS = ("--appendfsync", "always")
NOTHING_KEPT = ("--appendonly", "no")
SETTINGS = {"workers": 1, "store_timeout_s": 10}


class Spent(NamedTuple):
    """What was seen of one quota."""

    quota: int
    outcomes: list[Outcome]
    ended_at: list[float]  # when Redis was told to end, or killed

    @property
    def admitted(self) -> int:
        return count(self.outcomes, 200)

    @property
    def in_flight(self) -> int:
        """At most: each connection has one request on its way when Redis ends."""
        return CONNECTIONS * len(self.ended_at)

    @property
    def forgettable(self) -> int:
        """Admitted in the last seconds before an end."""
        return sum(
            one.status == 200 and any(at - FORGOTTEN_S <= one.ended and one.started <= at for at in self.ended_at)
            for one in self.outcomes
        )

    @property
    def admitted_after(self) -> int:
        return sum(one.status == 200 and one.started > self.ended_at[-1] for one in self.outcomes)


def fleet_quotas(size: Size) -> list[Row]:
    restarts = size.of(RESTARTS, least=2)
    with soaked_fleet(SETTINGS) as fleet:
        rows = [_row(fleet, "SIGTERM", "everysec", restarts), _row(fleet, "SIGKILL", "everysec", restarts)]
    with soaked_fleet(SETTINGS, redis_options=ALWAYS) as fleet:
        rows.append(_row(fleet, "SIGKILL", "always", restarts))
    with soaked_fleet(SETTINGS, redis_options=NOTHING_KEPT) as fleet:
        rows.append(_forgetful_row(fleet))
    return rows


def _row(fleet: Fleet, how: str, fsync: str, restarts: int) -> Row:
    end = fleet.redis.stop if how == "SIGTERM" else fleet.redis.kill
    one = _spend(fleet, f"{how}-{fsync}", end, restarts)
    may_forget = how == "SIGKILL" and fsync == "everysec"
    most = one.quota + one.forgettable * may_forget
    more = f" + those admitted in the last {FORGOTTEN_S:.0f} s before each kill" if may_forget else ""
    shown = f" of at most {most:,}" if may_forget else ""
    return Row(
        f"a quota of {one.quota:,} over {restarts} × {how} and start of Redis (appendfsync {fsync}), {IN_WORDS}",
        f"admitted ≤ quota{more}; ≥ quota − charges in flight (one of each of {CONNECTIONS} connections at each "
        "restart); no answer but 200 and 403",
        f"{one.admitted:,} admitted{shown} ({one.admitted - one.quota:+,}), {one.admitted_after:,} of them after the "
        f"last restart; {counts(by_status(one.outcomes))}",
        one.quota - one.in_flight <= one.admitted <= most
        and one.admitted_after > 0
        and by_status(one.outcomes).keys() <= {200, 403},
    )


def _forgetful_row(fleet: Fleet) -> Row:
    one = _spend(fleet, "forgetful", fleet.redis.kill, restarts=1)
    most = one.quota + one.forgettable
    return Row(
        "the same judgement on a Redis that keeps nothing (appendonly no), killed once",
        f"must be caught: more than the quota and those admitted in the last {FORGOTTEN_S:.0f} s",
        f"{one.admitted:,} admitted, of at most {most:,}",
        one.admitted > most,
    )


def _spend(fleet: Fleet, key: str, end: Callable[[], None], restarts: int) -> Spent:
    """Half of it, or more, after the last restart, so that it is not spent before."""
    quota = 2 * restarts * BETWEEN
    put_key(fleet.control, key, quota_max=quota, quota_renewal_rate=86_400)
    return asyncio.run(_spend_over_restarts(fleet, key, quota, end, restarts))


async def _spend_over_restarts(fleet: Fleet, key: str, quota: int, end: Callable[[], None], restarts: int) -> Spent:
    balancer, request = Balancer(ports(fleet)), get_request("/token/x", {"Authorization": key})

    async def restart() -> list[float]:
        ended_at = []
        for number in range(1, restarts + 1):
            wanted = number * BETWEEN
            await until(f"{wanted} are admitted", lambda wanted=wanted: count(balancer.seen, 200) >= wanted)  # type: ignore[misc]
            ended_at.append(time.monotonic())
            await asyncio.to_thread(end)
            await asyncio.to_thread(fleet.redis.start)
            await until_stores_are("pass", fleet)
        return ended_at

    restarting = asyncio.ensure_future(restart())
    await balancer.load(request, connections=CONNECTIONS, until=restarting.done, pause_s=ASK_S)
    ended_at = await restarting
    await balancer.load(request, connections=CONNECTIONS, until=lambda: _is_spent(balancer))
    return Spent(quota, balancer.seen, ended_at)


def _is_spent(balancer: Balancer) -> bool:
    return all(count(outcomes[-SPENT:], 403) == SPENT for outcomes in balancer.outcomes.values())
