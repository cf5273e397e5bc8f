"""Random exchanges through several workers and the drain: whatever they are told apart by, totals are the same."""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from propylon.stores.records.records import Records
from propylon.usage.drain import Drain
from propylon.usage.folding import Folding, LogLimits
from propylon.usage.queries import Dimension, Step, latencies, totals
from tests.kit.clock import FakeClock
from tests.kit.places import ENGINES, fresh_place, with_records
from tests.usage.exchanges import QueueInMemory, exchange

ENDED = st.tuples(
    st.sampled_from(["orders", "bills"]),
    st.sampled_from(["k1", "k2", "s" + "a" * 64, ""]),
    st.sampled_from([(200, ""), (502, "upstream_reset"), (403, "expired"), (429, "key_rate")]),
    st.integers(0, 2),  # worker
    st.floats(0, 90),  # seconds that pass before it
    st.booleans(),  # whether that worker flushes after it
)


async def folded(ended: list[tuple[str, str, tuple[int, str], int, float, bool]]) -> QueueInMemory:
    queue, clock = QueueInMemory(), FakeClock()
    workers = [Folding(queue, clock, LogLimits(1, 1)) for _ in range(3)]
    for api_id, record, (status, reason), worker, seconds, flushes in ended:
        clock.jump(seconds)
        workers[worker].record(exchange(api_id, record, status, reason=reason))
        if flushes:
            await workers[worker].flush()
    for worker in workers:
        await worker.flush()
    return queue


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=15, deadline=None)
@given(ended=st.lists(ENDED, max_size=60))
def test_totals_are_exact_whatever_they_are_told_apart_by(engine: str, ended: list[tuple]) -> None:
    queue = asyncio.run(folded(ended))

    async def check(records: Records) -> None:
        while await Drain(records, queue).run_once():
            pass
        by_api = Counter(one[0] for one in ended)
        for step in (Step.MINUTE, Step.HOUR, Step.DAY):
            for by in (*Dimension, None):
                found = await totals(records, step, [by] if by else [])
                assert sum(total.exchanges for total in found) == len(ended)
                assert sum(total.bytes_out for total in found) == 100 * len(ended)
        found = await totals(records, Step.DAY, [Dimension.API])
        assert sum((Counter({total.values[0]: total.exchanges}) for total in found), Counter()) == by_api
        assert sum((await latencies(records)).values()) == len(ended)

    with tempfile.TemporaryDirectory() as folder, fresh_place(engine, Path(folder)) as place:
        with_records(place, check)
