"""Moments and durations as people write them."""

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from propylon.cli.inputs import duration_s, in_words, moment
from propylon.clock import SystemClock

FIRST_OF_2030 = 1_893_456_000


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("15m", 900), ("24h", 86_400), ("7d", 604_800), ("0", 0)]
)
def test_a_duration_is_a_number_and_its_unit(text: str, seconds: int) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "1.5h", "-1h", "1 h", "1w", "1H", "٣h", "9999999999s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        duration_s(text)


@pytest.mark.parametrize(
    "text",
    ["1893456000", "2030-01-01", "2030-01-01T00:00Z", "2030-01-01T02:00:00+02:00", "2030-01-01 00:00"],
)
def test_a_moment_is_unix_seconds_or_a_date_in_utc_unless_it_says_otherwise(text: str) -> None:
    assert moment(text) == FIRST_OF_2030


def test_a_moment_may_be_so_long_from_now() -> None:
    before = int(SystemClock.wall())
    assert before + 86_400 <= moment("+1d") <= int(SystemClock.wall()) + 86_400


@pytest.mark.parametrize("text", ["", "tomorrow", "+", "+-1d", "-5", "2030-13-01", "1e9"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        moment(text)


@given(st.integers(1, 253_402_300_799))
def test_a_moment_in_words_is_read_back_as_the_same(unix: int) -> None:
    assert moment(in_words(unix)) == unix


@pytest.mark.parametrize("never", [0, -1, None, ""])
def test_never_is_said_by_nothing(never: object) -> None:
    assert in_words(never) == ""
