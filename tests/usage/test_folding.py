"""Exchanges become few lines that lose none of them."""

import asyncio
from collections.abc import Sequence

import pytest

from propylon.errors import StoreUnavailable
from propylon.exchange import UNTRACKED
from propylon.usage import folding
from propylon.usage.folding import Folding, LogLimits
from propylon.usage.histogram import bucket_of
from propylon.usage.line import Cell
from propylon.usage.split import Split
from tests.kit.clock import FakeClock
from tests.usage.exchanges import QueueInMemory, exchange, forwarded

LIMITS = LogLimits(50, 200)


def cells_of(queue: QueueInMemory) -> list[Cell]:
    return [cell for line in queue.parsed() for cell in line.cells]


def test_exchanges_with_the_same_dimensions_become_one_cell() -> None:
    queue, clock = QueueInMemory(), FakeClock(monotonic=1_000.0)
    usage = Folding(queue, clock, LIMITS)
    for _ in range(1_000):
        usage.record(exchange())
    asyncio.run(usage.flush())
    assert cells_of(queue) == [Cell("orders", "k1", 200, "", "", 1_000, 10_000, 100_000, {0: 1_000})]


@pytest.mark.parametrize(
    "other",
    [
        {"api_id": "bills"},
        {"record": "k2"},
        {"record": ""},
        {"status": 201},
        {"status": 403, "reason": "expired"},
        {"endpoint": "/orders/{id}"},
        {"tags": ("gold",)},
    ],
)
def test_whatever_differs_is_counted_apart(other: dict[str, object]) -> None:
    queue = QueueInMemory()
    usage = Folding(queue, FakeClock(), LIMITS)
    usage.record(exchange())
    usage.record(exchange(**other))
    asyncio.run(usage.flush())
    assert len(cells_of(queue)) == 2


def test_an_api_that_is_not_tracked_leaves_nothing_but_when_its_keys_were_used() -> None:
    queue = QueueInMemory()
    usage = Folding(queue, FakeClock(), LIMITS)
    hidden = exchange(status=500, facts=UNTRACKED)
    hidden.credential = ("k7", 1)
    usage.record(hidden)
    usage.record(exchange("bills"))
    asyncio.run(usage.flush())
    assert [cell.api_id for cell in cells_of(queue)] == ["bills"]
    assert [entry.api_id for line in queue.parsed() for entry in line.log] == ["bills"]
    assert [use.record_id for line in queue.parsed() for use in line.uses] == [7]
    assert usage.exchanges == 2


def test_the_split_of_an_api_adds_up_over_cells_and_is_given_once() -> None:
    queue = QueueInMemory()
    usage = Folding(queue, FakeClock(), LIMITS)
    usage.record(forwarded(exchange(record="k1"), upstream_s=0.5, gateway_s=0.25))
    usage.record(forwarded(exchange(record="k2", status=502), upstream_s=0.5, gateway_s=0.0))
    usage.record(exchange(record="k3", status=403, reason="expired"))
    asyncio.run(usage.flush())
    usage.record(exchange())
    asyncio.run(usage.flush())
    assert [line.splits for line in queue.parsed()] == [
        {"orders": Split({bucket_of(500_000): 2}, {bucket_of(250_000): 1, 0: 1})},
        {},
    ]


def test_after_a_silence_a_line_belongs_to_the_minute_it_began_in() -> None:
    queue, clock = QueueInMemory(), FakeClock(wall=600.0)
    usage = Folding(queue, clock, LIMITS)
    asyncio.run(usage.flush())
    clock.set_wall(7_200.0)
    usage.record(exchange())
    asyncio.run(usage.flush())
    assert [line.minute for line in queue.parsed()] == [120]


def test_nothing_new_leaves_no_line() -> None:
    queue = QueueInMemory()
    usage = Folding(queue, FakeClock(), LIMITS, lambda: {"worker": 0, "lookups": 3})
    for _ in range(3):
        asyncio.run(usage.flush())
    assert [line.gauges["lookups"] for line in queue.parsed()] == [3]


def test_many_dimensions_are_cut_into_lines_without_loss() -> None:
    queue = QueueInMemory()
    usage = Folding(queue, FakeClock(), LIMITS)
    for number in range(2 * folding.CELLS_MAX + 1):
        usage.record(exchange(record=f"k{number}"))
    asyncio.run(usage.flush())
    assert [len(line.cells) for line in queue.parsed()] == [folding.CELLS_MAX, folding.CELLS_MAX, 1]


def test_endpoints_past_the_bound_count_as_other() -> None:
    queue = QueueInMemory()
    usage = Folding(queue, FakeClock(), LIMITS)
    for number in range(folding.ENDPOINTS_MAX + 7):
        usage.record(exchange(endpoint=f"/{number}"))
    asyncio.run(usage.flush())
    assert [cell.exchanges for cell in cells_of(queue) if cell.endpoint == folding.OTHER] == [7]


