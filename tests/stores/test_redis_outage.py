"""What becomes of charges when Redis restarts, forgets, stops answering or dies: never more than a limit allows."""

import asyncio

import pytest

from propylon.clock import SystemClock
from propylon.errors import StoreUnavailable
from propylon.stores.redis_calls import LANES, Calls
from propylon.stores.redis_connect import Lane, Link, OutcomeUnknown
from propylon.stores.redis_meters import RedisMeters
from propylon.stores.redis_url import parse_redis_url
from tests.kit.redis_proxy import RedisProxy
from tests.kit.redis_server import RedisServer, running_redis
from tests.stores.redis_scenes import (
    admitted,
    failures,
    meters_at,
    once_back,
    quota,
    run,
    sliding,
    together,
    used,
)

TIMEOUT_S = 0.3  # for tests that wait for one to pass


def restart(server: RedisServer) -> None:
    server.stop()
    server.start()


# --- it comes back


def test_a_restart_between_two_charges_costs_none_of_them() -> None:
    """The connection that ended is seen before a byte is written; the script is told again."""

    async def scenario() -> None:
        with running_redis() as server:
            async with meters_at(server.url()) as meters:
                assert (await meters.admit((quota(9), sliding(9)))).remaining == (8, 8)
                await asyncio.to_thread(restart, server)
                assert (await meters.admit((quota(9), sliding(9)))).remaining == (7, 7)
                assert meters.connections_made == 2

    run(scenario())


def test_scripts_that_the_server_forgot_are_told_again_and_charge_once() -> None:
    async def scenario() -> None:
        with running_redis() as server:
            async with meters_at(server.url()) as meters:
                for spent in range(1, 4):
                    server.ask("SCRIPT", "FLUSH")
                    assert (await meters.admit((quota(9),))).remaining == (9 - spent,)
                assert meters.connections_made == 1

    run(scenario())


def test_a_server_that_lost_everything_is_counted_in_anew() -> None:
    async def scenario() -> None:
        with running_redis() as server:
            async with meters_at(server.url()) as meters:
                await meters.announce(7)
                await meters.enqueue([b"line"])
                epoch = (await meters.peek(9)).epoch
                await meters.admit((quota(1),))
                server.ask("FLUSHALL")
                verdict = await meters.admit((quota(1),))
                assert (verdict.refused, verdict.head) == (-1, 0)
                batch = await meters.peek(9)
                assert (batch.lines, batch.first) == ([], 1)
                assert batch.epoch != epoch

    run(scenario())


def test_a_loss_counts_once_however_many_connections_it_was() -> None:
    async def scenario() -> None:
        with running_redis() as server:
            async with meters_at(server.url()) as meters:
                for losses in range(3):
                    await asyncio.gather(meters.key_sets_epoch(), meters.key_sets_epoch())
                    assert meters.connections_made == 1 + losses
                    assert await asyncio.to_thread(server.ask, "CLIENT", "KILL", "TYPE", "normal") == 2

    run(scenario())


def test_one_lost_connection_is_a_loss_of_all() -> None:
    """Behind one address there may be another server now: a lane that noticed nothing follows the one that did."""

    async def scenario() -> None:
        with running_redis() as server, running_redis() as other:
            async with RedisProxy(server.port) as proxy, meters_at(proxy.url) as meters:
                await asyncio.gather(meters.key_sets_epoch(), meters.key_sets_epoch())
                proxy.turn_to(other.port)
                proxy.cut_one()
                await asyncio.gather(meters.key_sets_epoch(), meters.key_sets_epoch())
                await asyncio.gather(*[meters.announce(3) for _ in range(4)])
                assert [server.ask("EXISTS", "{propylon}:head"), other.ask("EXISTS", "{propylon}:head")] == [0, 1]
                assert meters.connections_made == 2

    run(scenario())


# --- it does not answer


async def ticking(until: "asyncio.Future[object]") -> int:
    """Turns of the loop while something is awaited."""
    turns = 0
    while not until.done():
        await asyncio.sleep(0.001)
        turns += 1
    return turns


