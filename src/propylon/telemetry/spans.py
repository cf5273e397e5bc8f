"""Exchanges as spans of OpenTelemetry: one of a server for each, one of a client for its request to the upstream.

Loaded only where `tracing_endpoint` is set. A span is made whole when its exchange has ended: a tracer of the SDK,
which keeps it open meanwhile, costs seven times as much. Nothing that a header or a query said is in one;
of the target, the path alone.
"""

from typing import Final, NamedTuple

import requests  # noqa: F401 - the exporter loads it when it is made, which would be in each worker anew: 7 MiB
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from propylon import __version__
from propylon.clock import Clock
from propylon.exchange import Exchange
from propylon.telemetry.span_export import EXPORT_TIMEOUT_S, SpanExport
from propylon.telemetry.trace_context import Place
from propylon.telemetry.trace_start import Begun, Upstream

PATH_SHOWN_MAX: Final = 512  # characters, as in the logs
METHODS: Final = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"})
OTHER_METHOD: Final = "_OTHER"  # a client may write any word there
NO_STATE: Final = TraceState()
_SCOPE: Final = InstrumentationScope("propylon", __version__, "https://opentelemetry.io/schemas/1.44.0")
_UNSET: Final = Status(StatusCode.UNSET)
_ERROR: Final = Status(StatusCode.ERROR)

_Attributes = dict[str, str | int]


class _Frame(NamedTuple):
    """What both spans of an exchange share."""

    trace_id: int
    flags: TraceFlags
    state: TraceState
    method: str
    epoch: float  # Unix time of monotonic 0
    now: float  # monotonic

    @property
    def name(self) -> str:
        return "HTTP" if self.method == OTHER_METHOD else self.method

    def context(self, span_id: int) -> SpanContext:
        return SpanContext(self.trace_id, span_id, False, self.flags, self.state)

    def ns(self, monotonic: float) -> int:
        return int((self.epoch + monotonic) * 1e9)


class Spans:
    """One per worker, made after the fork. Writes what ended; `sent` and `lost` count spans."""

    def __init__(self, export: SpanExport, clock: Clock, instance: str, scheme: str) -> None:
        self._export = export
        self._clock = clock
        self._scheme = scheme
        own = {"service.name": "propylon", "service.version": __version__, "service.instance.id": instance}
        self._resource = Resource(own).merge(OTELResourceDetector().detect())  # what the environment says wins

    def add(self, exchange: Exchange, begun: Begun, listen_path: str, upstream: Upstream | None) -> None:
        """A sampled exchange, as it has ended; `upstream` where it was sent on."""
        now = self._clock.monotonic()
        epoch = self._clock.wall() - now
        method = exchange.head.method if exchange.head.method in METHODS else OTHER_METHOD
        frame = _Frame(int(begun.trace_id, 16), TraceFlags(begun.flags), _state_of(begun.state), method, epoch, now)
        if upstream is not None and exchange.asked_at:
            self._export.put(self._client_span(exchange, begun, upstream, frame))
        self._export.put(self._server_span(exchange, begun, listen_path, frame))

    @property
    def sent(self) -> int:
        return self._export.sent

    @property
    def lost(self) -> int:
        return self._export.lost

    async def end(self) -> None:
        await self._export.end()

    def _server_span(self, exchange: Exchange, begun: Begun, listen_path: str, frame: _Frame) -> ReadableSpan:
        return ReadableSpan(
            f"{frame.name} {listen_path}" if listen_path else frame.name,
            frame.context(begun.span_id),
            _context_of(begun.parent, frame),
            self._resource,
            self._server_attributes(exchange, frame.method, listen_path),
            kind=SpanKind.SERVER,
            status=_ERROR if exchange.status >= 500 else _UNSET,
            start_time=frame.ns(exchange.started),
            end_time=frame.ns(frame.now),
            instrumentation_scope=_SCOPE,
        )

    def _client_span(self, exchange: Exchange, begun: Begun, upstream: Upstream, frame: _Frame) -> ReadableSpan:
        error = _upstream_error(exchange)
        return ReadableSpan(
            frame.name,
            frame.context(begun.upstream_span_id),
            frame.context(begun.span_id),
            self._resource,
            _client_attributes(exchange, frame.method, upstream, error),
            kind=SpanKind.CLIENT,
            status=_ERROR if error else _UNSET,
            start_time=frame.ns(exchange.asked_at),
            end_time=frame.ns(frame.now if exchange.replied_at else exchange.answered_at),
            instrumentation_scope=_SCOPE,
        )

    def _server_attributes(self, exchange: Exchange, method: str, listen_path: str) -> _Attributes:
        denial, caller, head = exchange.denial, exchange.caller, exchange.head
        reason = denial.reason if denial is not None else exchange.failure
        given: _Attributes = {
            "http.request.method": method,
            "url.scheme": self._scheme,
            "url.path": head.path[:PATH_SHOWN_MAX],
            "network.protocol.version": "1.1" if head.version_minor else "1.0",
            "client.address": exchange.client_ip,
        }
        if listen_path:
            given["http.route"] = listen_path
            given["propylon.api_id"] = exchange.api_id
        if exchange.status:
            given["http.response.status_code"] = exchange.status
        if exchange.status >= 500:
            given["error.type"] = reason or str(exchange.status)
        if reason:
            given["propylon.reason"] = reason
        if caller is not None:
            given["propylon.identity"] = caller.identity.record
        if exchange.trace:
            given["propylon.trace"] = exchange.trace
        return given


def open_spans(url: str, clock: Clock, instance: str, scheme: str) -> Spans:
    """Starts the thread that sends; what else the exporter needs is in the environment (OTEL_EXPORTER_OTLP_…)."""
    return Spans(SpanExport(OTLPSpanExporter(url, timeout=EXPORT_TIMEOUT_S)), clock, instance, scheme)


def _client_attributes(exchange: Exchange, method: str, upstream: Upstream, error: str) -> _Attributes:
    given: _Attributes = {
        "http.request.method": method,
        "server.address": upstream.host,
        "server.port": upstream.port,
        "url.full": upstream.url[:PATH_SHOWN_MAX],
        "network.protocol.version": "1.1",
    }
    if exchange.upstream_status:
        given["http.response.status_code"] = exchange.upstream_status
    if error:
        given["error.type"] = error
    return given


def _upstream_error(exchange: Exchange) -> str:
    """ "" where the request to the upstream went well; a client that leaves is no error of it."""
    if exchange.failure and exchange.failure != "client_gone":
        return exchange.failure
    return str(exchange.upstream_status) if exchange.upstream_status >= 400 else ""


def _context_of(parent: Place | None, frame: _Frame) -> SpanContext | None:
    if parent is None:
        return None
    return SpanContext(frame.trace_id, int(parent.span_id, 16), True, TraceFlags(parent.flags), frame.state)


def _state_of(state: bytes) -> TraceState:
    return TraceState.from_header([state.decode("ascii")]) if state else NO_STATE
