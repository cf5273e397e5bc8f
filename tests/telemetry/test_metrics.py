"""What Prometheus reads is what the lines said."""

from prometheus_client.parser import text_string_to_metric_families

from propylon.telemetry import metrics as metrics_module
from propylon.telemetry.counters import Counters
from propylon.telemetry.metrics import Metrics
from propylon.usage.histogram import bucket_end_us, bucket_of
from propylon.usage.line import Cell


def cell(api_id: str = "orders", status: int = 200, reason: str = "", count: int = 1, latency_us: int = 800) -> Cell:
    return Cell(api_id, "k1", status, reason, "", count, 10, 100, {bucket_of(latency_us): count})


def shown(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """By name and labels, these in the order of their names."""
    families = text_string_to_metric_families(metrics.render().decode())
    return {
        (one.name, *dict(sorted(one.labels.items())).values()): one.value
        for family in families
        for one in family.samples
    }


def test_exchanges_and_refusals_add_up_over_lines() -> None:
    metrics = Metrics(bucket_end_us)
    metrics.observe([cell(count=3), cell(status=403, reason="expired", count=2)], {})
    metrics.observe([cell(count=4), cell("bills", 403, "expired", count=1)], {})
    values = shown(metrics)
    assert values["propylon_exchanges_total", "orders", "", "200"] == 7
    assert values["propylon_exchanges_total", "bills", "expired", "403"] == 1
    assert values["propylon_refusals_total", "expired"] == 3
    assert values["propylon_body_bytes_total", "orders", "out"] == 300


def test_a_latency_counts_below_the_bounds_it_is_below() -> None:
    metrics = Metrics(bucket_end_us)
    metrics.observe([cell(latency_us=800), cell(latency_us=3_000, count=2), cell(latency_us=60_000_000)], {})
    values = shown(metrics)
    below = [values["propylon_latency_seconds_bucket", "orders", le] for le in ("0.001", "0.0025", "0.005", "30.0")]
    assert below == [1, 1, 3, 3]
    assert values["propylon_latency_seconds_bucket", "orders", "+Inf"] == 4
    assert values["propylon_latency_seconds_count", "orders"] == 4
    assert 60 <= values["propylon_latency_seconds_sum", "orders"] <= 60 * 1.25


def test_each_worker_shows_the_newest_of_its_numbers() -> None:
    metrics = Metrics(bucket_end_us)
    counters = Counters(worker=1, lookups=5, cached_keys=9)
    metrics.observe([], counters.values())
    counters.lookups = 6
    metrics.observe([], counters.values())
    metrics.observe([], Counters(worker=2).values() | {"unheard_of": 1})
    values = shown(metrics)
    assert values["propylon_worker_lookups_total", "1"] == 6
    assert values["propylon_worker_cached_keys", "1"] == 9
    assert values["propylon_worker_lookups_total", "2"] == 0


def test_lines_that_were_lost_are_shown() -> None:
    metrics = Metrics(bucket_end_us)
    metrics.lines_lost(dropped=4, malformed=1)
    values = shown(metrics)
    assert values["propylon_usage_lines_lost_total", "dropped"] == 4
    assert values["propylon_usage_lines_lost_total", "malformed"] == 1


def test_apis_past_the_bound_share_a_series() -> None:
    metrics = Metrics(bucket_end_us)
    metrics.observe([cell(f"api{number}") for number in range(metrics_module.APIS_MAX + 5)], {})
    metrics.observe([cell("api0")], {})
    values = shown(metrics)
    assert values["propylon_exchanges_total", metrics_module.OTHER, "", "200"] == 5
    assert values["propylon_exchanges_total", "api0", "", "200"] == 2


def test_a_name_with_quotes_and_line_breaks_stays_a_label() -> None:
    metrics = Metrics(bucket_end_us)
    metrics.observe([cell('a"b\nc\\')], {})
    assert shown(metrics)["propylon_exchanges_total", 'a"b\nc\\', "", "200"] == 1
