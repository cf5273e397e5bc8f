"""Every line of the queue is added once, whoever dies when."""

import asyncio
import multiprocessing
import os
import signal
from pathlib import Path

import pytest
from sqlalchemy import event

from propylon.errors import StoreUnavailable
from propylon.exchange import ApiFacts
from propylon.stores.lmdb import LmdbMeters, open_meters
from propylon.stores.records.opening import open_records
from propylon.stores.records.records import Records
from propylon.usage import drain as drain_module
from propylon.usage.drain import Drain
from propylon.usage.entries import EntryFilter, page_of_entries
from propylon.usage.line import Cell, Line, LogEntry, encode
from propylon.usage.progress import Progress, move_progress, read_progress
from propylon.usage.queries import Dimension, Step, latencies, totals
from propylon.usage.tag_sets import Tagged
from tests.kit.places import Place, SqlitePlace, records_at, with_records
from tests.kit.records import ROOT_SECRET, TESTER, a_definition
from tests.kit.waiting import SAFETY_S
from tests.usage.exchanges import QueueInMemory

CELL = Cell("orders", "k1", 200, "", "", 3, 30, 300, {8: 2, 40: 1})
ENTRY = LogEntry(120.5, "orders", "k1", "ff", "Ada", "GET", "/", 403, "expired", 5, 0, "203.0.113.7", 1)


def a_line(number: int = 0, minute: int = 2) -> bytes:
    return encode(Line(minute, [CELL], [ENTRY._replace(latency_us=number)], {}))


def queue_of(*lines: bytes) -> QueueInMemory:
    queue = QueueInMemory()
    queue.lines = list(lines)
    return queue


async def exchanges(records: Records) -> int:
    return sum(total.exchanges for total in await totals(records, Step.DAY))


def test_lines_are_added_up_and_leave_the_queue(place: Place) -> None:
    queue = queue_of(a_line(1), a_line(2), a_line(3, minute=3))

    async def drained(records: Records) -> None:
        assert await Drain(records, queue).run_once() == 3
        assert [(total.at, total.exchanges) for total in await totals(records, Step.MINUTE)] == [(180, 3), (120, 6)]
        assert [entry.log.latency_us for entry in await page_of_entries(records, EntryFilter())] == [3, 2, 1]
        assert await latencies(records) == {8: 6, 40: 3}

    with_records(place, drained)
    assert queue.lines == []


def test_a_later_batch_is_added_to_what_is_there(place: Place) -> None:
    queue = queue_of(a_line())

    async def drained(records: Records) -> None:
        drain = Drain(records, queue)
        await drain.run_once()
        queue.lines += [a_line(), encode(Line(2, [CELL._replace(identity="k2", latencies={9: 3})], [], {}))]
        await drain.run_once()
        by_identity = await totals(records, Step.DAY, [Dimension.IDENTITY])
        assert [(total.values, total.exchanges) for total in by_identity] == [(("k1",), 6), (("k2",), 3)]
        assert await latencies(records) == {8: 4, 9: 3, 40: 2}

    with_records(place, drained)


def test_what_was_no_request_has_no_latency_and_adds_up(place: Place) -> None:
    unread = CELL._replace(latencies={})
    queue = queue_of(encode(Line(2, [unread, unread], [], {})))

    async def drained(records: Records) -> None:
        await Drain(records, queue).run_once()
        queue.lines.append(encode(Line(2, [unread], [], {})))
        await Drain(records, queue).run_once()
        assert [(total.exchanges, total.bytes_out) for total in await totals(records, Step.MINUTE)] == [(9, 900)]
        assert await latencies(records) == {}

    with_records(place, drained)


def _columns(place: Place) -> str:
    usage = place.beside("usage.db") if isinstance(place, SqlitePlace) else place
    return usage.sql(
        "SELECT org_id, version, replace(tags, chr(10), ','), count FROM usage ORDER BY org_id".replace(
            "chr(10)", "char(10)" if isinstance(place, SqlitePlace) else "chr(10)"
        )
    )


def test_a_row_has_the_organisation_version_and_tags_of_its_exchanges(place: Place) -> None:
    facts = {"orders": ApiFacts("acme", "v1", ())}
    queue = queue_of(encode(Line(2, [CELL], [], {}, apis=facts, tagged=[Tagged(["gold"], [0])])))

    async def drained(records: Records) -> None:
        await Drain(records, queue).run_once()

    with_records(place, drained)
    assert _columns(place) == "acme|v1|,gold,|3"


def test_a_line_of_a_version_before_counts_to_the_organisation_of_its_api(place: Place) -> None:
    unrouted = CELL._replace(api_id="", exchanges=1)
    queue = queue_of(encode(Line(2, [CELL, unrouted], [], {})))

    async def drained(records: Records) -> None:
        async with records.change(TESTER) as edit:
            await edit.put_api(a_definition("orders", "acme"))
        await Drain(records, queue, default_org_id="ours").run_once()

    with_records(place, drained)
    assert _columns(place) == "acme|||3\nours|||1"


def test_an_empty_queue_is_nothing_to_do(place: Place) -> None:
    with_records(place, lambda records: _expect(Drain(records, queue_of()).run_once(), 0))


async def _expect(work: object, value: object) -> None:
    assert await work == value