def test_a_queue_that_was_away_gets_every_line_once_in_order() -> None:
    queue, clock = QueueInMemory(), FakeClock(wall=60.0)
    usage = Folding(queue, clock, LIMITS)
    queue.away = True
    for _ in range(3):
        usage.record(exchange())
        with pytest.raises(StoreUnavailable):
            asyncio.run(usage.flush())
        clock.set_wall(clock.wall() + 60)
    queue.away = False
    asyncio.run(usage.flush())
    assert [line.minute for line in queue.parsed()] == [1, 2, 3]


def test_the_last_flush_beside_one_that_waits_doubles_nothing() -> None:
    class SlowQueue(QueueInMemory):
        async def enqueue(self, lines: Sequence[bytes]) -> None:
            await asyncio.sleep(0)
            await super().enqueue(lines)

    queue = SlowQueue()
    usage = Folding(queue, FakeClock(), LIMITS)

    async def at_once() -> None:
        usage.record(exchange())
        await asyncio.gather(usage.flush(), usage.flush())

    asyncio.run(at_once())
    assert [cell.exchanges for cell in cells_of(queue)] == [1]


def test_a_flush_that_is_cancelled_loses_nothing() -> None:
    class StuckQueue(QueueInMemory):
        is_stuck = True

        async def enqueue(self, lines: Sequence[bytes]) -> None:
            if self.is_stuck:
                await asyncio.Event().wait()
            await super().enqueue(lines)

    queue = StuckQueue()
    usage = Folding(queue, FakeClock(), LIMITS)

    async def cut_off_and_end() -> None:
        usage.record(exchange())
        flushing = asyncio.ensure_future(usage.flush())
        await asyncio.sleep(0)
        flushing.cancel()
        await asyncio.wait([flushing])
        queue.is_stuck = False
        await usage.flush()

    asyncio.run(cut_off_and_end())
    assert sum(cell.exchanges for cell in cells_of(queue)) == 1


def test_past_ten_minutes_without_the_queue_the_oldest_lines_go_and_are_counted() -> None:
    queue, clock = QueueInMemory(), FakeClock()
    usage = Folding(queue, clock, LIMITS)
    queue.away = True
    for _ in range(folding.LINES_KEPT_MAX + 2):
        usage.record(exchange())
        with pytest.raises(StoreUnavailable):
            asyncio.run(usage.flush())
    queue.away = False
    for _ in range(2):
        asyncio.run(usage.flush())
    assert sum(cell.exchanges for cell in cells_of(queue)) == folding.LINES_KEPT_MAX
    assert queue.parsed()[-1].gauges == dict.fromkeys(folding.GAUGES, 0) | {folding.LINES_LOST: 2}


def test_a_line_that_never_fits_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    queue = QueueInMemory(line_max_bytes=1_000)
    usage = Folding(queue, FakeClock(), LIMITS)
    for number in range(100):
        usage.record(exchange(record=f"k{number}"))
    asyncio.run(usage.flush())
    usage.record(exchange())
    asyncio.run(usage.flush())
    assert queue.parsed()[0].gauges[folding.LINES_LOST] == 1
    assert "lost" in caplog.text


def test_refusals_and_failures_are_logged_and_written_and_successes_only_logged() -> None:
    queue, written = QueueInMemory(), []
    usage = Folding(queue, FakeClock(), LIMITS, write_refusal=written.append)
    for status, reason in ((200, ""), (403, "expired"), (502, ""), (429, "key_rate")):
        usage.record(exchange(status=status, reason=reason))
    asyncio.run(usage.flush())
    assert [entry.status for entry in queue.parsed()[0].log] == [200, 403, 502, 429]
    assert [(entry["status"], entry["reason"]) for entry in written] == [(403, "expired"), (502, ""), (429, "key_rate")]


def test_a_flood_of_refusals_writes_no_more_than_its_limit() -> None:
    written: list[object] = []
    usage = Folding(QueueInMemory(), FakeClock(), LogLimits(50, 20), write_refusal=written.append)
    for _ in range(1_000):
        usage.record(exchange(status=401, reason="expired"))
    assert len(written) == 20


def test_the_exchanges_recorded_so_far_are_known_before_and_after_a_line_is_cut() -> None:
    usage = Folding(QueueInMemory(), FakeClock(), LIMITS)
    for number in range(folding.CELLS_MAX + 3):
        usage.record(exchange(record=f"k{number}"))
    assert usage.exchanges == folding.CELLS_MAX + 3
    asyncio.run(usage.flush())
    usage.record(exchange())
    assert usage.exchanges == folding.CELLS_MAX + 4
