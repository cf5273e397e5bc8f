"""Sums of exchanges under labels that are bounded."""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from propylon.telemetry.traffic import APIS_MAX, OTHER, SERIES_MAX, Traffic
from propylon.usage.histogram import bucket_end_us, bucket_of
from propylon.usage.line import Cell
from tests.telemetry.test_metrics import shown


def cell(api_id: str = "orders", status: int = 200, reason: str = "", count: int = 1, latency_us: int = 800) -> Cell:
    return Cell(api_id, "k1", status, reason, "", count, 10, 100, {bucket_of(latency_us): count})


def values_of(*lines: list[Cell]) -> dict[tuple[str, ...], float]:
    traffic = Traffic(bucket_end_us)
    for line in lines:
        traffic.observe(line)
    return shown(text_of(traffic))


def text_of(traffic: Traffic) -> bytes:
    class Page(Collector):
        def collect(self):
            return traffic.families("p")

    registry = CollectorRegistry()
    registry.register(Page())
    return generate_latest(registry)


def test_exchanges_and_refusals_add_up_over_lines() -> None:
    values = values_of(
        [cell(count=3), cell(status=403, reason="expired", count=2)], [cell(count=4), cell("bills", 403, "expired")]
    )
    assert values["p_exchanges_total", "orders", "", "200"] == 7
    assert values["p_exchanges_total", "bills", "expired", "403"] == 1
    assert values["p_refusals_total", "expired"] == 3
    assert values["p_body_bytes_total", "orders", "out"] == 300


def test_a_latency_counts_below_the_bounds_it_is_below() -> None:
    values = values_of([cell(latency_us=800), cell(latency_us=3_000, count=2), cell(latency_us=60_000_000)])
    below = [values["p_latency_seconds_bucket", "orders", le] for le in ("0.001", "0.0025", "0.005", "30.0")]
    assert below == [1, 1, 3, 3]
    assert values["p_latency_seconds_bucket", "orders", "+Inf"] == 4
    assert values["p_latency_seconds_count", "orders"] == 4
    assert 60 <= values["p_latency_seconds_sum", "orders"] <= 60 * 1.25


def test_what_upstreams_took_and_what_the_gateway_did_stand_apart() -> None:
    traffic = Traffic(bucket_end_us)
    for _ in range(2):
        traffic.observe([cell(count=3)], {"orders": ({bucket_of(3_000): 3}, {bucket_of(90): 2, bucket_of(400): 1})})
    values = shown(text_of(traffic))
    assert values["p_upstream_latency_seconds_count", "orders"] == 6
    assert values["p_upstream_latency_seconds_bucket", "orders", "0.0025"] == 0
    assert values["p_upstream_latency_seconds_bucket", "orders", "0.005"] == 6
    assert values["p_gateway_latency_seconds_bucket", "orders", "0.0001"] == 4
    assert values["p_gateway_latency_seconds_bucket", "orders", "0.0005"] == 6


def test_apis_past_the_bound_share_their_splits_too() -> None:
    traffic = Traffic(bucket_end_us)
    traffic.observe([cell(f"api{number}") for number in range(APIS_MAX)])
    traffic.observe([cell("late"), cell("later")], {"late": ({40: 1}, {8: 1}), "later": ({40: 1}, {8: 1})})
    assert shown(text_of(traffic))["p_upstream_latency_seconds_count", OTHER] == 2


def test_apis_past_the_bound_share_a_series() -> None:
    many = [cell(f"api{number}") for number in range(APIS_MAX + 5)]
    values = values_of(many, [cell("api0")])
    assert values["p_exchanges_total", OTHER, "", "200"] == 5
    assert values["p_exchanges_total", "api0", "", "200"] == 2


def test_statuses_of_upstreams_that_answer_anything_share_a_series_past_the_bound() -> None:
    apis = [f"api{number}" for number in range(-(-SERIES_MAX // 500) + 1)]
    many = [cell(api_id, status) for api_id in apis for status in range(200, 700)]
    values = values_of(many, [cell("api0", 200), cell("bills", 503, "x")])
    assert sum(value for name, value in values.items() if name[0] == "p_exchanges_total") == len(many) + 2
    assert values["p_exchanges_total", "api0", "", "200"] == 2
    assert values["p_exchanges_total", OTHER, "", OTHER] == 500
    assert values["p_exchanges_total", OTHER, "x", OTHER] == 1


def test_a_name_with_quotes_and_line_breaks_stays_a_label() -> None:
    assert values_of([cell('a"b\nc\\')])["p_exchanges_total", 'a"b\nc\\', "", "200"] == 1


def test_a_copy_does_not_grow_with_what_it_was_made_of() -> None:
    traffic = Traffic(bucket_end_us)
    traffic.observe([cell()])
    copied = traffic.copy()
    text = text_of(copied)
    traffic.observe([cell(latency_us=9), cell("bills", 502)])
    assert text_of(copied) == text
