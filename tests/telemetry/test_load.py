"""How busy a process is, from its totals."""

from propylon.telemetry.load import LATELY_S, Load


def test_the_rate_is_that_of_the_last_ten_seconds() -> None:
    load = Load()
    assert [load.note(float(second), 100 * second) for second in range(30)][-1] == 100.0
    idle = [load.note(float(second), 2_900) for second in range(30, 30 + LATELY_S)]
    assert idle == [90.0, 80.0, 70.0, 60.0, 50.0, 40.0, 30.0, 20.0, 10.0, 0.0]


def test_before_ten_seconds_are_over_it_is_that_of_the_time_so_far() -> None:
    load = Load()
    assert [load.note(7.0, 0), load.note(9.0, 3)] == [0.0, 1.5]


def test_two_looks_at_the_same_moment_divide_by_nothing() -> None:
    load = Load()
    assert [load.note(7.0, 5), load.note(7.0, 5)] == [0.0, 0.0]
