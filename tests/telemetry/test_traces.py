"""Traces: the time and something random, in twenty characters."""

import pytest

from propylon.telemetry.traces import Traces, made_at


def test_a_trace_tells_when_it_was_made() -> None:
    trace = Traces(lambda: 1_800_000_000.125).make()
    assert (len(trace), made_at(trace)) == (20, 1_800_000_000.125)


def test_traces_of_one_moment_differ() -> None:
    traces = Traces(lambda: 1_800_000_000.125)
    assert len({traces.make() for _ in range(1000)}) == 1000


def test_later_traces_sort_behind_earlier_ones() -> None:
    moments = iter([1_800_000_000.001, 1_800_000_000.002, 1_800_000_032.0, 1_900_000_000.0])
    traces = Traces(lambda: next(moments))
    made = [traces.make() for _ in range(4)]
    assert made == sorted(made)


@pytest.mark.parametrize("text", ["", "0" * 19, "0" * 21, "w" + "0" * 19, "0" * 20 + "\n", "0" * 19 + "A", "٠" * 20])
def test_what_is_no_trace_has_no_time(text: str) -> None:
    assert made_at(text) is None
