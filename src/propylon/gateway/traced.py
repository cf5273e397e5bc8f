"""Tracing around the exchanges of a worker, where `tracing_endpoint` is set; without it, none of this is in their way.

An exchange enters its trace when its upstream is about to be told of it, or, refused, when it has ended.
"""

import importlib
from collections.abc import Callable
from typing import Any, Final

from propylon.clock import Clock
from propylon.exchange import Exchange
from propylon.gateway.downstream import Downstream
from propylon.gateway.handle import SendOn
from propylon.gateway.request_body import RequestBody
from propylon.settings import Settings
from propylon.snapshot.follow import Follow
from propylon.snapshot.route import Route
from propylon.telemetry.trace_start import Begun, TraceStart, Upstream, tell_upstream

Record = Callable[[Exchange], None]
AddSpans = Callable[[Exchange, Begun, str, Upstream | None], None]

SPANS: Final = "propylon.telemetry.spans"  # brings OpenTelemetry: 10 MiB that only tracing is worth


class Tracing:
    """One per worker, whose owner calls `end` last."""

    def __init__(self, settings: Settings, clock: Clock, instance: str) -> None:
        self._spans: Any = None
        if settings.tracing_url:
            scheme = "https" if settings.tls_certificate else "http"
            self._spans = importlib.import_module(SPANS).open_spans(settings.tracing_url, clock, instance, scheme)
        everybody = settings.tracing_trust == "everybody"
        self._start = TraceStart(settings.tracing_sample_ratio, trusts_everybody=everybody)

    def around(self, forward: SendOn, record: Record, follow: Follow) -> tuple[SendOn, Record]:
        """Both as they are without tracing."""
        if self._spans is None:
            return forward, record
        traced = Traced(forward, record, follow, self._start, self._spans.add)
        return traced.forward, traced.record

    @property
    def counts(self) -> tuple[int, int]:
        """Spans sent and lost."""
        return (self._spans.sent, self._spans.lost) if self._spans is not None else (0, 0)

    async def end(self) -> None:
        """Sends what waits."""
        if self._spans is not None:
            await self._spans.end()


class Traced:
    """`forward` and `record` stand where those it is made of would. `add` is that of telemetry/spans.py."""

    def __init__(self, forward: SendOn, record: Record, follow: Follow, start: TraceStart, add: AddSpans) -> None:
        self._forward = forward
        self._record = record
        self._follow = follow
        self._start = start
        self._add = add
        self._forwarded: dict[Exchange, tuple[Begun, Route]] = {}

    async def forward(self, exchange: Exchange, body: RequestBody, client: Downstream, route: Route) -> None:
        begun = self._start(exchange)
        self._forwarded[exchange] = begun, route
        tell_upstream(exchange, begun)
        await self._forward(exchange, body, client, route)

    def record(self, exchange: Exchange) -> None:
        """Counts it, as without tracing, and adds its spans if it is sampled."""
        self._record(exchange)
        if (forwarded := self._forwarded.pop(exchange, None)) is not None:
            begun, route = forwarded
            if begun.is_sampled:
                self._add(exchange, begun, route.listen_path, _upstream(exchange, route))
        elif (begun := self._start(exchange)).is_sampled:
            self._add(exchange, begun, self._listen_path(exchange), None)

    def _listen_path(self, exchange: Exchange) -> str:
        """ "" where no API was found, or it is gone by now."""
        state = self._follow.snapshot.apis.get(exchange.api_id)
        return state.route.listen_path if state is not None and state.route is not None else ""


def _upstream(exchange: Exchange, route: Route) -> Upstream:
    """By the definition: a Host field may be the client's."""
    where = route.origin
    path = route.upstream_path(exchange.route_path if route.strip else exchange.head.path)
    return Upstream(where.host, where.port, f"{'https' if where.tls else 'http'}://{where.authority}{path}")
