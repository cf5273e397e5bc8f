"""Which generations were used: noted once a minute by a worker, carried by its usage, kept in the records."""

import asyncio

from propylon.usage.folding import Folding, LogLimits
from propylon.usage.line import Use
from propylon.usage.uses import NOTED_MAX, Uses
from tests.kit.clock import FakeClock
from tests.usage.exchanges import QueueInMemory, exchange


def fold(folding: Folding, *credentials: tuple[str, int] | None) -> None:
    for credential in credentials:
        ended = exchange()
        ended.credential = credential
        folding.record(ended)
    asyncio.run(folding.flush())


def test_a_use_travels_once_a_minute_however_often_it_was() -> None:
    clock, queue = FakeClock(wall=600.0), QueueInMemory()
    folding = Folding(queue, clock, LogLimits(0, 0))  # type: ignore[arg-type] - of the meters, what usage needs
    fold(folding, ("k1", 2), ("k1", 2), ("k7", 1), None)
    fold(folding, ("k1", 2), ("k1", 1))
    asyncio.run(clock.advance(60))
    fold(folding, ("k1", 2))
    fold(folding, ("k1", 2))
    fold(folding, ("k1", 2))
    uses = [(line.minute, line.uses) for line in queue.parsed()]
    assert uses == [(10, [Use(1, 2), Use(7, 1)]), (10, [Use(1, 1)]), (11, []), (11, [Use(1, 2)]), (11, [])]


def test_none_is_left_out_when_there_are_too_many() -> None:
    uses = Uses()
    for number in range(NOTED_MAX + 5):
        uses.note((f"k{number}", 1))
    assert len(uses.noted) == 5
    assert len(uses.take(0)) == NOTED_MAX + 5


def test_lines_of_an_earlier_version_have_none() -> None:
    queue = QueueInMemory()
    queue.lines.append(b'{"minute":1,"cells":[],"log":[],"gauges":{}}')
    assert queue.parsed()[0].uses == []
