"""What wrk is told and what is read of its answer."""

import pytest

from bench.load import Outcome, mean_delay_ms, parse_outcome
from bench.processes import NotRun

OUTCOME = """Running 2s test
OUTCOME {"requests": 500, "seconds": 2.0, "p50_ms": 0.4, "p99_ms": 1.1, "refused": 3, "broken": 0}
"""


def test_outcome_is_found_between_wrks_own_lines() -> None:
    assert parse_outcome(OUTCOME) == Outcome(500, 2.0, 0.4, 1.1, 3, 0)


def test_rate_is_requests_by_seconds() -> None:
    assert parse_outcome(OUTCOME).rate_per_s == 250


def test_output_without_an_outcome_is_not_a_result() -> None:
    with pytest.raises(NotRun, match="unable to connect"):
        parse_outcome("unable to connect to 127.0.0.1:1 Connection refused\n")


def test_each_connection_waits_its_share_of_the_rate() -> None:
    assert mean_delay_ms(rate_per_s=10_000, connections=128) == pytest.approx(12.8)


def test_load_without_a_rate_does_not_wait() -> None:
    assert mean_delay_ms(rate_per_s=0, connections=128) == 0
