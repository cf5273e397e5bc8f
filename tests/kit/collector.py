"""Collector: a server on 127.0.0.1 that takes spans as OTLP over HTTP, and says what it was given."""

import threading
from collections.abc import Callable
from typing import Any, NamedTuple, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from tests.kit.answers import Answer, Call, reply
from tests.kit.origin import Origin
from tests.kit.waiting import eventually

SERVER, CLIENT = 2, 3  # kinds of spans (opentelemetry/proto/trace/v1/trace.proto)
ERROR = 2  # a status


class Span(NamedTuple):
    trace_id: str
    span_id: str
    parent_id: str  # "" for a root
    state: str
    kind: int
    name: str
    start_ns: int
    end_ns: int
    status: int
    attributes: dict[str, Any]
    resource: dict[str, Any]


class Collector:
    """Use it in a `with`. `answer`, when set, stands in for taking the spans."""

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.raw = b""  # all that was taken, to be searched for what must not be there
        self.posts: list[str] = []  # targets
        self._lock = threading.Lock()
        self._spans: list[Span] = []
        self._origin = Origin(self._take)

    def __enter__(self) -> Self:
        self._origin.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._origin.__exit__(*error)

    @property
    def url(self) -> str:
        return self._origin.url

    @property
    def spans(self) -> list[Span]:
        with self._lock:
            return list(self._spans)

    def release(self) -> None:
        """Lets answers go on that stall."""
        self._origin.release()

    def wait_for(self, count: int, only: Callable[[Span], bool] = lambda span: True) -> list[Span]:
        """The spans of a sort, once there are so many."""
        eventually(lambda: len(list(filter(only, self.spans))) >= count)
        return list(filter(only, self.spans))

    async def _take(self, call: Call) -> None:
        body = await call.read_body()
        if self.answer is not None:
            await self.answer(call)
            return
        with self._lock:
            self.posts.append(call.request.target)
            self.raw += body
            self._spans += _spans_of(ExportTraceServiceRequest.FromString(body))
        await reply(200)(call)


def _spans_of(request: ExportTraceServiceRequest) -> list[Span]:
    return [
        Span(
            one.trace_id.hex(),
            one.span_id.hex(),
            one.parent_span_id.hex(),
            one.trace_state,
            one.kind,
            one.name,
            one.start_time_unix_nano,
            one.end_time_unix_nano,
            one.status.code,
            {each.key: _value(each.value) for each in one.attributes},
            {each.key: _value(each.value) for each in group.resource.attributes},
        )
        for group in request.resource_spans
        for scope in group.scope_spans
        for one in scope.spans
    ]


def _value(value: AnyValue) -> Any:
    return getattr(value, str(value.WhichOneof("value")))
