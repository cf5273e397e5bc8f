"""How SQLite finds what is asked for, without statistics: one caller never by reading the whole range."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from propylon.stores.records.records import Records
from propylon.usage.figures import Dimension, Filter, Question, figures
from propylon.usage.ranges import Range
from propylon.usage.rows import Grain
from propylon.usage.spread import spreads
from tests.kit.records import with_records

MONTH = Range(2_900 * Grain.WEEK, 2_904 * Grain.WEEK + 25 * Grain.HOUR)
ONE_CALLER = Question(MONTH, (Dimension.ENDPOINT,), Filter("acme", identities=("k1", "k2")))


@pytest.mark.parametrize("ask", [figures, spreads])
def test_one_caller_is_found_by_the_index_of_callers(tmp_path: Path, ask: Any) -> None:
    async def scenario(records: Records) -> None:
        asked: list[tuple[str, Any]] = []
        engine = records.usage_reading_engine
        event.listen(engine.sync_engine, "before_cursor_execute", lambda _, __, *asking: asked.append(asking[:2]))
        await ask(records, ONE_CALLER)
        statement, values = asked[0]
        assert "drained" in statement  # the mark: a minute that is rolled up between two statements would count twice
        async with engine.connect() as connection:
            plan = (await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)).all()
        read = [step.detail for step in plan if "SEARCH usage" in step.detail]
        assert len(read) >= 2
        assert all("_by_identity (identity=?" in step for step in read)

    with_records(tmp_path, scenario)
