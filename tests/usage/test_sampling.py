"""How many are logged, and that entries add up to what was seen."""

import pytest

from propylon.usage.sampling import Sampling


def entries(sampling: Sampling, seen: int) -> list[int]:
    return [represented for _ in range(seen) if (represented := sampling.stands_for())]


@pytest.mark.parametrize("spread", [True, False])
@pytest.mark.parametrize("rates", [[5], [10_000], [0, 10_000], [99, 99, 99], [3, 700, 0, 41]])
def test_no_second_has_more_entries_than_allowed(rates: list[int], *, spread: bool) -> None:
    sampling = Sampling(50)
    for rate in rates:
        assert len(entries(sampling, rate)) <= 50
        sampling.next_second(spread=spread)


def test_few_exchanges_are_all_logged() -> None:
    assert entries(Sampling(50), 50) == [1] * 50


def test_at_a_steady_rate_entries_are_spread_over_the_second() -> None:
    sampling = Sampling(50)
    entries(sampling, 5_000)
    sampling.next_second(spread=True)
    assert entries(sampling, 5_000)[1:] == [100] * 49


def test_unspread_the_first_of_a_second_are_logged() -> None:
    sampling = Sampling(2)
    entries(sampling, 1_000)
    sampling.next_second(spread=False)
    assert entries(sampling, 3) == [999, 1]


def test_entries_stand_for_every_exchange_up_to_the_last_one_logged() -> None:
    sampling = Sampling(10)
    stood_for = 0
    for rate in (7, 1_000, 33, 0, 4):
        stood_for += sum(entries(sampling, rate))
        sampling.next_second(spread=False)
    assert stood_for == 7 + 1_000 + 33 + 4


def test_none_allowed_logs_none() -> None:
    sampling = Sampling(0)
    assert entries(sampling, 100) == []
    sampling.next_second(spread=True)
    assert entries(sampling, 100) == []
