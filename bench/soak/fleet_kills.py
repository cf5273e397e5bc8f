"""SIGKILL of nodes of a fleet, in turn: nothing acknowledged is lost, no answer is wrong, and somebody leads."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from bench.soak.balancer import Balancer
from bench.soak.fleet_place import IN_WORDS, leader_and_other, leads, ports, soaked_fleet, stored_usage, until
from bench.soak.row import Row, Size, counts
from tests.kit.fleet import Fleet
from tests.kit.gateway import Gateway
from tests.kit.ledger import Ledger
from tests.kit.load import UNANSWERED, Outcome, by_status, get_request
from tests.kit.scenarios import children, put_key, wait_for_children, wait_until_writable

KILLS = 20
KINDS = ("leader", "control process", "gateway node", "worker")  # each as often as the others
NAMES = "control nodes that lead, processes of the other one, gateway nodes, single workers"
PAUSE_S = (0.3, 0.9)
CONNECTIONS = 9
ASK_S = 0.02  # the load is there to be cut, not to slow the starts down
WRITERS = 2  # of each control node
CUT_S = 0.5  # from the kill to when the last client knows of it
TAKEOVER_S = 15.0  # as long as PostgreSQL may take to see that the leader is gone, and some


class Cut(NamedTuple):
    """When clients of a node may have lost an answer."""

    port: int
    began: float
    ended: float

    def explains(self, outcome: Outcome) -> bool:
        return outcome.started <= self.ended and self.began <= outcome.ended


def fleet_kills(size: Size) -> list[Row]:
    with soaked_fleet({"workers": 2}) as fleet:
        put_key(fleet.control, "steady", rate=10**6, per=60)
        found = asyncio.run(_Kills(fleet, size).run())
    return [found.writes_row(), found.traffic_row(), found.lead_row()]


class _Kills:
    """One run."""

    def __init__(self, fleet: Fleet, size: Size) -> None:
        self._fleet = fleet
        self._chance = random.Random(size.seed)
        kills = size.of(KILLS, least=len(KINDS))
        self._order = [KINDS[number % len(KINDS)] for number in range(kills)]
        self._chance.shuffle(self._order)
        self._balancer = Balancer(ports(fleet))
        self._ledgers = [Ledger(one.port, one.secret, f"control{number}") for number, one in enumerate(fleet.controls)]
        self._cuts: list[Cut] = []
        self._takeovers_s: list[float] = []
        self._lost: list[str] = []

    async def run(self) -> "_Kills":
        request = get_request("/token/x", {"Authorization": "steady"})
        killing = asyncio.ensure_future(self._kill_one_after_another())
        chances = [random.Random(self._chance.random()) for _ in range(WRITERS * len(self._ledgers))]
        await asyncio.gather(
            self._balancer.load(request, connections=CONNECTIONS, until=killing.done, pause_s=ASK_S),
            *(self._ledgers[at % len(self._ledgers)].write(one, until=killing.done) for at, one in enumerate(chances)),
        )
        await killing
        for ledger in self._ledgers:
            self._lost += await ledger.lost()
        return self

    async def _kill_one_after_another(self) -> None:
        kill = {
            "leader": self._kill_leader,
            "control process": self._kill_control_process,
            "gateway node": self._kill_gateway_node,
            "worker": self._kill_worker,
        }
        for kind in self._order:
            await asyncio.sleep(self._chance.uniform(*PAUSE_S))
            await kill[kind]()

    async def _kill_leader(self) -> None:
        """The whole node; the other one has to take over, and to drain."""
        leader, other = await leader_and_other(self._fleet)
        killed_at = time.monotonic()
        await asyncio.to_thread(leader.kill)
        await until("the other control node leads", lambda: leads(other))
        self._takeovers_s.append(time.monotonic() - killed_at)
        stored = (await asyncio.to_thread(stored_usage, other)).total()
        await until("it drains usage", lambda: stored_usage(other).total() > stored)
        await asyncio.to_thread(leader.start)

    async def _kill_control_process(self) -> None:
        """Of the node that does not lead, whose parent makes another."""
        _, other = await leader_and_other(self._fleet)
        killed = wait_for_children(other, "control")["control"]
        os.kill(killed, signal.SIGKILL)
        await until("there is another", lambda: children(other.pid).get("control", killed) != killed)
        await asyncio.to_thread(wait_until_writable, other)

    async def _kill_gateway_node(self) -> None:
        node = self._chance.choice(self._fleet.nodes)
        with self._cut(node):
            await asyncio.to_thread(node.kill)
        await asyncio.to_thread(node.start)
        self._balancer.bring_back(node.port)

    async def _kill_worker(self) -> None:
        node = self._chance.choice(self._fleet.nodes)
        title = self._chance.choice(["worker 1", "worker 2"])
        killed = wait_for_children(node, title)[title]
        with self._cut(node):
            os.kill(killed, signal.SIGKILL)
        await until("there is another", lambda: children(node.pid).get(title, killed) != killed)

    @contextmanager
    def _cut(self, node: Gateway) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._cuts.append(Cut(node.port, began, time.monotonic() + CUT_S))

    # -- what was found -------------------------------------------------------------------------------------------

    def writes_row(self) -> Row:
        acknowledged = [ledger.acknowledged for ledger in self._ledgers]
        lost = f"{len(self._lost)} lost" + (f" {self._lost[:3]}" if self._lost else "")
        return Row(
            f"{len(self._order)} × SIGKILL ({NAMES}) of {IN_WORDS}, under load and writes of keys, policies, APIs "
            "through both control nodes",
            "0 acknowledged writes lost; some through each control node",
            f"{' + '.join(f'{number:,}' for number in acknowledged)} acknowledged, {lost}",
            not self._lost and all(acknowledged),
        )

    def traffic_row(self) -> Row:
        wrong = wrong_outcomes(self._balancer.outcomes, self._cuts)
        seen = self._balancer.seen
        told = f" {wrong[:3]}" if wrong else ""
        return Row(
            f"clients meanwhile, {CONNECTIONS} connections, each sent to another node while its own takes nobody",
            "every request answered 200, or cut when the process that had it was killed",
            f"{counts(by_status(seen))}; {len(wrong)} neither{told}; {len(self._cuts)} kills of what serves",
            not wrong and bool(self._cuts) and len(seen) > 100 * len(self._order),
        )

    def lead_row(self) -> Row:
        wanted = self._order.count("leader")
        longest_s = max(self._takeovers_s, default=0.0)
        return Row(
            "the lead, each time the control node that has it was killed",
            f"the other one takes over within {TAKEOVER_S:.0f} s and goes on draining usage",
            f"{len(self._takeovers_s)} of {wanted} taken over and drained, the latest after {longest_s:.2f} s",
            len(self._takeovers_s) == wanted > 0 and longest_s <= TAKEOVER_S,
        )


def wrong_outcomes(outcomes: dict[int, list[Outcome]], cuts: list[Cut]) -> list[str]:
    """Not answered 200, and not cut when a process of the same node was killed."""

    def is_right(outcome: Outcome, port: int) -> bool:
        if outcome.status == UNANSWERED:
            return any(cut.port == port and cut.explains(outcome) for cut in cuts)
        return outcome.status == 200

    return [
        f"{outcome.status} after {outcome.ended - outcome.started:.3f} s"
        for port, of_node in outcomes.items()
        for outcome in of_node
        if not is_right(outcome, port)
    ]