def test_charges_fail_while_a_stopped_server_stays_stopped_and_the_loop_lives() -> None:
    async def scenario() -> None:
        with running_redis() as server:
            async with meters_at(server.url(), timeout_s=TIMEOUT_S) as meters:
                await meters.admit((quota(99),))
                server.pause()
                asked = asyncio.ensure_future(together(meters, quota(99), times=20))
                assert await ticking(asked) > 20
                assert set(failures(await asked)) == {OutcomeUnknown}
                assert meters.outcomes_unknown == 20
                server.resume()
                assert admitted([await once_back(lambda: meters.admit((quota(99),)))]) == 1

    run(scenario())


def test_while_it_is_away_nobody_waits_for_it_but_one_who_tries() -> None:
    async def scenario() -> None:
        with running_redis() as server:
            async with meters_at(server.url(), timeout_s=TIMEOUT_S) as meters:
                server.pause()
                await together(meters, quota(99), times=2)
                at_once = await together(meters, quota(99), times=1000)
                assert failures(at_once) == [StoreUnavailable] * 1000
                assert meters.outcomes_unknown == 2

    run(scenario())


def test_what_a_stopped_server_does_later_is_within_the_limit() -> None:
    """It finds charges in its buffers that were given up long ago."""

    async def scenario() -> None:
        with running_redis() as server:
            async with meters_at(server.url(), timeout_s=TIMEOUT_S) as meters:
                await meters.admit((quota(10),))
                server.pause()
                assert admitted(await together(meters, quota(10), times=6)) == 0
                server.resume()
                after = [await once_back(lambda: meters.admit((quota(10),))) for _ in range(10)]
                assert admitted(after) in range(3, 10)
                assert await used(meters) == 10

    run(scenario())


def test_a_call_that_never_ends_ends_others_too() -> None:
    """A write the server takes and does not answer: neither charges nor other calls wait beyond their time."""

    async def scenario() -> None:
        with running_redis() as server:
            async with RedisProxy(server.port) as proxy, meters_at(proxy.url, timeout_s=TIMEOUT_S) as meters:
                with proxy.holding():
                    asked = [meters.peek(1), meters.head(), meters.first_use(b"name", 1e12), meters.announce(3)]
                    answers = await asyncio.gather(*asked, return_exceptions=True)
                assert all(issubclass(one, StoreUnavailable) for one in failures(answers))
                assert len(failures(answers)) == 4

    run(scenario())


# --- it dies


def test_a_batch_that_died_with_the_server_is_not_sent_again() -> None:
    async def scenario() -> None:
        with running_redis() as server:
            async with RedisProxy(server.port) as proxy, meters_at(proxy.url) as meters:
                await meters.admit((quota(10),))
                proxy.calls = 0
                server.pause()
                under_way = asyncio.ensure_future(together(meters, quota(10), times=5))
                await proxy.seen(1)
                await asyncio.to_thread(server.kill)
                assert failures(await under_way) == [OutcomeUnknown] * 5
                assert failures(await together(meters, quota(10), times=3)) == [StoreUnavailable] * 3
                assert (proxy.calls, meters.outcomes_unknown) == (1, 5)
                server.start()
                assert await once_back(lambda: used(meters)) == 1

    run(scenario())


def test_a_charge_that_was_made_and_not_answered_is_made_once() -> None:
    async def scenario() -> None:
        with running_redis() as server:
            async with RedisProxy(server.port) as proxy, meters_at(proxy.url) as meters:
                await meters.head()  # the server knows the script from here
                with proxy.holding():
                    asked = asyncio.ensure_future(together(meters, quota(10), times=3))
                    await proxy.held()
                    proxy.cut()
                    answers = await asked
                assert failures(answers) == [OutcomeUnknown] * 3
                assert meters.outcomes_unknown == 3
                assert await once_back(lambda: used(meters)) == 3
                assert (await meters.admit((quota(10),))).remaining == (6,)

    run(scenario())


def test_usage_that_was_taken_and_not_answered_is_kept_once() -> None:
    async def scenario() -> None:
        with running_redis() as server:
            async with RedisProxy(server.port) as proxy, meters_at(proxy.url) as meters:
                await meters.enqueue([b"first"])  # the server knows the script from here
                with proxy.holding():
                    saying = asyncio.ensure_future(meters.enqueue([b"second"]))
                    await proxy.held()
                    proxy.cut()
                    with pytest.raises(OutcomeUnknown):
                        await saying
                await once_back(lambda: meters.enqueue([b"second"]))
                await meters.enqueue([b"second"])  # another one, that says the same
                assert (await meters.peek(9)).lines == [b"first", b"second", b"second"]

    run(scenario())


