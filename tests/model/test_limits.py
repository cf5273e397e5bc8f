"""Rates and quotas as the whole numbers that meters count with."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.model.limits import LIMIT_MAX, NANOSECONDS, PERIOD_MIN_NS, exceeds, interval, is_set, quota, window

SECOND = NANOSECONDS


@pytest.mark.parametrize(
    ("rate", "per", "expected"),
    [
        (10, 60, (10, 60 * SECOND)),
        (1000, 60.0, (1000, 60 * SECOND)),
        (0.5, 1, (1, 2 * SECOND)),
        (2.5, 1, (5, 2 * SECOND)),
        (0.1, 1, (1, 10 * SECOND)),
        (7.5, 60, (15, 120 * SECOND)),
        (3, 1.5, (3, 3 * SECOND // 2)),
        (1, 0.001, (1, SECOND // 1000)),
    ],
)
def test_a_rate_becomes_a_whole_limit_in_a_whole_period(rate: float, per: float, expected: tuple[int, int]) -> None:
    assert window(rate, per) == expected


@pytest.mark.parametrize(("rate", "per"), [(0, 60), (-1, 60), (10, 0), (10, -1), (0, 0), (-1, -1)])
def test_nothing_is_limited_without_a_rate_and_a_window(rate: float, per: float) -> None:
    assert window(rate, per) is None


def test_a_large_fractional_rate_does_not_become_a_large_burst() -> None:
    assert window(1000.001, 1) == (1000, SECOND)


@given(st.floats(1e-3, 1e6), st.floats(1e-6, 1e6))
def test_never_more_is_granted_than_written_and_the_window_is_never_shorter(rate: float, per: float) -> None:
    found = window(rate, per)
    assert found is not None
    limit, period_ns = found
    assert 1 <= limit <= LIMIT_MAX
    per_ns = Fraction(str(per)) * NANOSECONDS
    assert period_ns >= PERIOD_MIN_NS
    assert period_ns >= per_ns
    assert Fraction(limit, period_ns) <= Fraction(str(rate)) / per_ns


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_whole_rates_are_taken_as_written(rate: int, per: int) -> None:
    assert window(rate, per) == (rate, per * SECOND)


@given(st.floats(0.01, 900), st.floats(1, 3600))
def test_fractional_rates_lose_almost_nothing(rate: float, per: float) -> None:
    found = window(rate, per)
    assert found is not None
    assert found[0] / found[1] * NANOSECONDS == pytest.approx(rate / per, rel=1e-3)


@pytest.mark.parametrize(
    ("quota_max", "renewal_rate", "expected"),
    [(5, 60, (5, 60 * SECOND)), (5, 0, (5, 0)), (5, -1, (5, 0)), (0, 60, None), (-1, 60, None)],
)
def test_a_quota_counts_only_above_zero_and_renews_only_with_a_rate(
    quota_max: int, renewal_rate: int, expected: tuple[int, int] | None
) -> None:
    assert quota(quota_max, renewal_rate) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(2, 1, True), (1, 2, False), (1, 1, False), (-1, 10, True), (10, -1, False), (-1, -1, False), (-1, 0, True)],
)
def test_minus_one_exceeds_every_number_and_is_exceeded_by_none(first: int, second: int, expected: bool) -> None:
    assert exceeds(first, second) is expected


@pytest.mark.parametrize(("rate", "per", "expected"), [(10, 60, 6), (-1, 60, 0), (10, -1, 0)])
def test_the_interval_of_an_unlimited_rate_is_zero(rate: float, per: float, expected: float) -> None:
    assert interval(rate, per) == expected


@pytest.mark.parametrize(("rate", "per", "expected"), [(10, 60, True), (-1, -1, True), (0, 60, False), (10, 0, False)])
def test_a_rate_or_per_of_zero_says_nothing(rate: float, per: float, expected: bool) -> None:
    assert is_set(rate, per) is expected
