"""What exchanges add up to, as sums that become metrics when somebody asks. Knows neither workers nor queues.

Every label is bounded: APIs by APIS_MAX; API, status and reason together by SERIES_MAX, as an upstream may answer with
any status. Whatever comes beyond is counted as `other`, so that totals stay whole.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
APIS_MAX: Final = 1_000  # with series of their own
SERIES_MAX: Final = 10_000  # of API, status and reason
OTHER: Final = "other"

# As in usage/line.py: API, identity, status, reason, endpoint, count, bytes in, bytes out, latencies.
CellValues = tuple[str, str, int, str, str, int, int, int, Mapping[int, int]]


class Traffic:
    """The exchanges of one node, or of a whole fleet. `bucket_end_us` says where a bucket of a histogram ends."""

    def __init__(self, bucket_end_us: Callable[[int], int]) -> None:
        self._bucket_end_us = bucket_end_us
        self._apis: set[str] = set()
        self._exchanges: Counter[tuple[str, str, str]] = Counter()  # API, status, reason
        self._bytes: Counter[tuple[str, str]] = Counter()  # API, direction
        self._latencies: dict[str, Counter[int]] = {}  # API to buckets

    def observe(self, cells: Sequence[CellValues]) -> None:
        """Those of one line of usage."""
        for api_id, _, status, reason, _, count, bytes_in, bytes_out, latencies in cells:
            api = self._bounded(api_id)
            self._exchanges[self._series(api, str(status), reason)] += count
            self._bytes[api, "in"] += bytes_in
            self._bytes[api, "out"] += bytes_out
            self._latencies.setdefault(api, Counter()).update(latencies)

    def copy(self) -> "Traffic":
        """As it stands: 2 ms for a thousand APIs."""
        copied = Traffic(self._bucket_end_us)
        copied._apis = set(self._apis)
        copied._exchanges = self._exchanges.copy()
        copied._bytes = self._bytes.copy()
        copied._latencies = {api: buckets.copy() for api, buckets in self._latencies.items()}
        return copied

    def families(self, prefix: str) -> Iterator[Metric]:
        labels = ("api", "status", "reason")
        yield counter(f"{prefix}_exchanges", "Exchanges that ended.", labels, self._exchanges.items())
        yield counter(f"{prefix}_refusals", "Exchanges refused or failed.", ("reason",), self._refusals().items())
        yield counter(f"{prefix}_body_bytes", "Bytes of bodies.", ("api", "direction"), self._bytes.items())
        yield self._latency(f"{prefix}_latency_seconds")

    def _bounded(self, api_id: str) -> str:
        if api_id not in self._apis and len(self._apis) >= APIS_MAX:
            return OTHER
        self._apis.add(api_id)
        return api_id

    def _series(self, api: str, status: str, reason: str) -> tuple[str, str, str]:
        series = (api, status, reason)
        if series in self._exchanges or len(self._exchanges) < SERIES_MAX:
            return series
        return (OTHER, OTHER, reason)

    def _refusals(self) -> Counter[tuple[str]]:
        refusals: Counter[tuple[str]] = Counter()
        for (_, _, reason), count in self._exchanges.items():
            if reason:
                refusals[reason,] += count
        return refusals

    def _latency(self, name: str) -> Metric:
        family = HistogramMetricFamily(name, "From request head to end of answer.", labels=["api"])
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


def counter(name: str, text: str, labels: Iterable[str], sums: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    family = CounterMetricFamily(name, text, labels=list(labels))
    for values, number in sums:
        family.add_metric(list(values), number)
    return family
