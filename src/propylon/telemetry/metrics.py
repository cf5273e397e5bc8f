"""What one process shows to Prometheus: the traffic and the workers of its node, and its own numbers if it controls.

Fed by lines of usage, so it costs the workers nothing. Of a fleet, the traffic of all nodes stands under other names
(`propylon_fleet_…`): whoever asks the nodes and the control process counts nothing twice.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from propylon.telemetry.counters import MEANINGS, MEANINGS_OF_CONTROL, Meaning
from propylon.telemetry.traffic import NO_SPLITS, CellValues, Splits, Traffic, counter

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Of(NamedTuple):
    """Whose metrics they are."""

    node: str
    role: str
    version: str


def _of_no_control() -> Mapping[str, float]:
    return {}


class Metrics:
    """One per process that answers for a node. Counts since that process started.

    `of_control` has the numbers of the control process, by the names of MEANINGS_OF_CONTROL.
    """

    def __init__(
        self,
        bucket_end_us: Callable[[int], int],
        of: Of | None = None,
        of_control: Callable[[], Mapping[str, float]] = _of_no_control,
    ) -> None:
        self._of = of
        self._of_control = of_control
        self._bucket_end_us = bucket_end_us
        self._node = Traffic(bucket_end_us)
        self._fleet: Traffic | None = None  # until a line of it was observed
        self._workers: dict[str, Mapping[str, float]] = {}
        self._lost = {"dropped": 0, "malformed": 0}

    def observe(self, cells: Sequence[CellValues], gauges: Mapping[str, float], splits: Splits = NO_SPLITS) -> None:
        """One line of usage of this node."""
        self._node.observe(cells, splits)
        if (worker := gauges.get("worker")) is not None:
            self._workers[f"{worker:g}"] = gauges

    def observe_fleet(
        self, cells: Sequence[CellValues], gauges: Mapping[str, float], splits: Splits = NO_SPLITS
    ) -> None:
        """One line of usage of any node; the numbers of its worker are shown by that node."""
        if self._fleet is None:
            self._fleet = Traffic(self._bucket_end_us)
        self._fleet.observe(cells, splits)

    def lines_lost(self, *, dropped: int, malformed: int) -> None:
        """What `Drain` says of the queue."""
        self._lost = {"dropped": dropped, "malformed": malformed}

    @property
    def workers(self) -> Mapping[str, Mapping[str, float]]:
        """The newest numbers of each worker of this node, by its slot."""
        return self._workers

    def render(self) -> bytes:
        """In Prometheus' text format."""
        return _text(self._page())

    async def page(self) -> bytes:
        """The same made in a thread: the text of a thousand APIs takes a tenth of a second."""
        return await asyncio.to_thread(_text, self._page())

    def _page(self) -> "_Page":
        lost = {(why,): count for why, count in self._lost.items()}
        of_control = dict(self._of_control())
        fleet = None if self._fleet is None else self._fleet.copy()
        return _Page(self._of, self._node.copy(), fleet, dict(self._workers), lost, of_control)


class _Page(NamedTuple):
    """All that is shown, as it stood at one moment."""

    of: Of | None
    node: Traffic
    fleet: Traffic | None
    workers: dict[str, Mapping[str, float]]
    lost: dict[tuple[str], int]
    of_control: dict[str, float]

    def families(self) -> Iterator[Metric]:
        if self.of is not None:
            yield InfoMetricFamily("propylon_node", "What answers here.", value=self.of._asdict())
        yield from self.node.families("propylon")
        if self.fleet is not None:
            yield from self.fleet.families("propylon_fleet")
        if self.of_control:
            yield counter("propylon_usage_lines_lost", "Lines of usage not added up.", ("why",), self.lost.items())
        for name, meaning in MEANINGS.items():
            yield _family(f"propylon_worker_{name}", meaning, self._of_workers(name))
        for name, number in self.of_control.items():
            yield _family(f"propylon_control_{name}", MEANINGS_OF_CONTROL[name], {"": number})

    def _of_workers(self, name: str) -> dict[str, float]:
        return {worker: numbers[name] for worker, numbers in sorted(self.workers.items()) if name in numbers}


class _Pages(Collector):
    def __init__(self, page: _Page) -> None:
        self._page = page

    def collect(self) -> Iterator[Metric]:
        return self._page.families()


def _text(page: _Page) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Pages(page))
    return generate_latest(registry)


def _family(name: str, meaning: Meaning, numbers: Mapping[str, float]) -> Metric:
    """`numbers` by worker, "" without that label."""
    kind = CounterMetricFamily if meaning.kind == "counter" else GaugeMetricFamily
    family = kind(name, meaning.text, labels=[] if "" in numbers else ["worker"])
    for worker, number in numbers.items():
        family.add_metric([worker] if worker else [], number)
    return family
