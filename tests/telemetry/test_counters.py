"""Every number that travels has a meaning, and none is named that does not travel."""

from propylon.telemetry.counters import MEANINGS, Counters


def test_a_worker_s_numbers_are_its_own() -> None:
    counters = Counters(worker=2)
    counters.lookups += 3
    assert counters.values()["lookups"] == 3
    assert counters.values()["worker"] == 2


def test_each_number_has_a_meaning() -> None:
    travels = Counters(worker=0).values().keys() - {"worker"}
    assert (
        travels | {"usage_lines_lost", "usage_lines_waiting", "usage_tags_other", "recordings_not_kept"}
        == MEANINGS.keys()
    )
