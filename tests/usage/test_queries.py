"""Totals by stretch and filter, the log by filter, and what is forgotten."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from propylon.exchange import ApiFacts
from propylon.stores.records.records import Records
from propylon.usage.drain import Drain
from propylon.usage.entries import EntryFilter, entry_by_id, page_of_entries
from propylon.usage.line import Cell, Line, LogEntry, encode
from propylon.usage.queries import Dimension, Step, latencies, totals
from propylon.usage.retention import Kept, expire
from propylon.usage.rolling_up import roll_up_minute
from tests.kit.places import Place, with_records
from tests.usage.exchanges import QueueInMemory

DAY = 1440
KINDS = 10  # of rows that are forgotten: the log by age and by number, and eight sorts of stretches
ENTRY = LogEntry(0.0, "orders", "k1", "ff", "Ada", "GET", "/", 403, "expired", 5, 0, "203.0.113.7", 1)


def cell(api_id: str = "orders", record: str = "k1", status: int = 200, reason: str = "", count: int = 1) -> Cell:
    return Cell(api_id, record, status, reason, "", count, count, count, {8: count})


LINES = [
    Line(DAY, [cell(count=5), cell(status=403, reason="expired", count=2)], [ENTRY._replace(at=86_400.5)], {}),
    Line(DAY + 1, [cell(count=1), cell("bills", "k2", count=7)], [ENTRY._replace(at=86_461.0, api_id="bills")], {}),
    Line(DAY + 61, [cell(record="k2", count=3)], [ENTRY._replace(at=90_061.0, identity="k2", status=401)], {}),
    Line(2 * DAY, [cell(count=4)], [ENTRY._replace(at=172_800.0, reason="key_rate", status=429)], {}),
]


def asked(place: Place, question: Callable[[Records], Awaitable[Any]]) -> Any:
    """Of the records that hold LINES."""
    queue = QueueInMemory()
    queue.lines = [encode(line) for line in LINES]

    async def run(records: Records) -> Any:
        await Drain(records, queue).run_once()
        return await question(records)

    return with_records(place, run)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (Step.MINUTE, [(172_800, 4), (90_060, 3), (86_460, 8), (86_400, 7)]),
        (Step.HOUR, [(172_800, 4), (90_000, 3), (86_400, 15)]),
        (Step.DAY, [(172_800, 4), (86_400, 18)]),
    ],
)
def test_stretches_begin_on_whole_minutes_hours_and_days(place: Place, step: Step, expected: list[object]) -> None:
    found = asked(place, lambda records: totals(records, step))
    assert [(total.at, total.exchanges) for total in found] == expected


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ([Dimension.API], [(("orders",), 11), (("bills",), 7)]),
        ([Dimension.STATUS], [((200,), 16), ((403,), 2)]),
        ([Dimension.REASON], [(("",), 16), (("expired",), 2)]),
        ([Dimension.API, Dimension.IDENTITY], [(("orders", "k1"), 8), (("bills", "k2"), 7), (("orders", "k2"), 3)]),
    ],
)
def test_a_day_is_told_apart_by_what_is_asked_most_first(place: Place, by: list[Dimension], expected: object) -> None:
    found = asked(place, lambda records: totals(records, Step.DAY, by, until=172_799.0))
    assert [(total.values, total.exchanges) for total in found] == expected


def test_totals_are_of_what_is_chosen_only(place: Place) -> None:
    chosen = {Dimension.API: "orders", Dimension.STATUS: 200}
    found = asked(place, lambda records: totals(records, Step.DAY, where=chosen, since=86_460.0, until=90_060.0))
    assert [total.exchanges for total in found] == [4]


def test_latencies_are_of_what_is_chosen_only(place: Place) -> None:
    found = asked(place, lambda records: latencies(records, where={Dimension.IDENTITY: "k2"}))
    assert found == {8: 10}


@pytest.mark.parametrize(
    ("only", "times"),
    [
        (EntryFilter(), [172_800.0, 90_061.0, 86_461.0, 86_400.5]),
        (EntryFilter(api_id="bills"), [86_461.0]),
        (EntryFilter(identities=("k2",)), [90_061.0]),
        (EntryFilter(status=429), [172_800.0]),
        (EntryFilter(reason="expired", status=403), [86_461.0, 86_400.5]),
        (EntryFilter(key_hash="00"), []),
    ],
)
def test_the_log_comes_newest_first_and_filtered(place: Place, only: EntryFilter, times: list[float]) -> None:
    assert [entry.log.at for entry in asked(place, lambda records: page_of_entries(records, only))] == times


def test_the_log_is_read_in_pages(place: Place) -> None:
    only = EntryFilter(since=86_461.0, until=90_061.0)
    found = asked(place, lambda records: page_of_entries(records, only, limit=1))
    assert [entry.log.at for entry in found] == [90_061.0]


RECORDING = {"request": {"body": "a\0b \u20ac"}, "response": None}


@pytest.mark.parametrize("org_id", [None, "acme"])
def test_a_recording_is_read_with_its_own_entry_alone_and_gone_with_it(place: Place, org_id: str | None) -> None:
    async def read(records: Records) -> None:
        apis = {"orders": ApiFacts("acme", "v1", ())}
        line = Line(
            2_880,
            [],
            [ENTRY._replace(at=at) for at in (172_900.0, 172_901.0)],
            {},
            apis=apis,
            recordings={1: RECORDING},
        )
        queue = QueueInMemory()
        queue.lines = [encode(line)]
        await Drain(records, queue).run_once()
        newest, other = await page_of_entries(records, EntryFilter(), limit=2)
        assert await entry_by_id(records, org_id, newest.id) == (newest, RECORDING)
        assert await entry_by_id(records, org_id, other.id) == (other, {})
        assert await entry_by_id(records, "another", newest.id) is None
        assert "details" not in str(newest)
        await expire(records, Kept(0.0, 0.0, 0.0, 172_950.0, 100), 100)
        assert await entry_by_id(records, org_id, newest.id) is None

    with_records(place, read)


def test_what_is_old_is_forgotten_in_steps_and_the_rest_stays(place: Place) -> None:
    async def expired(records: Records) -> tuple[list[int], int, int]:
        while await roll_up_minute(records, 10**9):
            pass
        removed = []
        while not removed or removed[-1]:
            removed.append(await expire(records, Kept(172_800.0, 172_800.0, 172_800.0, 172_800.0, 100), 2))
        return (
            removed,
            len(await page_of_entries(records, EntryFilter())),
            sum(t.exchanges for t in await totals(records, Step.DAY)),
        )

    removed, entries, exchanges = asked(place, expired)
    assert removed[-1] == 0
    assert max(removed) <= 2 * KINDS
    assert (entries, exchanges) == (1, 4)
