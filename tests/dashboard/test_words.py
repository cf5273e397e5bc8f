"""How numbers and times are written for people."""

import pytest

from propylon.dashboard import words

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1\u202f000"), (1234567, "1\u202f234\u202f567"), (8.25, "8.2"), (None, "–")],
)
def test_a_count_has_thin_spaces(number: float | None, text: str) -> None:
    assert words.count(number) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(0, 0, "0 %"), (1, 4, "25.0 %"), (1, 100_000, "< 0.1 %"), (5, 5, "100.0 %")]
)
def test_a_share_is_never_rounded_to_nothing(part: int, whole: int, text: str) -> None:
    assert words.percent(part, whole) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "never"),
        (-1, "never"),
        (NOW, "now"),
        (NOW - 1, "1 second ago"),
        (NOW - 59, "59 seconds ago"),
        (NOW - 3600, "1 hour ago"),
        (NOW + 86_400 * 9 + 5, "in 9 days"),
    ],
)
def test_a_time_is_told_by_its_distance(at: float, text: str) -> None:
    assert words.ago(at, NOW) == text


@pytest.mark.parametrize(("us", "text"), [(0, "0 µs"), (999, "999 µs"), (1500, "1.5 ms"), (2_500_000, "2.50 s")])
def test_a_latency_has_the_unit_that_fits(us: int, text: str) -> None:
    assert words.latency(us) == text


def test_a_moment_names_its_zone_and_one_after_the_calendar_is_never() -> None:
    assert words.moment(NOW) == "2027-01-15 08:00:00 UTC"
    assert words.moment(1e18) == "never"


def test_a_short_hash_shows_that_it_is_cut() -> None:
    assert words.short_hash("0123456789abcdef") == "0123456789ab…"
    assert words.short_hash("") == ""
