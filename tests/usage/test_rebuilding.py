"""Hours, days and weeks say what the minutes say, also of what a version before has drained."""

from collections.abc import Sequence

from sqlalchemy import delete

from propylon.stores.records.records import Records
from propylon.stores.records.usage_tables import drained, usage_callers, usage_traffic
from propylon.usage.drain import Drain
from propylon.usage.figures import Dimension, Figures, Question, figures
from propylon.usage.line import Cell, Line, encode
from propylon.usage.progress import MARK, ROLLED_UP
from propylon.usage.ranges import range_of
from propylon.usage.rebuilding import rebuild_hour
from propylon.usage.rolling_up import roll_up_minute
from propylon.usage.rows import Grain
from propylon.usage.spread import spreads
from tests.kit.places import Place, with_records
from tests.kit.records import TESTER, a_definition
from tests.usage.exchanges import QueueInMemory

WEEK = 2_900 * Grain.WEEK
MINUTES = [WEEK, WEEK + 59, WEEK + 60, WEEK + 1_440, WEEK + 1_441, WEEK + 10_079, WEEK + 10_080]


def _line(minute: int) -> bytes:
    cells = [
        Cell("orders", "k1", 200, "", "", 3, 30, 300, {8: 2, 40: 1}),
        Cell("orders", "k2", 403, "expired", "", 1, 0, 9, {9: 1}),
    ]
    return encode(Line(minute, cells, [], {}))


async def _told(records: Records) -> list[Sequence[Figures]]:
    over = range_of(WEEK * 60.0, (WEEK + 2 * Grain.WEEK - 1) * 60.0, Grain.WEEK)
    questions = [
        Question(over),
        Question(over, (Dimension.ORG, Dimension.API, Dimension.STATUS), step=Grain.DAY),
        Question(over, (Dimension.ORG, Dimension.IDENTITY)),
        Question(over, (Dimension.IDENTITY,), step=Grain.HOUR),
        Question(over, (), step=Grain.MINUTE, finest=Grain.MINUTE),
    ]
    return [await figures(records, one) for one in questions]


async def _filled(records: Records) -> None:
    async with records.change(TESTER) as edit:
        await edit.put_api(a_definition("orders", "acme"))
    queue = QueueInMemory()
    queue.lines = [_line(minute) for minute in MINUTES]
    await Drain(records, queue).run_once()
    while await roll_up_minute(records, (WEEK + 2 * Grain.DAY) * 60.0):
        pass


async def _as_a_version_before_left_it(records: Records) -> None:
    async with records.usage_engine.begin() as connection:
        await connection.execute(delete(usage_callers))
        await connection.execute(delete(usage_traffic))
        await connection.execute(delete(drained).where(drained.c.queue.in_([ROLLED_UP, MARK])))


async def _drained_by_this_version(records: Records) -> None:
    queue = QueueInMemory()
    queue.first, queue.lines = len(MINUTES) + 1, [b"no line of ours"]
    await Drain(records, queue).run_once()


def test_minutes_of_a_version_before_are_carried_into_all_that_stands_for_longer(place: Place) -> None:
    async def carried(records: Records) -> None:
        await _filled(records)
        told = await _told(records)
        everything = Question(range_of(0, 2e9, Grain.HOUR))
        (spread,) = await spreads(records, everything)
        assert told[0][0].exchanges == sum(spread.buckets.values()) == 4 * len(MINUTES)
        await _as_a_version_before_left_it(records)
        await _drained_by_this_version(records)
        assert await figures(records, everything) == []
        hours = 0
        while await rebuild_hour(records, ""):
            hours += 1
        assert hours == len({minute // 60 for minute in MINUTES})
        assert await _told(records) == told
        assert await spreads(records, everything) == [spread]

    with_records(place, carried)


def test_making_anew_what_is_whole_changes_nothing(place: Place) -> None:
    async def again(records: Records) -> None:
        await _filled(records)
        before = await _told(records)
        assert not await rebuild_hour(records, "")
        async with records.usage_engine.begin() as connection:
            await connection.execute(delete(drained).where(drained.c.queue == ROLLED_UP))
        await _drained_by_this_version(records)
        while await rebuild_hour(records, ""):
            assert sum(one.exchanges for one in (await _told(records))[3]) == 4 * len(MINUTES)
        assert await _told(records) == before

    with_records(place, again)
