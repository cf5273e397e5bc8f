"""`docs/operations.md` names every metric that is shown, and none that is not."""

import re
from pathlib import Path

from propylon.telemetry.counters import MEANINGS_OF_CONTROL, Counters
from propylon.telemetry.metrics import Metrics, Of
from propylon.usage.histogram import bucket_end_us
from propylon.usage.line import Cell

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
CELL = Cell("orders", "k1", 403, "expired", "", 1, 10, 100, {40: 1})
SPLITS = {"orders": ({40: 1}, {8: 1})}


def shown() -> set[str]:
    metrics = Metrics(bucket_end_us, Of("n", "all", "1"), lambda: dict.fromkeys(MEANINGS_OF_CONTROL, 0.0))
    of_usage = dict.fromkeys(("usage_lines_lost", "usage_lines_waiting", "usage_tags_other", "recordings_not_kept"), 0)
    metrics.observe([CELL], {**Counters(0).values(), **of_usage}, SPLITS)
    metrics.observe_fleet([CELL], {}, SPLITS)
    return set(re.findall(r"^# TYPE (\w+) ", metrics.render().decode(), re.MULTILINE))


def test_the_table_has_a_row_for_each_metric_and_none_for_others() -> None:
    rows = re.findall(r"^\| `(propylon_\w+)` \|", PAGE, re.MULTILINE)
    assert len(rows) == len(set(rows))
    assert set(rows) == shown()


def test_an_alert_speaks_of_metrics_that_are_there() -> None:
    alerts = PAGE.partition("### What to be told of")[2].partition("\n## ")[0]
    named = set(re.findall(r"propylon_\w+", alerts))
    assert len(named) > 5
    assert not named - shown()
