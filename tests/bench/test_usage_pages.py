"""The month of usage that the soak measures is whole: whatever is asked of it adds up."""

import asyncio
from pathlib import Path

import pytest

from bench.soak.row import Size
from bench.soak.usage_pages import END, ORG, questions, rows_of
from bench.usage_history import fill
from propylon.stores.records.records import Records
from propylon.usage.figures import Dimension, Question, figures
from propylon.usage.ranges import Range
from propylon.usage.rows import Grain
from tests.kit.places import ENGINES, fresh_place, records_at

DAYS, CALLERS = 9, 30
MONTH = Range(END - DAYS * Grain.DAY, END)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_month_adds_up_by_whatever_it_is_told_apart(engine: str, tmp_path: Path) -> None:
    async def check() -> None:
        async with records_at(place) as records:
            async with records.usage_engine.begin() as connection:
                await fill(connection, CALLERS, DAYS, END)
            sums = {await _sum(records, Question(MONTH, (one,), ORG)) for one in Dimension}
            sums |= {await _sum(records, Question(MONTH, (), ORG, step)) for step in (Grain.HOUR, Grain.DAY)}
            assert len(sums) == 1
            assert sums.pop() > CALLERS * DAYS * 24 * 10
            for ask in questions(DAYS).values():
                assert await ask(records) is not None

    with fresh_place(engine, tmp_path) as place:
        asyncio.run(check())


async def _sum(records: Records, question: Question) -> int:
    return sum(one.exchanges for one in await figures(records, question))


def test_a_small_run_reports_its_slowest_page() -> None:
    (row,) = rows_of("sqlite", Size(0.001, 1))
    assert "slowest" in row.measured
