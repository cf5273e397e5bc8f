"""The simulated fleet keeps the books: what is asked is served while there is room, and more share a call where not."""

import pytest

from bench.fleet_model import BATCH_MAX, Costs, Load, simulate

COSTS = Costs(request_us=80, call_us=50, charge_us=5, redis_call_us=40, redis_charge_us=10, one_way_us=20)


def test_what_is_asked_is_served_while_there_is_room() -> None:
    outcome = simulate(COSTS, 4, Load(1_000), 2.0)
    assert outcome.requests_per_s == pytest.approx(4_000, rel=0.05)
    assert outcome.redis_busy < 1


def test_redis_is_as_busy_as_its_calls_and_charges_make_it() -> None:
    outcome = simulate(COSTS, 4, Load(1_000), 2.0)
    of_a_request = outcome.calls_per_request * COSTS.redis_call_us + COSTS.redis_charge_us
    assert outcome.redis_busy == pytest.approx(outcome.requests_per_s * of_a_request / 1e6, rel=0.02)


def test_a_request_that_comes_alone_has_a_call_of_its_own_and_waits_for_nothing_else() -> None:
    outcome = simulate(COSTS, 1, Load(10), 20.0)
    assert outcome.calls_per_request == pytest.approx(1, abs=0.05)
    alone = COSTS.call_us + COSTS.charge_us + COSTS.redis_call_us + COSTS.redis_charge_us + 2 * COSTS.one_way_us
    assert outcome.wait_p50_us == pytest.approx(alone)


def test_the_more_there_is_to_do_the_more_share_a_call() -> None:
    calls = [simulate(COSTS, 8, Load(rate), 0.5).calls_per_request for rate in (100, 2_000, 4_000, 8_000)]
    assert calls == sorted(calls, reverse=True)
    assert calls[-1] < calls[0] / 2
    assert calls[-1] >= 1 / BATCH_MAX


def test_requests_that_begin_on_the_ticks_of_a_clock_share_calls() -> None:
    smooth, ticking = (
        simulate(COSTS, 1, Load(3_000, tick_us=tick_us), 2.0).calls_per_request for tick_us in (0, 1_000)
    )
    assert ticking < smooth * 0.7


def test_a_full_worker_does_as_much_as_its_time_allows() -> None:
    outcome = simulate(COSTS, 1, Load(0, connections=32), 1.0)
    of_a_request = COSTS.request_us + COSTS.charge_us + COSTS.call_us * outcome.calls_per_request
    assert outcome.worker_busy == pytest.approx(1, abs=0.02)
    assert outcome.requests_per_s == pytest.approx(1e6 / of_a_request, rel=0.02)


def test_what_shares_the_core_of_redis_takes_its_part_of_it() -> None:
    apart, together = (
        simulate(COSTS._replace(beside_us=beside_us), 1, Load(0, connections=32), 1.0) for beside_us in (0, 100)
    )
    assert together.requests_per_s < apart.requests_per_s
    assert together.redis_busy == pytest.approx(1, abs=0.02)


def test_calls_without_a_request_take_their_time_of_redis() -> None:
    idle, busy = (simulate(COSTS._replace(background_per_s=per_s), 10, Load(100), 1.0).redis_busy for per_s in (0, 500))
    assert busy - idle == pytest.approx(10 * 500 * COSTS.redis_call_us / 1e6, rel=0.1)


def test_the_same_chance_gives_the_same_fleet() -> None:
    assert simulate(COSTS, 3, Load(500), 1.0, seed=7) == simulate(COSTS, 3, Load(500), 1.0, seed=7)
