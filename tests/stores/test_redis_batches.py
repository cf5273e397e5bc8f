"""Charges that meet in one process are decided by few calls, and by no other rules than one by one."""

import asyncio
from collections.abc import Iterator

import pytest

from propylon.errors import StoreUnavailable
from propylon.stores.ports import Claim, Kind, Now
from propylon.stores.redis_admit import BATCH_CLAIMS_MAX, CHARGES_WAITING_MAX, PREPARED_MAX
from tests.kit.redis_proxy import RedisProxy
from tests.kit.redis_server import RedisServer, running_redis
from tests.stores.redis_scenes import admitted, failures, fixed, meters_at, quota, run, sliding, together, used


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def server(shared_server: RedisServer) -> RedisServer:
    shared_server.ask("FLUSHALL")
    return shared_server


def test_many_charges_at_once_take_few_calls(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            await meters.admit((quota(1),))  # the server knows the script from here
            server.ask("CONFIG", "RESETSTAT")
            for _ in range(10):
                assert admitted(await together(meters, sliding(10_000), quota(10_000), times=100)) == 100
            assert 10 <= server.calls_of("evalsha") <= 20

    run(scenario())


def test_a_batch_is_bounded(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            await meters.admit((quota(1),))
            server.ask("CONFIG", "RESETSTAT")
            answers = await together(meters, sliding(10_000), quota(10_000), times=BATCH_CLAIMS_MAX)
            assert admitted(answers) == BATCH_CLAIMS_MAX
            assert 3 <= server.calls_of("evalsha") <= 5

    run(scenario())


def test_charges_of_one_batch_share_a_limit_exactly(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            answers = await together(meters, sliding(50), quota(70), fixed(90, b"fixed"), times=200)
            assert admitted(answers) == 50
            assert [answer.remaining for answer in answers[:2]] == [(49, 69, 89), (48, 68, 88)]
            assert await used(meters) == 50

    run(scenario())


def test_a_refused_charge_of_a_batch_leaves_the_others_what_it_did_not_take(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            both, one = (quota(1, b"a"), quota(5, b"b")), (quota(5, b"b"),)
            answers = await asyncio.gather(*[meters.admit(charge) for charge in (both, both, both, one)])
            assert [answer.refused for answer in answers] == [-1, 0, 0, -1]
            assert answers[-1].remaining == (3,)

    run(scenario())


def test_a_judged_charge_among_others_counts_for_none_of_them(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            charge = (quota(5),)
            first, judged, second = await asyncio.gather(
                meters.admit(charge), meters.judge(charge), meters.admit(charge)
            )
            assert (first.remaining, judged.remaining, second.remaining) == ((4,), (3,), (3,))

    run(scenario())


def test_head_is_read_by_the_call_that_runs_anyway(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            await meters.announce(7)
            await meters.head()
            server.ask("CONFIG", "RESETSTAT")
            *_, head = await asyncio.gather(*[meters.admit((quota(99),)) for _ in range(20)], meters.head())
            assert head == 7
            assert server.calls_of("evalsha") == 1

    run(scenario())


def test_charges_that_bring_a_time_of_their_own_are_decided_at_that_time(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            moments = [Now(second * 10**9, second * 10**9) for second in (100, 100, 4000, 4000)]
            answers = await asyncio.gather(*[meters.admit((sliding(1),), now) for now in moments])
            assert [answer.refused for answer in answers] == [-1, 0, -1, 0]

    run(scenario())


@pytest.mark.parametrize(
    "charge",
    [
        (Claim(b"m", Kind.SLIDING, 0, 10**9),),
        (Claim(b"m", Kind.FIXED, 1, 0),),
        (Claim(b"m", Kind.QUOTA, 1, -1),),
        (Claim(b"m", Kind.SLIDING, 2**32, 10**9),),
        (Claim(b"m" * 401, Kind.QUOTA, 1, 0),),
        (sliding(5), fixed(5)),
        tuple(quota(1, b"%d" % number) for number in range(BATCH_CLAIMS_MAX + 1)),
    ],
    ids=["no limit", "no period", "negative period", "huge limit", "long name", "one meter twice", "many claims"],
)
def test_a_charge_that_cannot_be_meant_is_refused_alone(server: RedisServer, charge: tuple[Claim, ...]) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            asked = [meters.admit((quota(5),)), meters.admit(charge), meters.admit((quota(5),))]
            answers = await asyncio.gather(*asked, return_exceptions=True)
            assert failures(answers) == [ValueError]
            assert await used(meters) == 2

    run(scenario())


def test_numbers_are_exact_as_far_as_they_go(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            await meters.admit((quota(2**60, b"large"),))
            assert (await meters.admit((quota(2**60, b"large"),))).remaining == (2**60 - 2,)
            assert await meters.announce(2**53 - 1) == 2**53 - 1
            with pytest.raises(ValueError, match="revision"):
                await meters.announce(2**53)

    run(scenario())


def test_charges_made_anew_each_time_are_told_apart(server: RedisServer) -> None:
    """A charge at hand is found by its identity, which another may get once it is gone."""

    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            for start in range(0, 2 * PREPARED_MAX, 500):
                made = [meters.admit((quota(1, b"%d" % number),)) for number in range(start, start + 500)]
                assert admitted(await asyncio.gather(*made)) == 500

    run(scenario())


def test_at_most_two_calls_are_under_way_and_the_rest_is_the_next_batch(server: RedisServer) -> None:
    async def scenario() -> None:
        async with RedisProxy(server.port) as proxy, meters_at(proxy.url) as meters:
            await asyncio.gather(meters.head(), meters.key_sets_epoch())  # both lanes are connected
            proxy.calls = 0
            with proxy.holding():
                charges = []
                for _ in range(50):
                    charges.append(asyncio.ensure_future(meters.admit((quota(1_000),))))
                    await asyncio.sleep(0)
                await proxy.seen(2)
                assert proxy.calls == 2
            assert len(await asyncio.gather(*charges)) == 50
            assert proxy.calls == 3

    run(scenario())


def test_a_charge_whose_caller_has_gone_is_not_made(server: RedisServer) -> None:
    async def scenario() -> None:
        async with RedisProxy(server.port) as proxy, meters_at(proxy.url) as meters:
            await asyncio.gather(meters.head(), meters.key_sets_epoch())  # both lanes are connected
            proxy.calls = 0
            with proxy.holding():
                under_way = [asyncio.ensure_future(meters.admit((quota(9),)))]
                await proxy.held()
                under_way.append(asyncio.ensure_future(meters.judge((quota(9),))))
                await proxy.seen(2)
                gone = asyncio.ensure_future(meters.admit((quota(9),)))
                await asyncio.sleep(0)
                gone.cancel()
            await asyncio.gather(*under_way)
            await meters.head()
            assert await used(meters) == 1

    run(scenario())


def test_the_line_of_waiting_charges_is_bounded(server: RedisServer) -> None:
    async def scenario() -> None:
        async with meters_at(server.url()) as meters:
            answers = await together(meters, quota(10**6), times=CHARGES_WAITING_MAX + 10)
            assert failures(answers) == [StoreUnavailable] * 10
            assert await used(meters) == CHARGES_WAITING_MAX

    run(scenario())
