"""The bench's tables: ratios within a round, medians over rounds, and no figure for what was not run."""

import pytest

from bench.table import Goal, Result, Sample, budgets, goals_table, notes_list, p99_added_ms, ratio, results_table


def result(*cpu_us: float, title: str = "row") -> Result:
    return Result(title, tuple(Sample(cpu, 1000, 1.0, cpu / 10) for cpu in cpu_us))


def goal_of(what: str, results: dict[str, Result]) -> float | None:
    return next(goal.measured for goal in budgets(results) if goal.what.startswith(what))


def test_ratio_is_taken_within_each_round_so_that_a_slow_round_cancels_out() -> None:
    slow_middle = {"nginx": result(10, 30, 20), "jwt": result(20, 30, 60)}
    assert ratio(slow_middle, "jwt") == 2.0, "of 2, 1 and 3; the ratio of the medians would be 1.5"


def test_ratio_is_the_median_of_the_rounds() -> None:
    assert ratio({"nginx": result(10, 10, 10), "jwt": result(15, 20, 90)}, "jwt") == 2.0


@pytest.mark.parametrize(
    "results",
    [{}, {"jwt": result(20)}, {"jwt": result(20), "nginx": Result("nginx", (), "not installed")}],
    ids=["nothing ran", "no yardstick", "the yardstick did not run"],
)
def test_no_ratio_without_both_rows(results: dict[str, Result]) -> None:
    assert ratio(results, "jwt") is None


def test_added_p99_is_the_difference_within_a_round() -> None:
    assert p99_added_ms({"half": result(20, 50), "nginx-half": result(10, 30)}, "half", "nginx-half") == pytest.approx(
        1.5
    )


def test_table_names_the_median_the_spread_the_ratio_and_how_busy_the_core_was() -> None:
    table = results_table({"nginx": result(10, 12, 20, title="bare")})
    assert table.splitlines()[-1] == "| bare | 12.0 (10.0–20.0) | 1.00 | 1,000 | 1.00 | 1.20 | 1 % |"


def test_row_that_did_not_run_shows_its_reason_and_no_figure() -> None:
    table = results_table({"haproxy": Result("HAProxy", (), "not\ninstalled | at all")})
    assert table.splitlines()[-1] == "| HAProxy | not run: not installed \\| at all | | | | | |"


def test_every_line_of_the_table_has_as_many_cells() -> None:
    table = results_table({"nginx": result(10), "haproxy": Result("HAProxy", (), "not installed")})
    assert {line.count("|") for line in table.splitlines()} == {8}


@pytest.mark.parametrize(
    ("measured", "ends_with"),
    [(1.99, "1.99 × | met |"), (2.01, "2.01 × | **missed** |"), (None, "– | not measured |")],
)
def test_goal_says_whether_it_is_met(measured: float | None, ends_with: str) -> None:
    assert goals_table([Goal("CPU", 2.0, "×", measured)]).endswith(ends_with)


def test_fresh_token_budget_counts_what_is_added_to_the_cached_one() -> None:
    assert goal_of("fresh RS256", {"rs256": result(30, 30), "rs256-fresh": result(70, 72)}) == 41


def test_limits_budget_is_held_against_keyless() -> None:
    assert goal_of("the same, CPU against keyless", {"keyless": result(20), "jwt-limits": result(25)}) == 1.25


def test_notes_name_their_row() -> None:
    results = {"flood": Result("flood", (), notes=("reached 9,800/s", "reached 9,700/s"))}
    assert notes_list(results) == "- flood: reached 9,800/s\n- flood: reached 9,700/s"
