"""Buckets that rise with the latency, merge, and read within 12.5 %."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.usage.histogram import bucket_end_us, bucket_of, percentile_us

LATENCIES = st.integers(0, 2**45)


@given(LATENCIES)
def test_a_latency_lies_before_the_end_of_its_bucket_and_not_before_its_beginning(latency_us: int) -> None:
    bucket = bucket_of(latency_us)
    assert bucket_end_us(bucket - 1) <= latency_us < bucket_end_us(bucket)


@given(st.lists(LATENCIES, min_size=1, max_size=60), st.sampled_from([0.01, 0.5, 0.9, 0.99, 1.0]))
def test_a_percentile_is_within_an_eighth_of_the_exact_one(latencies: list[int], fraction: float) -> None:
    counts: dict[int, int] = {}
    for latency in latencies:
        counts[bucket_of(latency)] = counts.get(bucket_of(latency), 0) + 1
    rank = next(n for n in range(1, len(latencies) + 1) if n >= len(latencies) * fraction)
    exact = sorted(latencies)[rank - 1]
    assert abs(percentile_us(counts, fraction) - exact) <= exact / 8


@pytest.mark.parametrize("latency_us", [*range(8)])
def test_the_smallest_latencies_are_exact(latency_us: int) -> None:
    assert percentile_us({bucket_of(latency_us): 3}, 0.5) == latency_us


def test_no_exchange_has_no_latency() -> None:
    assert percentile_us({}, 0.99) == 0


def test_a_clock_that_went_back_counts_as_no_time() -> None:
    assert bucket_of(-5) == 0
