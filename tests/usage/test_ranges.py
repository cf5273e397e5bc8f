"""A range is covered once, by the coarsest stretches that fit."""

from hypothesis import given
from hypothesis import strategies as st

from propylon.usage.ranges import CALLERS, Range, Stretch, cover, range_of
from propylon.usage.rows import Grain


def test_days_are_read_inside_and_hours_at_the_edges() -> None:
    found = cover(Range(23 * 60, 3 * 1_440 + 120), (Grain.DAY, Grain.HOUR))
    assert found == [
        Stretch(Grain.HOUR, 23 * 60, 1_440),
        Stretch(Grain.DAY, 1_440, 3 * 1_440),
        Stretch(Grain.HOUR, 3 * 1_440, 3 * 1_440 + 120),
    ]


def test_a_range_is_widened_to_the_stretches_that_hold_its_ends() -> None:
    assert range_of(3_599.0, 7_200.0, Grain.HOUR) == Range(0, 180)


@given(st.integers(0, 50_000), st.integers(0, 50_000))
def test_every_minute_is_covered_once_and_none_beside(first: int, length: int) -> None:
    found = cover(Range(first, first + length), CALLERS)
    at = first
    for stretch in found:
        assert stretch.first == at
        assert stretch.first % stretch.grain == stretch.end % stretch.grain == 0
        at = stretch.end
    assert at == first + length
    assert len(found) <= 2 * len(CALLERS) - 1
