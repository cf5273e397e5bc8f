"""What the control process shows to Prometheus: the exchanges of all workers since it started, and their counters.

Fed by the drain, so it costs the workers nothing. Kept as plain sums that become metrics when somebody asks.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from propylon.telemetry.counters import MEANINGS, Meaning

BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
APIS_MAX: Final = 1_000  # with series of their own
OTHER: Final = "other"

# As in usage/line.py: API, identity, status, reason, endpoint, count, bytes in, bytes out, latencies.
CellValues = tuple[str, str, int, str, str, int, int, int, Mapping[int, int]]


class Metrics(Collector):
    """One per control process. `bucket_end_us` says where a bucket of a latency histogram ends."""

    def __init__(self, bucket_end_us: Callable[[int], int]) -> None:
        self._bucket_end_us = bucket_end_us
        self._apis: set[str] = set()
        self._exchanges: Counter[tuple[str, str, str]] = Counter()  # API, status, reason
        self._bytes: Counter[tuple[str, str]] = Counter()  # API, direction
        self._latencies: dict[str, Counter[int]] = {}  # API to buckets
        self._workers: dict[str, Mapping[str, int]] = {}
        self._lines = {"dropped": 0, "malformed": 0}
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def observe(self, cells: Sequence[CellValues], gauges: Mapping[str, int]) -> None:
        """One line of usage."""
        for api_id, _, status, reason, _, count, bytes_in, bytes_out, latencies in cells:
            api = self._bounded(api_id)
            self._exchanges[api, str(status), reason] += count
            self._bytes[api, "in"] += bytes_in
            self._bytes[api, "out"] += bytes_out
            self._latencies.setdefault(api, Counter()).update(latencies)
        if (worker := gauges.get("worker")) is not None:
            self._workers[str(worker)] = gauges

    def lines_lost(self, *, dropped: int, malformed: int) -> None:
        """What `Drain` says of the queue."""
        self._lines = {"dropped": dropped, "malformed": malformed}

    def render(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        yield _counter(
            "propylon_exchanges", "Exchanges that ended.", ("api", "status", "reason"), self._exchanges.items()
        )
        yield _counter("propylon_refusals", "Exchanges refused or failed.", ("reason",), self._refusals().items())
        yield _counter("propylon_body_bytes", "Bytes of bodies.", ("api", "direction"), self._bytes.items())
        yield self._latency()
        lines = {(why,): count for why, count in self._lines.items()}
        yield _counter("propylon_usage_lines_lost", "Lines of usage not added up.", ("why",), lines.items())
        for name, meaning in MEANINGS.items():
            yield self._of_workers(name, meaning)

    def _bounded(self, api_id: str) -> str:
        if api_id not in self._apis and len(self._apis) >= APIS_MAX:
            return OTHER
        self._apis.add(api_id)
        return api_id

    def _refusals(self) -> Counter[tuple[str]]:
        refusals: Counter[tuple[str]] = Counter()
        for (_, _, reason), count in self._exchanges.items():
            if reason:
                refusals[reason,] += count
        return refusals

    def _latency(self) -> Metric:
        family = HistogramMetricFamily(
            "propylon_latency_seconds", "From request head to end of answer.", labels=["api"]
        )
        for api, buckets in self._latencies.items():
            family.add_metric([api], *self._histogram(buckets))
        return family

    def _histogram(self, buckets: Mapping[int, int]) -> tuple[list[tuple[str, float]], float]:
        """A bucket counts as below a bound if it ends there; so none is shown faster than it was."""
        ends = [(self._bucket_end_us(bucket) / 1e6, count) for bucket, count in buckets.items()]
        below: list[tuple[str, float]] = [
            (str(bound), sum(count for end, count in ends if end <= bound)) for bound in BOUNDS_S
        ]
        return [*below, ("+Inf", sum(buckets.values()))], sum(end * count for end, count in ends)

    def _of_workers(self, name: str, meaning: Meaning) -> Metric:
        kind = CounterMetricFamily if meaning.kind == "counter" else GaugeMetricFamily
        family = kind(f"propylon_worker_{name}", meaning.text, labels=["worker"])
        for worker, values in self._workers.items():
            if name in values:
                family.add_metric([worker], values[name])
        return family


def _counter(name: str, text: str, labels: Iterable[str], sums: Iterable[tuple[tuple[str, ...], int]]) -> Metric:
    family = CounterMetricFamily(name, text, labels=list(labels))
    for values, number in sums:
        family.add_metric(list(values), number)
    return family
