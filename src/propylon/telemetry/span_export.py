"""Spans on their way to a collector: a bounded queue, and the thread of OpenTelemetry's batch processor behind it.

Whoever hands in a span never waits. What the queue has no room for, and what the collector does not take, is lost and
counted; the log says so once, until the collector takes spans again.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from propylon.clock import SystemClock

log = logging.getLogger("propylon.tracing")
SPANS_WAITING_MAX: Final = 8_192  # in a worker, those that are being sent included
BATCH_SPANS: Final = 512  # in one request to the collector
EXPORT_EVERY_S: Final = 1.0
EXPORT_TIMEOUT_S: Final = 2.0  # of a batch, with the attempts that follow an error
LAST_EXPORTS_S: Final = 2.0  # a worker that ends begins no export after them

_now: Final = SystemClock.monotonic


class SpanExport:
    """One per worker, made after the fork: it starts a thread."""

    def __init__(
        self, exporter: SpanExporter, every_s: float = EXPORT_EVERY_S, last_exports_s: float = LAST_EXPORTS_S
    ) -> None:
        self._last_exports_s = last_exports_s
        self._exported = _Exported(exporter)
        self._processor = BatchSpanProcessor(
            self._exported,
            max_queue_size=SPANS_WAITING_MAX,
            schedule_delay_millis=every_s * 1000,
            max_export_batch_size=BATCH_SPANS,
            export_timeout_millis=EXPORT_TIMEOUT_S * 1000,
        )
        self._taken = 0
        self._turned_away = 0

    def put(self, *spans: ReadableSpan) -> None:
        """Never waits."""
        exported = self._exported
        for span in spans:
            if self._taken - exported.sent - exported.lost >= SPANS_WAITING_MAX:
                self._turned_away += 1
            else:
                self._taken += 1
                self._processor.on_end(span)

    @property
    def sent(self) -> int:
        return self._exported.sent

    @property
    def lost(self) -> int:
        return self._turned_away + self._exported.lost

    async def end(self) -> None:
        """Sends what waits, within LAST_EXPORTS_S and the time of the export that runs then."""
        self._exported.until = _now() + self._last_exports_s
        await asyncio.to_thread(self._processor.shutdown)


class _Exported(SpanExporter):
    """Counts what becomes of each batch, in the processor's thread."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._said = _Said()
        self._is_failing = False
        self.until = float("inf")
        self.sent = 0
        self.lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self._said.text = ""
        is_late = _now() > self.until
        result = SpanExportResult.FAILURE if is_late else self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.sent += len(spans)
        else:
            self.lost += len(spans)
        self._tell(result is not SpanExportResult.SUCCESS, "the worker ends" if is_late else self._said.text)
        return result

    def _tell(self, is_failing: bool, why: str) -> None:  # noqa: FBT001 - one caller, right above
        if is_failing and not self._is_failing:
            log.warning("spans are lost: %s", why)
        elif self._is_failing and not is_failing:
            log.info("the collector takes spans again")
        self._is_failing = is_failing

    def shutdown(self) -> None:
        self._exporter.shutdown()


class _Said(logging.Handler):
    """What the SDK says first of an export, kept out of the log: there it would stand for each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        sdk = logging.getLogger("opentelemetry")
        sdk.handlers, sdk.propagate = [self], False

    def emit(self, record: logging.LogRecord) -> None:
        self.text = self.text or record.getMessage()