class _DiesAtDiscard:
    """A queue whose reader is killed before it removes what it has added."""

    def __init__(self, meters: LmdbMeters) -> None:
        self.peek = meters.peek

    async def discard(self, epoch: str, upto: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def _meters(folder: Path) -> LmdbMeters:
    return open_meters(folder, meters_map_bytes=1 << 20, usage_map_bytes=1 << 20, usage_lines_max=100)


def _killed_after_commit(url: str, folder: Path) -> None:
    async def run() -> None:
        records = await open_records(url, ROOT_SECRET, timeout_s=SAFETY_S)
        await Drain(records, _DiesAtDiscard(_meters(folder))).run_once()

    asyncio.run(run())


def _killed_before_commit(url: str, folder: Path) -> None:
    async def run() -> None:
        records = await open_records(url, ROOT_SECRET, timeout_s=SAFETY_S)
        engine = records.usage_engine.sync_engine
        event.listen(engine, "commit", lambda connection: os.kill(os.getpid(), signal.SIGKILL))
        await Drain(records, _meters(folder)).run_once()

    asyncio.run(run())


@pytest.mark.parametrize("killed", [_killed_before_commit, _killed_after_commit])
def test_a_drain_killed_on_the_way_neither_loses_nor_doubles_a_line(
    tmp_path: Path, place: Place, killed: object
) -> None:
    async def fill() -> None:
        meters = _meters(tmp_path)
        await meters.enqueue([a_line(number) for number in range(10)])
        await meters.close()

    async def finish(records: Records) -> None:
        meters = _meters(tmp_path)
        drain = Drain(records, meters)
        while await drain.run_once():
            pass
        await meters.close()
        assert await exchanges(records) == 30
        assert len(await page_of_entries(records, EntryFilter())) == 10

    asyncio.run(fill())
    child = multiprocessing.get_context("spawn").Process(target=killed, args=(place.url, tmp_path))
    child.start()
    child.join(30)
    assert child.exitcode == -signal.SIGKILL
    with_records(place, finish)


def test_two_drains_at_once_add_each_line_once(place: Place) -> None:
    queue = queue_of(*[a_line() for _ in range(20)])

    async def race(records: Records) -> None:
        async with records_at(place) as others:
            await asyncio.gather(*(Drain(one, queue).run_once() for one in (records, others, records)))
        assert await exchanges(records) == 60

    with_records(place, race)
    assert queue.lines == []


def test_a_queue_made_anew_starts_from_its_first_line(place: Place) -> None:
    class AnotherQueue(QueueInMemory):
        async def peek(self, limit: int) -> object:
            return (await super().peek(limit))._replace(epoch="another epoch")

    another = AnotherQueue()
    another.lines = [a_line()]

    async def drained(records: Records) -> None:
        await Drain(records, queue_of(a_line(), a_line())).run_once()
        await Drain(records, another).run_once()
        assert await exchanges(records) == 9

    with_records(place, drained)


def test_a_malformed_line_is_counted_and_holds_up_no_other(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    queue = queue_of(a_line(), b'{"minute":', a_line())

    async def drained(records: Records) -> None:
        drain = Drain(records, queue)
        assert await drain.run_once() == 3
        assert drain.malformed == 1
        assert await exchanges(records) == 6

    with_records(place, drained)
    assert "left out" in caplog.text


def test_lines_that_could_not_be_discarded_are_added_and_observed_once_beside_new_ones(place: Place) -> None:
    queue, observed = queue_of(a_line()), []

    async def drained(records: Records) -> None:
        drain = Drain(records, queue, lambda cells, gauges, splits: observed.extend(cells))
        queue.away = True
        with pytest.raises(StoreUnavailable):
            await drain.run_once()
        queue.away = False
        queue.lines.append(a_line())
        await drain.run_once()
        assert await exchanges(records) == 6

    with_records(place, drained)
    assert [cell.exchanges for cell in observed] == [3, 3]
    assert queue.lines == []


def test_what_the_ring_dropped_is_known_and_the_rest_is_added(tmp_path: Path, place: Place) -> None:
    async def drained(records: Records) -> None:
        meters = open_meters(tmp_path, meters_map_bytes=1 << 20, usage_map_bytes=1 << 20, usage_lines_max=4)
        drain = Drain(records, meters)
        await meters.enqueue([a_line()])
        await drain.run_once()
        await meters.enqueue([a_line() for _ in range(10)])
        await drain.run_once()
        await meters.close()
        assert drain.dropped == 6
        assert await exchanges(records) == 3 + 4 * 3

    with_records(place, drained)


def test_a_batch_is_bounded_in_bytes_but_has_a_line(place: Place) -> None:
    cells = [CELL._replace(endpoint=f"/{number}/" + "e" * 1_000) for number in range(1_100)]
    large = encode(Line(2, cells, [], {}))
    assert len(large) > drain_module.BATCH_BYTES
    queue = queue_of(large, large)

    async def drained(records: Records) -> None:
        drain = Drain(records, queue)
        assert [await drain.run_once(), await drain.run_once(), await drain.run_once()] == [1, 1, 0]
        assert await exchanges(records) == 2 * 1_100 * 3

    with_records(place, drained)


def test_moving_on_from_where_nobody_stands_any_more_is_refused(place: Place) -> None:
    async def moved(records: Records) -> None:
        async with records.usage_engine.begin() as connection:
            await move_progress(connection, None, Progress("an epoch", 5))
            with pytest.raises(StoreUnavailable):
                await move_progress(connection, Progress("an epoch", 4), Progress("an epoch", 9))
            assert await read_progress(connection) == Progress("an epoch", 5)

    with_records(place, moved)