async def spend_until(done: asyncio.Event, meters: RedisMeters, limit: int) -> int:
    """A client that goes on whatever happens; how often it was let in."""
    let_in = 0
    while not done.is_set():
        try:
            verdict = await meters.admit((quota(limit), sliding(limit)))
        except StoreUnavailable:
            await asyncio.sleep(0.001)
        else:
            let_in += verdict.refused < 0
            await asyncio.sleep(0.001)
    return let_in


@pytest.mark.parametrize("limit", [300, 10**6])
def test_a_server_killed_again_and_again_under_load_admits_no_more_than_the_limit(limit: int) -> None:
    """With `everysec` a killed Redis may lose what it answered while an fsync ran: nothing we do would change that."""

    async def scenario() -> None:
        with running_redis("--appendfsync", "always") as server:
            async with meters_at(server.url()) as meters, meters_at(server.url()) as others:
                done = asyncio.Event()
                clients = [
                    asyncio.ensure_future(spend_until(done, one, limit)) for one in (meters, others) for _ in range(8)
                ]
                for _ in range(3):
                    await once_back(lambda: meters.admit((quota(10**6, b"other"),)))
                    await asyncio.to_thread(server.kill)
                    await asyncio.to_thread(server.start)
                await once_back(meters.head)
                done.set()
                let_in = sum(await asyncio.gather(*clients))
                unknown = meters.outcomes_unknown + others.outcomes_unknown
                counted = await once_back(lambda: used(meters))
                assert 0 < let_in <= counted <= min(limit, let_in + unknown)
                window = await meters.judge((sliding(2**31),))
                assert window.remaining == (2**31 - counted - 1,)

    run(scenario())


def test_a_server_that_became_a_replica_refuses_and_is_asked_for_anew() -> None:
    async def scenario() -> None:
        with running_redis() as server, running_redis() as master:
            async with meters_at(server.url()) as meters:
                await meters.admit((quota(10),))
                server.ask("REPLICAOF", "127.0.0.1", str(master.port))
                with pytest.raises(StoreUnavailable) as refusal:
                    await meters.admit((quota(10),))
                assert not isinstance(refusal.value, OutcomeUnknown)
                with pytest.raises(StoreUnavailable, match="is a replica"):
                    await meters.admit((quota(10),))
                server.ask("REPLICAOF", "NO", "ONE")
                await once_back(meters.head)
                assert meters.connections_made == 2

    run(scenario())


def test_closed_meters_say_so() -> None:
    async def scenario() -> None:
        with running_redis() as server:
            async with meters_at(server.url()) as meters:
                await meters.head()
            with pytest.raises(StoreUnavailable, match="closed"):
                await meters.head()

    run(scenario())


def test_closing_ends_what_is_under_way() -> None:
    async def scenario() -> None:
        with running_redis() as server:
            async with RedisProxy(server.port) as proxy, meters_at(proxy.url) as meters:
                with proxy.holding():
                    asked = asyncio.ensure_future(together(meters, quota(9), times=2))
                    await proxy.held()
                    await meters.close()
                    assert failures(await asked) == [OutcomeUnknown] * 2

    run(scenario())


def test_a_bug_in_one_job_holds_no_other_up(caplog: pytest.LogCaptureFixture) -> None:
    async def bug(lane: Lane) -> None:
        raise RuntimeError("a bug")

    async def scenario() -> None:
        with running_redis() as server:
            link = Link(parse_redis_url(server.url()), timeout_s=5, require_durable=False, clock=SystemClock())
            calls = Calls(link)
            for _ in range(2 * LANES):
                calls.submit(bug)
            assert await calls.call("PING") == b"PONG"
            await calls.close()

    run(scenario())
    assert "ended with a bug" in caplog.text


def test_each_caller_of_a_batch_gets_a_failure_of_its_own() -> None:
    async def scenario() -> None:
        with running_redis() as server:
            async with meters_at(server.url()) as meters:
                server.kill()
                answers = await together(meters, quota(9), times=5)
                assert len({id(answer) for answer in answers}) == 5
                assert {str(answer) for answer in answers} == {str(answers[0])}

    run(scenario())
