"""What a soak over a fleet holds its outcomes against: each judgement on what is right and on what is not."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from bench.soak.balancer import Balancer
from bench.soak.fleet_history import FOLLOW_S, Absences
from bench.soak.fleet_kills import Cut, wrong_outcomes
from bench.soak.fleet_limits import RATE, Restarts, Span
from bench.soak.fleet_quotas import CONNECTIONS, FORGOTTEN_S, Spent
from tests.kit.load import UNANSWERED, UNSENT, Outcome, get_request
from tests.kit.ports import free_port

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
LAST_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
NOTHING = b""


@contextlib.asynccontextmanager
async def answering(answer: bytes) -> AsyncIterator[int]:
    """The port of a node that answers every request so, and closes where there is nothing to answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(answer)
                if answer != ANSWER:
                    break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def ask(balancer: Balancer, until: Callable[[], bool], connections: int = 1) -> None:
    await balancer.load(get_request("/x"), connections=connections, until=until)


def test_a_node_that_refuses_connections_is_left_out_and_costs_no_request() -> None:
    async def scenario() -> None:
        async with answering(ANSWER) as port:
            balancer = Balancer([free_port(), port])
            await ask(balancer, lambda: len(balancer.seen) >= 10, connections=2)
            assert {one.status for one in balancer.seen} == {200}
            assert len(balancer.outcomes[port]) == len(balancer.seen)

    asyncio.run(scenario())


def test_a_node_that_says_it_closes_is_left_until_it_is_brought_back() -> None:
    async def scenario() -> None:
        async with answering(LAST_ANSWER) as leaving, answering(ANSWER) as staying:
            balancer = Balancer([leaving, staying])
            await ask(balancer, lambda: len(balancer.seen) >= 10)
            assert [len(balancer.outcomes[leaving]), {one.status for one in balancer.seen}] == [1, {200}]
            balancer.bring_back(leaving)
            await ask(balancer, lambda: len(balancer.outcomes[leaving]) > 1)

    asyncio.run(scenario())


def test_a_request_that_is_cut_is_an_outcome_of_the_node_that_had_it() -> None:
    async def scenario() -> None:
        async with answering(NOTHING) as cutting, answering(ANSWER) as staying:
            balancer = Balancer([cutting, staying])
            await ask(balancer, lambda: bool(balancer.seen))
            assert {one.status for one in balancer.outcomes[cutting]} == {UNANSWERED}

    asyncio.run(scenario())


def test_where_no_node_takes_it_a_request_is_unsent() -> None:
    balancer = Balancer([free_port(), free_port()])
    asyncio.run(ask(balancer, lambda: bool(balancer.seen)))
    assert {one.status for one in balancer.seen} == {UNSENT}


@pytest.mark.parametrize(
    ("outcome", "port", "is_wrong"),
    [
        (Outcome(1.0, 1.1, 200), 1, False),
        (Outcome(1.0, 2.1, UNANSWERED), 1, False),
        (Outcome(1.0, 2.1, UNANSWERED), 2, True),
        (Outcome(0.5, 1.9, UNANSWERED), 1, True),
        (Outcome(3.1, 3.2, UNANSWERED), 1, True),
        (Outcome(1.0, 2.1, 503), 1, True),
        (Outcome(1.0, 2.1, UNSENT), 1, True),
    ],
)
def test_an_outcome_is_right_when_answered_or_cut_at_a_kill_of_the_same_node(
    outcome: Outcome, port: int, is_wrong: bool
) -> None:
    assert bool(wrong_outcomes({port: [outcome]}, [Cut(1, 2.0, 3.0)])) is is_wrong


def test_spells_without_a_change_over_are_judged_by_what_lies_in_them() -> None:
    spells = [Span(0.0, 10.0), Span(11.0, 20.0)]
    good = [Outcome(at, at + 0.01, 200) for at in (9.5, 11.5) for _ in range(RATE)]
    assert Restarts(good, spells, []).most_when_steady() == RATE
    assert Restarts([*good, Outcome(9.8, 9.9, 200)], spells, []).most_when_steady() == RATE + 1
    across = [Outcome(at, at + 0.01, 200) for at in (9.9, 10.5) for _ in range(RATE)]
    assert [Restarts(across, spells, []).most_when_steady(), Restarts(across, spells, []).most()] == [RATE, 2 * RATE]


def test_what_redis_may_forget_is_what_was_admitted_shortly_before_it_was_killed() -> None:
    killed_at = [10.0, 11.0]
    at = {"long before": 9.0 - FORGOTTEN_S, "shortly before both": 9.5, "after": 11.5}
    spent = Spent(10, [Outcome(one, one + 0.1, 200) for one in at.values()], killed_at)
    refused = spent._replace(outcomes=[*spent.outcomes, Outcome(9.5, 9.6, 403)])
    assert [spent.forgettable, refused.forgettable, spent.admitted_after] == [1, 1, 1]
    assert spent.in_flight == 2 * CONNECTIONS


def test_what_overlaps_an_absence_of_redis_or_comes_right_after_it_is_left_out() -> None:
    absences = Absences()
    assert not absences.overlap(Outcome(0.0, 1e9, 200))
    absences.begin()
    assert absences.overlap(Outcome(0.0, 1e9, 200))
    absences.end()
    (ended,) = absences.ended
    assert absences.overlap(Outcome(ended - FOLLOW_S / 2, 1e9, 200))
    assert not absences.overlap(Outcome(ended + 0.01, 1e9, 200))
