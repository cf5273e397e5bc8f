"""What a node does while the meters it shares are away (design §3.3). The shared ones are real, behind a door."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from propylon.errors import MetersFull, Problem, StoreUnavailable
from propylon.model.charge import Claim, Kind
from propylon.stores.fleet_meters import FleetMeters, OutageRules
from propylon.stores.lmdb import LmdbMeters, open_meters
from propylon.stores.node_share import SETTLED_S
from propylon.stores.ports import Beat
from tests.kit.clock import FakeClock

SECOND = 10**9
RATE = Claim(b"k1.1:r", Kind.SLIDING, 10, 60 * SECOND, "rate_limited")
API_RATE = Claim(b"api:r", Kind.SLIDING, 100, 60 * SECOND, "api_rate_limited")
QUOTA = Claim(b"k1.1:q", Kind.QUOTA, 50, 3600 * SECOND, "quota_exceeded")
LOOK_S = 0.25
GRACE_S = 30.0
BEAT = Beat("worker 1", serves=True, said="")


class Door:
    """Before something that answers; shut, it raises what a store that is away raises."""

    def __init__(self, behind: Any) -> None:
        self._behind = behind
        self.is_shut = False
        self.raises: StoreUnavailable | None = None
        self.calls = 0
        self.nodes = 1
        self.connections_made = 1
        self.outcomes_unknown = 0

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*arguments: Any, **named: Any) -> Any:
            self.calls += 1
            if self.is_shut:
                raise StoreUnavailable("shut")
            if self.raises is not None:
                raise self.raises
            return await getattr(self._behind, name)(*arguments, **named)

        return call

    def durability_problems(self) -> list[Problem]:
        return []

    async def beat(self, node: str, beat: Beat) -> int:
        if self.is_shut:
            raise StoreUnavailable("shut")
        return self.nodes


class Records:
    def __init__(self) -> None:
        self.newest = 0

    async def revision(self) -> int:
        return self.newest


class Node:
    """A node with its shared meters, its records and a clock."""

    def __init__(self, folder: Path, *, quota_passes: bool = False, grace_s: float = GRACE_S) -> None:
        self.clock = FakeClock()
        self.behind, own = self._lmdb(folder / "shared"), self._lmdb(folder / "own")
        self.shared, self.records = Door(self.behind), Door(records := Records())
        self.stored = records
        rules = OutageRules(quota_passes, grace_s, LOOK_S)
        self.meters = FleetMeters(self.shared, own, self.records.revision, rules, "n1", self.clock)

    def _lmdb(self, folder: Path) -> LmdbMeters:
        folder.mkdir()
        return open_meters(
            folder, meters_map_bytes=1 << 20, usage_map_bytes=1 << 20, usage_lines_max=100, clock=self.clock
        )

    async def admitted(self, times: int, *charge: Claim) -> int:
        return sum([(await self.meters.admit(charge)).refused < 0 for _ in range(times)])

    async def look(self) -> int:
        """As the worker does every quarter of a second; the probe it leaves behind comes to its end."""
        await self.clock.advance(LOOK_S)
        head = await self.meters.head()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return head


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    yield made
    asyncio.run(made.meters.close()) if not made.shared.is_shut else None


def test_while_the_shared_meters_answer_everything_is_counted_there(node: Node) -> None:
    async def scenario() -> None:
        assert await node.admitted(12, RATE, QUOTA) == 10
        quota = await node.behind.quota(QUOTA.meter)
        assert quota is not None
        assert quota.used == 10

    asyncio.run(scenario())


@pytest.mark.parametrize(("nodes", "admitted"), [(1, 10), (2, 5), (3, 3), (40, 1)])
def test_while_they_are_away_a_node_counts_its_share_of_a_rate(node: Node, nodes: int, admitted: int) -> None:
    async def scenario() -> None:
        node.shared.nodes = nodes
        await node.meters.beat(BEAT)
        await node.meters.head()
        node.shared.is_shut = True
        assert await node.admitted(30, RATE) == admitted

    asyncio.run(scenario())


def test_nodes_that_were_not_heard_as_nobody_could_be_still_have_their_share(node: Node) -> None:
    """Redis flaps: it is away for so long that it forgot every node, back for a moment, and away again."""

    async def scenario() -> None:
        node.shared.nodes = 3
        await node.meters.beat(BEAT)
        await node.meters.head()
        node.shared.is_shut = True
        assert await node.admitted(30, RATE) == 3
        node.shared.is_shut, node.shared.nodes = False, 1
        await node.look()
        await node.look()
        await node.meters.beat(BEAT)
        node.shared.is_shut = True
        await node.clock.advance(61)
        assert await node.admitted(30, RATE) == 3
        node.shared.is_shut = False
        await node.look()
        await node.look()
        await node.clock.advance(SETTLED_S)
        await node.meters.beat(BEAT)
        node.shared.is_shut = True
        await node.clock.advance(61)
        assert await node.admitted(30, RATE) == 10  # the others are gone indeed

    asyncio.run(scenario())


def test_a_window_with_the_change_over_in_it_admits_at_most_twice_the_limit(node: Node) -> None:
    async def scenario() -> None:
        there = await node.admitted(30, RATE)
        node.shared.is_shut = True
        away = await node.admitted(30, RATE)
        node.shared.is_shut = False
        await node.look()
        await node.look()
        back = await node.admitted(30, RATE)
        assert (there, away, back) == (10, 10, 0)

    asyncio.run(scenario())


def test_a_quota_that_cannot_be_counted_refuses_and_charges_no_rate(node: Node) -> None:
    async def scenario() -> None:
        await node.meters.head()
        node.shared.is_shut = True
        verdict = await node.meters.admit((RATE, QUOTA))
        assert (verdict.refused, verdict.remaining[0]) == (1, RATE.limit)
        assert await node.admitted(20, RATE) == 10

    asyncio.run(scenario())


def test_a_quota_may_be_told_to_pass_uncounted_and_is_reported(tmp_path: Path) -> None:
    async def scenario() -> None:
        node = Node(tmp_path, quota_passes=True)
        await node.meters.head()
        node.shared.is_shut = True
        verdict = await node.meters.admit((RATE, QUOTA, API_RATE))
        assert (verdict.refused, verdict.remaining) == (-1, (9, 50, 99))
        assert node.meters.troubles.quotas_uncounted == 1
        assert await node.admitted(20, RATE, QUOTA, API_RATE) == 9
        refused = await node.meters.admit((QUOTA, RATE))
        assert refused.refused == 1

    asyncio.run(scenario())


def test_revisions_come_from_the_records_while_the_meters_are_away(node: Node) -> None:
    async def scenario() -> None:
        await node.meters.announce(7)
        node.shared.is_shut = True
        node.stored.newest = 9
        assert await node.look() == 9
        node.stored.newest = 10
        assert await node.meters.recent_head() == 9
        assert await node.look() == 10
        assert (await node.meters.admit((RATE,))).head == 10

    asyncio.run(scenario())


def test_meters_that_are_back_are_used_again(node: Node) -> None:
    async def scenario() -> None:
        await node.meters.announce(7)
        node.shared.is_shut = True
        await node.look()
        assert node.meters.is_away
        node.shared.is_shut = False
        await node.look()
        assert not node.meters.is_away
        assert await node.meters.head() == 7

    asyncio.run(scenario())


def test_a_write_that_is_announced_finds_the_meters_back(node: Node) -> None:
    """As on a control node, which asks for nothing else of them."""

    async def scenario() -> None:
        await node.meters.announce(7)
        node.shared.is_shut = True
        await node.look()
        with pytest.raises(StoreUnavailable):
            await node.meters.announce(8)
        node.shared.is_shut = False
        assert await node.meters.announce(8) == 8
        assert not node.meters.is_away

    asyncio.run(scenario())


@pytest.mark.parametrize("answer", ["admit", "head"])
def test_behind_a_new_connection_nothing_kept_is_trusted_and_the_newest_revision_is_announced(
    node: Node, answer: str
) -> None:
    async def scenario() -> None:
        await node.meters.head()
        assert node.meters.doubts == 0
        node.stored.newest = 9  # announced to a server that took it along when it died
        node.shared.connections_made = 2
        head = await node.meters.head() if answer == "head" else (await node.meters.admit((RATE,))).head
        assert (head, node.meters.doubts, await node.behind.head()) == (9, 1, 9)
        assert (await node.meters.admit((RATE,))).head == 9
        assert node.meters.doubts == 1

    asyncio.run(scenario())


def test_a_doubt_that_the_records_cannot_settle_yet_is_kept(node: Node) -> None:
    async def scenario() -> None:
        await node.meters.announce(7)
        await node.meters.head()
        node.shared.connections_made = 2
        node.records.is_shut = True
        assert (await node.meters.head(), node.meters.doubts) == (7, 0)
        node.records.is_shut = False
        node.stored.newest = 9
        assert (await node.meters.head(), node.meters.doubts) == (9, 1)

    asyncio.run(scenario())


def test_with_both_stores_away_the_last_head_stands_for_the_grace(node: Node) -> None:
    async def scenario() -> None:
        await node.meters.announce(7)
        node.shared.is_shut = node.records.is_shut = True
        assert await node.look() == 7
        await node.clock.advance(GRACE_S - 2 * LOOK_S)
        assert await node.look() == 7
        await node.clock.advance(LOOK_S)
        with pytest.raises(StoreUnavailable, match="outage_grace_s"):
            await node.look()
        with pytest.raises(StoreUnavailable):
            await node.meters.admit((RATE,))
        node.records.is_shut = False
        node.stored.newest = 8
        assert await node.look() == 8

    asyncio.run(scenario())


def test_without_grace_two_absent_stores_refuse_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        node = Node(tmp_path, grace_s=0)
        await node.meters.announce(7)
        node.shared.is_shut = node.records.is_shut = True
        with pytest.raises(StoreUnavailable):
            await node.look()

    asyncio.run(scenario())


def test_meters_without_room_are_not_away(node: Node) -> None:
    async def scenario() -> None:
        node.shared.raises = MetersFull("no room")
        with pytest.raises(MetersFull):
            await node.meters.admit((RATE,))
        assert not node.meters.is_away
        node.shared.raises = None

    asyncio.run(scenario())


def test_no_request_waits_for_meters_that_are_known_to_be_away(node: Node) -> None:
    async def scenario() -> None:
        await node.meters.head()
        node.shared.is_shut = True
        await node.admitted(1, RATE)
        asked = node.shared.calls
        await node.admitted(50, RATE)
        for call in (node.meters.enqueue([b"x"]), node.meters.first_use(b"jti", 2e9), node.meters.take_lease("l", 1)):
            with pytest.raises(StoreUnavailable):
                await call
        assert node.shared.calls - asked <= 1

    asyncio.run(scenario())


def test_who_comes_while_somebody_looks_is_told_of_what_was_written_before_he_came(node: Node) -> None:
    """Both stores answer late: a look that began before a write does not know of it."""

    async def scenario() -> None:
        await node.meters.head()
        node.shared.is_shut = True
        await node.clock.advance(LOOK_S)
        asked, may_answer, newest = asyncio.Event(), asyncio.Event(), iter([3, 4])

        async def revision() -> int:
            answer = next(newest)
            asked.set()
            await may_answer.wait()
            return answer

        node.records._behind.revision = revision
        first = asyncio.ensure_future(node.meters.head())
        await asked.wait()  # it was told 3; then 4 is written
        second = asyncio.ensure_future(node.meters.head())
        await asyncio.sleep(0)
        may_answer.set()
        assert [await first, await second] == [3, 4]

    asyncio.run(scenario())


def test_who_distrusts_key_sets_learns_of_the_newest_or_that_nobody_can_say(node: Node) -> None:
    async def scenario() -> None:
        before = await node.meters.key_sets_epoch()
        await node.behind.put_key_set("https://issuer", b"{}", fetched_at=1.0, fresh_until=2e9)
        assert await node.meters.key_sets_epoch() == before  # of a moment ago
        newest = await node.meters.key_sets_epoch(fresh=True)
        assert newest > before
        assert await node.meters.key_sets_epoch() == newest
        node.shared.is_shut = True
        with pytest.raises(StoreUnavailable):
            await node.meters.key_sets_epoch(fresh=True)

    asyncio.run(scenario())


def test_key_sets_that_are_known_stand_while_the_meters_are_away(node: Node) -> None:
    async def scenario() -> None:
        await node.meters.put_key_set("https://issuer", b"{}", fetched_at=1.0, fresh_until=2e9)
        epoch = await node.meters.key_sets_epoch()
        node.shared.is_shut = True
        await node.clock.advance(1)
        assert await node.meters.key_sets_epoch() == epoch >= 0

    asyncio.run(scenario())
