"""What a node's workers leave for the one that answers for all of them."""

import asyncio
import json

import pytest

from propylon.usage.folding import Folding, LogLimits
from propylon.usage.histogram import bucket_of
from propylon.usage.line import Cell
from propylon.usage.node_lines import NodeFigures, NodeLines
from propylon.usage.split import Split
from tests.kit.clock import FakeClock
from tests.usage.exchanges import QueueInMemory, exchange, forwarded

LIMITS = LogLimits(50, 200)


class Worker:
    """A worker whose queue of usage and whose node's own queue are apart."""

    def __init__(self) -> None:
        self.shared, self.own = QueueInMemory(), QueueInMemory()
        self.numbers: dict[str, float] = {"worker": 0}
        self.usage = Folding(
            self.shared, FakeClock(), LIMITS, lambda: dict(self.numbers), node_lines=NodeLines(self.own)
        )

    def told(self) -> tuple[list[Cell], dict[str, float]]:
        """What whoever answers for the node has been told so far, by a fresh one: cells, and the newest numbers."""
        cells: list[Cell] = []
        numbers: dict[str, float] = {}
        figures = NodeFigures(self.own, lambda more, gauges, splits: (cells.extend(more), numbers.update(gauges)))
        asyncio.run(figures.run_once())
        return cells, numbers


def test_callers_and_endpoints_are_left_out_and_no_exchange_is_lost() -> None:
    worker = Worker()
    for number in range(40):
        worker.usage.record(exchange(record=f"k{number}", endpoint=f"/{number}"))
    worker.usage.record(exchange(status=403, reason="expired"))
    asyncio.run(worker.usage.flush())
    cells, numbers = worker.told()
    assert cells == [
        Cell("orders", "", 200, "", "", 40, 400, 4_000, {0: 40}),
        Cell("orders", "", 403, "expired", "", 1, 10, 100, {0: 1}),
    ]
    assert numbers["worker"] == 0
    assert len(worker.shared.parsed()[0].cells) == 41


def test_where_the_time_went_is_told_by_api() -> None:
    worker = Worker()
    for number in range(3):
        worker.usage.record(forwarded(exchange(record=f"k{number}"), upstream_s=0.5, gateway_s=0.25))
    worker.usage.record(forwarded(exchange("bills"), upstream_s=0.25, gateway_s=0.0))
    worker.usage.record(exchange(status=403, reason="expired"))
    asyncio.run(worker.usage.flush())
    told: dict[str, Split] = {}
    asyncio.run(NodeFigures(worker.own, lambda cells, gauges, splits: told.update(splits)).run_once())
    assert told == {
        "orders": Split({bucket_of(500_000): 3}, {bucket_of(250_000): 3}),
        "bills": Split({bucket_of(250_000): 1}, {0: 1}),
    }
    assert worker.shared.parsed()[0].splits == told


def test_while_the_shared_queue_is_away_the_node_still_knows_all_of_it() -> None:
    worker = Worker()
    worker.shared.away = True
    for away in range(3):
        worker.numbers["stores_away"] = away
        worker.usage.record(exchange())
        with pytest.raises(Exception, match="away"):
            asyncio.run(worker.usage.flush())
    worker.numbers["lookups"] = 7
    with pytest.raises(Exception, match="away"):
        asyncio.run(worker.usage.flush())
    cells, numbers = worker.told()
    assert sum(cell.exchanges for cell in cells) == 3
    assert (numbers["stores_away"], numbers["lookups"], numbers["usage_lines_waiting"]) == (2, 7, 3)


def test_an_idle_worker_with_nothing_new_leaves_nothing() -> None:
    worker = Worker()
    for _ in range(3):
        asyncio.run(worker.usage.flush())
    assert len(worker.own.lines) == 1


def test_a_queue_of_the_node_that_fails_costs_figures_and_no_usage(caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker()
    worker.own.away = True
    worker.usage.record(exchange())
    asyncio.run(worker.usage.flush())
    assert len(worker.shared.parsed()[0].cells) == 1
    assert "figures are lost" in caplog.text


def test_a_damaged_line_is_left_out_and_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker()
    worker.own.lines += [b"{", json.dumps({"minute": 1, "cells": [], "log": [], "gauges": {"worker": 3}}).encode()]
    assert worker.told() == ([], {"worker": 3})
    assert not worker.own.lines
    assert "left out" in caplog.text


def test_more_lines_than_are_taken_at_once_are_all_told() -> None:
    worker = Worker()
    for number in range(120):
        worker.numbers["lookups"] = number
        asyncio.run(worker.usage.flush())
    assert worker.told()[1]["lookups"] == 119
    assert not worker.own.lines
