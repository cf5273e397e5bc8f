"""What Prometheus reads is what the lines said."""

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from propylon.telemetry.counters import MEANINGS_OF_CONTROL, Counters
from propylon.telemetry.metrics import Metrics, Of
from propylon.usage.histogram import bucket_end_us, bucket_of
from propylon.usage.line import Cell


def cell(api_id: str = "orders", status: int = 200, count: int = 1) -> Cell:
    return Cell(api_id, "k1", status, "", "", count, 10, 100, {bucket_of(800): count})


def shown(text: bytes) -> dict[tuple[str, ...], float]:
    """By name and labels, these in the order of their names."""
    families = text_string_to_metric_families(text.decode())
    return {
        (one.name, *dict(sorted(one.labels.items())).values()): one.value
        for family in families
        for one in family.samples
    }


def test_each_worker_shows_the_newest_of_its_numbers() -> None:
    metrics = Metrics(bucket_end_us)
    counters = Counters(worker=1, lookups=5, cached_keys=9)
    metrics.observe([], counters.values())
    counters.lookups = 6
    metrics.observe([], counters.values())
    metrics.observe([], Counters(worker=2, exchanges_per_s=0.5).values() | {"unheard_of": 1})
    values = shown(metrics.render())
    assert values["propylon_worker_lookups_total", "1"] == 6
    assert values["propylon_worker_cached_keys", "1"] == 9
    assert values["propylon_worker_lookups_total", "2"] == 0
    assert values["propylon_worker_exchanges_per_s", "2"] == 0.5


def test_a_line_without_numbers_leaves_those_of_before() -> None:
    metrics = Metrics(bucket_end_us)
    metrics.observe([], Counters(worker=0, lookups=5).values())
    metrics.observe([cell()], {})
    values = shown(metrics.render())
    assert values["propylon_worker_lookups_total", "0"] == 5
    assert values["propylon_exchanges_total", "orders", "", "200"] == 1


def test_the_traffic_of_a_fleet_has_names_of_its_own_so_that_nothing_counts_twice() -> None:
    metrics = Metrics(bucket_end_us)
    metrics.observe_fleet([cell(count=7)], Counters(worker=0).values())
    metrics.observe([cell(count=2)], {})
    values = shown(metrics.render())
    assert values["propylon_fleet_exchanges_total", "orders", "", "200"] == 7
    assert values["propylon_exchanges_total", "orders", "", "200"] == 2
    assert ("propylon_worker_lookups_total", "0") not in values


def test_a_node_without_control_shows_nothing_of_it() -> None:
    metrics = Metrics(bucket_end_us, Of("a-node", "gateway", "1.2.3"))
    metrics.observe([cell()], Counters(worker=0).values())
    text = metrics.render()
    assert shown(text)["propylon_node_info", "a-node", "gateway", "1.2.3"] == 1
    assert b"propylon_control" not in text
    assert b"propylon_fleet" not in text
    assert b"lines_lost_total{why" not in text


def test_a_control_process_shows_its_own_numbers_and_what_the_queue_lost() -> None:
    numbers = {name: float(place) for place, name in enumerate(MEANINGS_OF_CONTROL)}
    metrics = Metrics(bucket_end_us, of_control=lambda: numbers)
    metrics.lines_lost(dropped=4, malformed=1)
    values = shown(metrics.render())
    assert {name: values[f"propylon_control_{name}",] for name in numbers} == numbers
    assert values["propylon_usage_lines_lost_total", "dropped"] == 4
    assert values["propylon_usage_lines_lost_total", "malformed"] == 1


def test_a_page_is_what_stood_when_it_was_asked_for() -> None:
    async def scenario() -> tuple[bytes, bytes]:
        metrics = Metrics(bucket_end_us)
        metrics.observe([cell(f"api{number}") for number in range(100)], {})
        as_it_stands = metrics.render()
        asked = asyncio.ensure_future(metrics.page())
        await asyncio.sleep(0)
        metrics.observe([cell(f"api{number}") for number in range(200)], {})
        return as_it_stands, await asked

    as_it_stands, page = asyncio.run(scenario())
    assert page == as_it_stands
