import time

import pytest

from bench.soak.history_run import Tally, Watch
from tests.kit.load import UNANSWERED, UNSENT, Outcome


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def watch(tally: Tally) -> Watch:
    return Watch(tally, b"")


def _now(status: int) -> Outcome:
    at = time.monotonic() + 1.0  # no clock is so coarse
    return Outcome(at, at, status)


@pytest.mark.parametrize(("granted", "status"), [(True, 200), (False, 401), (False, 403), (False, 404)])
def test_the_right_answer_is_judged_and_not_stale(watch: Watch, tally: Tally, granted: bool, status: int) -> None:
    watch.begin(granted=granted)
    watch.outcomes.append(_now(status))
    watch.end()
    assert (tally.judged[granted], tally.stale) == (1, 0)


@pytest.mark.parametrize(("granted", "status"), [(True, 403), (False, 200), (True, 502), (False, 502), (False, 500)])
def test_any_other_answer_is_stale_also_one_that_says_neither(
    watch: Watch, tally: Tally, granted: bool, status: int
) -> None:
    watch.begin(granted=granted)
    watch.outcomes.append(_now(status))
    watch.end()
    assert (tally.judged[granted], tally.stale) == (1, 1)


@pytest.mark.parametrize("status", [503, UNANSWERED, UNSENT])
def test_what_decided_nothing_is_counted_and_not_judged(watch: Watch, tally: Tally, status: int) -> None:
    watch.begin(granted=True)
    watch.outcomes.append(_now(status))
    watch.end()
    assert (sum(tally.judged.values()), tally.stale, tally.answers[status]) == (0, 0, 1)


def test_what_was_sent_before_the_answer_of_a_write_is_not_judged(watch: Watch, tally: Tally) -> None:
    sent = time.monotonic()
    watch.begin(granted=False)
    watch.outcomes.append(Outcome(sent, time.monotonic(), 200))
    watch.end()
    assert sum(tally.judged.values()) == 0


def test_what_is_answered_while_a_write_is_under_way_is_not_judged(watch: Watch, tally: Tally) -> None:
    watch.begin(granted=True)
    watch.end()
    watch.outcomes.append(_now(403))
    watch.end()
    assert sum(tally.judged.values()) == 0


def test_a_grant_without_a_moment_of_its_own_begins_with_the_end_of_the_first_request_let_in(
    watch: Watch, tally: Tally
) -> None:
    watch.outcomes += [Outcome(1.0, 1.5, 200), Outcome(2.5, 3.0, 403)]
    assert not watch.begin_when_let_in(2.0)
    watch.outcomes += [Outcome(4.0, 5.0, 200), Outcome(4.5, 5.5, 403), Outcome(6.0, 7.0, 403)]
    assert watch.begin_when_let_in(2.0)
    watch.end()
    assert (tally.judged[True], tally.stale) == (1, 1)


def test_a_kind_is_whole_when_requests_were_judged_on_both_sides(watch: Watch, tally: Tally) -> None:
    watch.begin(granted=True)
    watch.outcomes.append(_now(200))
    watch.end()
    assert not tally.is_whole
    watch.begin(granted=False)
    watch.outcomes.append(_now(403))
    watch.end()
    assert tally.is_whole
