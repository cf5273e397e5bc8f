"""Figures of any range, told apart and narrowed in any way, are those of a model that adds one by one."""

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from propylon.exchange import ApiFacts
from propylon.stores.records.records import Records
from propylon.usage.drain import Drain
from propylon.usage.figures import Dimension, Filter, Page, Question, figures, page_of_figures
from propylon.usage.line import Cell, Line, encode
from propylon.usage.ranges import range_of
from propylon.usage.rolling_up import roll_up_minute
from propylon.usage.rows import Grain
from propylon.usage.spread import spreads
from propylon.usage.tag_sets import Tagged, stored
from tests.kit.places import ENGINES, fresh_place, with_records
from tests.usage.exchanges import QueueInMemory

START = 2_900 * Grain.WEEK + 17
SPAN = 3 * Grain.WEEK
ENDED = st.tuples(
    st.integers(0, SPAN),
    st.sampled_from(["orders", "bills"]),
    st.sampled_from(["k1", "k2", "k3", ""]),
    st.sampled_from([(200, ""), (403, "expired"), (429, "key_rate")]),
    st.sampled_from([(), ("eu",), ("eu", "gold")]),
    st.integers(1, 1_000),
)
ONLY = st.sampled_from(
    [
        Filter(),
        Filter("acme"),
        Filter("another"),
        Filter(api_ids=("orders",)),
        Filter(identities=("k1", "")),
        Filter(status=403),
        Filter(reason=""),
        Filter(tag="gold"),
        Filter(version="v1", errors_only=True),
        Filter(api_ids=("bills",), identities=("k2",), tag="eu"),
    ]
)


def _line(minute: int, api: str, caller: str, told: tuple[int, str], tags: tuple[str, ...], count: int) -> bytes:
    cell = Cell(api, caller, told[0], told[1], "", count, count, 2 * count, {30: count})
    tagged = [Tagged(list(tags), [0])] if tags else []
    return encode(Line(START + minute, [cell], [], {}, apis={api: ApiFacts("acme", "v1", ())}, tagged=tagged))


def _matches(only: Filter, api: str, caller: str, told: tuple[int, str], tags: tuple[str, ...]) -> bool:
    return (
        only.org_id in (None, "acme")
        and (only.api_ids is None or api in only.api_ids)
        and (only.identities is None or caller in only.identities)
        and only.status in (None, told[0])
        and only.reason in (None, told[1])
        and (only.tag is None or only.tag in tags)
        and (not only.errors_only or told[0] >= 400)
    )


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=12, deadline=None)
@given(
    ended=st.lists(ENDED, max_size=40),
    questions=st.lists(st.tuples(ONLY, st.integers(0, SPAN), st.integers(0, SPAN)), min_size=1, max_size=5),
)
def test_totals_by_anything_are_the_same_to_the_unit(engine: str, ended: list[tuple], questions: list[tuple]) -> None:
    async def check(records: Records) -> None:
        queue = QueueInMemory()
        queue.lines = [_line(*one) for one in ended]
        late = queue.lines[1::3]  # come after their minutes were rolled up
        del queue.lines[1::3]
        while await Drain(records, queue).run_once():
            pass
        while await roll_up_minute(records, (START + SPAN / 2) * 60.0):
            pass
        queue.lines = late
        while await Drain(records, queue).run_once():
            pass
        for only, first, last in questions:
            over = range_of((START + min(first, last)) * 60.0, (START + max(first, last)) * 60.0, Grain.HOUR)
            expected: Counter[tuple[object, ...]] = Counter()
            for minute, api, caller, told, tags, count in ended:
                if over.first <= START + minute < over.end and _matches(only, api, caller, told, tags):
                    expected[(api, caller, *told, stored(tags))] += count
            await _compare(records, Question(over, (), only), expected)

    with tempfile.TemporaryDirectory() as folder, fresh_place(engine, Path(folder)) as place:
        with_records(place, check)


async def _compare(records: Records, question: Question, expected: Counter[tuple[object, ...]]) -> None:
    named = (Dimension.API, Dimension.IDENTITY, Dimension.STATUS, Dimension.REASON, Dimension.TAGS)
    for place, dimension in enumerate(named):
        for step in (None, Grain.HOUR, Grain.DAY):
            by_value: Counter[object] = Counter()
            for one in await figures(records, question._replace(by=(dimension,), step=step)):
                by_value[one.values[0]] += one.exchanges
                assert one.bytes_out == 2 * one.exchanges
            wanted: Counter[object] = Counter()
            for key, count in expected.items():
                wanted[key[place]] += count
            assert by_value == wanted
    total = await figures(records, question)
    assert sum(one.exchanges for one in total) == expected.total()
    spread = await spreads(records, question)
    assert sum(count for one in spread for count in one.buckets.values()) == expected.total()


@pytest.mark.parametrize("engine", ENGINES)
def test_pages_of_callers_are_parts_of_the_whole_list(engine: str, tmp_path: Path) -> None:
    async def check(records: Records) -> None:
        queue = QueueInMemory()
        queue.lines = [_line(number, "orders", f"k{number % 7}", (200, ""), (), number + 1) for number in range(30)]
        await Drain(records, queue).run_once()
        question = Question(range_of(START * 60.0, (START + SPAN) * 60.0, Grain.HOUR), (Dimension.IDENTITY,))
        whole = await figures(records, question)
        found = [await page_of_figures(records, question, Page(offset=offset, limit=3)) for offset in (0, 3, 6, 9)]
        assert [row for page in found for row in page.rows] == whole
        assert {page.groups for page in found} == {7}
        least = await figures(records, question, Page("errors", descending=False, limit=2))
        assert len(least) == 2

    with fresh_place(engine, tmp_path) as place:
        with_records(place, check)
