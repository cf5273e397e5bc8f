"""Spans wait within a bound, and every one of them is counted as sent or as lost."""

import asyncio
import logging
import threading
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import SpanContext, TraceFlags

from propylon.telemetry.span_export import BATCH_SPANS, SPANS_WAITING_MAX, SpanExport
from tests.kit.waiting import eventually

SPAN = ReadableSpan("GET", SpanContext(1, 1, False, TraceFlags(1)), resource=Resource({}))


class Exporter(SpanExporter):
    """Takes spans, or says why not, or hangs until it is released."""

    def __init__(self) -> None:
        self.trouble = ""
        self.goes_on = threading.Event()
        self.goes_on.set()
        self.exporting = threading.Event()
        self.batches: list[int] = []
        self.is_shut = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.exporting.set()
        self.goes_on.wait(30)
        if self.trouble:
            logging.getLogger("opentelemetry.somewhere").warning("%s, retrying", self.trouble)
            logging.getLogger("opentelemetry.somewhere").error("gave up")
            return SpanExportResult.FAILURE
        self.batches.append(len(spans))
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self.is_shut = True


def test_what_was_put_is_sent_at_the_end_in_batches() -> None:
    exporter = Exporter()
    export = SpanExport(exporter, every_s=60)
    export.put(*[SPAN] * 1_000)
    asyncio.run(export.end())
    assert (export.sent, export.lost) == (1_000, 0)
    assert max(exporter.batches) <= BATCH_SPANS
    assert exporter.is_shut


def test_past_the_bound_spans_are_lost_and_counted_without_waiting() -> None:
    exporter = Exporter()
    exporter.goes_on.clear()
    export = SpanExport(exporter, every_s=0.01)
    export.put(SPAN)
    exporter.exporting.wait(30)
    export.put(*[SPAN] * (SPANS_WAITING_MAX + 6))
    assert export.lost == 7  # the one that is being sent has its place too
    exporter.goes_on.set()
    asyncio.run(export.end())
    assert (export.sent, export.lost) == (SPANS_WAITING_MAX, 7)


def test_a_collector_that_fails_is_warned_of_once_until_it_takes_spans_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    exporter = Exporter()
    exporter.trouble = "connection refused"
    export = SpanExport(exporter, every_s=0.01)
    for lost in (1, 2):
        export.put(SPAN)
        eventually(lambda: export.lost == lost)  # noqa: B023
    exporter.trouble = ""
    export.put(SPAN)
    eventually(lambda: export.sent == 1)
    exporter.trouble = "connection reset"
    export.put(SPAN)
    asyncio.run(export.end())
    assert export.lost == 3
    assert [record.getMessage() for record in caplog.records] == [
        "spans are lost: connection refused, retrying",
        "the collector takes spans again",
        "spans are lost: connection reset, retrying",
    ]


def test_past_its_time_the_end_begins_no_further_export() -> None:
    exporter = Exporter()
    export = SpanExport(exporter, every_s=60, last_exports_s=-1.0)
    export.put(SPAN, SPAN)
    asyncio.run(export.end())
    assert (export.sent, export.lost, exporter.batches) == (0, 2, [])
