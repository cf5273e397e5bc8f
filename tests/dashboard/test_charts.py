"""The bars of a chart: in their place, in proportion, and none for nothing."""

from hypothesis import given
from hypothesis import strategies as st

from propylon.dashboard.charts import HEIGHT, WIDTH, nice_top, stacked


def test_a_stack_is_drawn_from_below_in_proportion() -> None:
    picture = stacked([(3, 1), (0, 0)])
    lower, upper = picture.bars
    assert picture.top == 4 or picture.top == 5
    assert lower.y + lower.height == HEIGHT
    assert abs(upper.y + upper.height - lower.y) < 0.02
    assert abs(lower.height - 3 * upper.height) < 0.02


def test_nothing_is_an_empty_picture() -> None:
    assert stacked([]).bars == []
    assert stacked([(0, 0, 0)]) == stacked([(0, 0, 0)] * 1)
    assert stacked([(0,)]).top == 1


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), max_size=50))
def test_every_bar_is_within_the_picture(points: list[tuple[int, int]]) -> None:
    for bar in stacked(points).bars:
        assert bar.y >= -0.01
        assert bar.y + bar.height <= HEIGHT + 0.02
        assert bar.x >= 0
        assert bar.x + bar.width <= WIDTH + 0.02


@given(st.integers(0, 10**15))
def test_the_top_is_never_below_what_is_shown_and_not_much_above(most: int) -> None:
    assert max(most, 1) <= nice_top(most) <= max(3 * most, 1)
