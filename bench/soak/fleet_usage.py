"""Usage of a fleet adds up to the requests answered, to the unit, whoever ends and whatever stands still meanwhile.

No worker is killed here: that may lose its unflushed second (design §5.4).
"""

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from bench.soak.balancer import Balancer
from bench.soak.fleet_place import IN_WORDS, leader_and_other, ports, soaked_fleet, stored_usage, until_stores_are
from bench.soak.row import Row, Size, counts
from tests.kit.fleet import Fleet
from tests.kit.load import UNANSWERED, by_status, get_request
from tests.kit.scenarios import put_key

TURNS = 5  # each of them one of everything
STALLS = 8
STALL_S = 3.0  # longer than store_timeout_s: what was sent is given up, and Redis does it all the same afterwards
PAUSE_S = (0.7, 1.7)  # longer than the second in which workers hand over what they counted, and not its multiple
CONNECTIONS = 12
ASK_S = 0.02
SETTLED_WITHIN_S = 30.0
LATE_S = 3.0  # in which what would be too much comes
CREDENTIALS = ("unlimited", "limited", "unknown")
SETTINGS = {"workers": 2, "store_timeout_s": 2}

Harm = Callable[[Fleet, Balancer, random.Random], Awaitable[None]]


def fleet_usage(size: Size) -> list[Row]:
    turns, stalls = size.of(TURNS), size.of(STALLS, least=2)
    with soaked_fleet(SETTINGS) as fleet:
        put_key(fleet.control, "unlimited")
        put_key(fleet.control, "limited", rate=50, per=1)
        return [
            _row(
                f"over {turns} × (the control node that leads killed, a gateway node ended by SIGTERM, Redis ended by "
                "SIGTERM), each started again under load",
                fleet,
                [*(_kill_the_leader, _end_a_gateway_node, _end_redis) * turns],
                CREDENTIALS,
                size.seed,
            ),
            # Without charges, what is under way when Redis stands still is now and then a worker's usage.
            _row(
                f"over {stalls} × SIGSTOP of Redis for {STALL_S:g} s, longer than store_timeout_s, clients without a "
                "limit",
                fleet,
                [_stall_redis] * stalls,
                ("unlimited",),
                size.seed,
            ),
        ]


def _row(what: str, fleet: Fleet, harms: list[Harm], credentials: tuple[str, ...], seed: int) -> Row:
    before, balancer = stored_usage(fleet.control), Balancer(ports(fleet))
    asyncio.run(_load(fleet, balancer, harms, credentials, random.Random(seed)))
    seen = by_status(balancer.seen)
    answered = Counter({status: number for status, number in seen.items() if status > 0})
    stored = _settled(fleet, before.total() + answered.total())
    stored.subtract(before)
    more = {status: stored[status] - answered[status] for status in {*stored, *answered}}
    wrong = {status: f"{number:+,}" for status, number in more.items() if number}
    unanswered = seen.get(UNANSWERED, 0)
    return Row(
        f"usage of {IN_WORDS} {what}",
        "each status as often as answered; one more only for a request that was cut off",
        f"answered {counts(answered)}; {unanswered} unanswered; stored beyond that: {wrong or 'nothing'}",
        all(number >= 0 for number in more.values())
        and sum(more.values()) <= unanswered
        and answered.keys() >= ({200, 403, 429} if len(credentials) > 1 else {200}),
    )


async def _load(
    fleet: Fleet, balancer: Balancer, harms: list[Harm], credentials: tuple[str, ...], chance: random.Random
) -> None:
    async def harm() -> None:
        for one in chance.sample(harms, len(harms)):
            await asyncio.sleep(chance.uniform(*PAUSE_S))
            await one(fleet, balancer, chance)

    make = itertools.cycle(get_request("/token/x", {"Authorization": one}) for one in credentials).__next__
    harming = asyncio.ensure_future(harm())
    await balancer.load(make, connections=CONNECTIONS, until=harming.done, pause_s=ASK_S)
    await harming


async def _kill_the_leader(fleet: Fleet, *_: object) -> None:
    leader, _other = await leader_and_other(fleet)
    await asyncio.to_thread(leader.kill)
    await asyncio.to_thread(leader.start)


async def _end_a_gateway_node(fleet: Fleet, balancer: Balancer, chance: random.Random) -> None:
    node = chance.choice(fleet.nodes)
    await asyncio.to_thread(node.stop)
    await asyncio.to_thread(node.start)
    balancer.bring_back(node.port)


async def _end_redis(fleet: Fleet, *_: object) -> None:
    await asyncio.to_thread(fleet.redis.stop)
    await asyncio.to_thread(fleet.redis.start)
    await until_stores_are("pass", fleet)


async def _stall_redis(fleet: Fleet, *_: object) -> None:
    fleet.redis.pause()
    await asyncio.sleep(STALL_S)
    fleet.redis.resume()
    await until_stores_are("pass", fleet)


def _settled(fleet: Fleet, expected: int) -> Counter[int]:
    """Once all is drained, or nothing more comes."""
    give_up = time.monotonic() + SETTLED_WITHIN_S
    while stored_usage(fleet.control).total() < expected and time.monotonic() < give_up:
        time.sleep(0.5)
    time.sleep(LATE_S)
    return stored_usage(fleet.control)
