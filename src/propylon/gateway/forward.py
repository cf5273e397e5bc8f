"""An exchange that passed its steps goes to the upstream, and the answer comes back. The retry rule stands here.

Retried once, and only: when nothing was sent (the connection could not be opened is final; a pooled one found dead
is replaced), or on an idempotent request without a body whose *reused* connection ended before the first byte of an
answer. A body byte taken from the client is never sent twice.
"""

import asyncio
from typing import Final

from propylon.clock import SystemClock
from propylon.errors import PoolExhausted, UpstreamReset
from propylon.exchange import Exchange, Recording
from propylon.gateway.downstream import Downstream
from propylon.gateway.heads import request_head
from propylon.gateway.pool import OriginPool, Pools
from propylon.gateway.relay import relay_answer, relay_request_body
from propylon.gateway.request_body import RequestBody
from propylon.gateway.tunnel import run_tunnel
from propylon.gateway.upstream import UpstreamConnection
from propylon.http.messages import ResponseHead
from propylon.http.serialise import LAST_CHUNK, chunk
from propylon.snapshot.route import Route
from propylon.tasks import spawn

_now: Final = SystemClock.monotonic
RECORDED_BODY_BYTES: Final = 4096
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})  # RFC 9110 §9.2.2


# An upstream that has begun to answer, and what sends the rest of the request's body.
Asked = tuple[UpstreamConnection, ResponseHead, "asyncio.Task[None] | None"]


class Forward:
    """One worker's way to the upstreams."""

    def __init__(
        self, pools: Pools, upstream_timeout_s: float, scheme: bytes, recorded_body_max_bytes: int = RECORDED_BODY_BYTES
    ) -> None:
        self._pools = pools
        self._upstream_timeout_s = upstream_timeout_s
        self._scheme = scheme
        self._recorded_body_max_bytes = recorded_body_max_bytes

    async def __call__(self, exchange: Exchange, body: RequestBody, client: Downstream, route: Route) -> None:
        """Sends the request and relays its answer; raises the Failure that prevented it."""
        if body.failure is not None:
            raise body.failure
        if route.is_recorded or (exchange.caller is not None and exchange.caller.session.is_recorded):
            exchange.recording = Recording(self._recorded_body_max_bytes)
        pool = self._pools.of(route.origin)
        head = request_head(exchange, route, self._scheme)
        exchange.asked_at = _now()
        try:
            connection, answer, pump = await self._ask(exchange, body, pool, head)
        except PoolExhausted:
            exchange.asked_at = 0.0  # nobody was
            raise
        finally:
            exchange.answered_at = _now()
        keep = False
        try:
            if answer.status == 101:
                await run_tunnel(exchange, client, connection, answer)
            else:
                await relay_answer(exchange, body, client, connection, answer)
                keep = body.at_end and (pump is None or pump.done())
        finally:
            if pump is not None:
                pump.cancel()
            exchange.body_in += body.taken  # a tunnel has counted its own
            pool.release(connection, keep=keep and answer.keep_alive)

    async def _ask(self, exchange: Exchange, body: RequestBody, pool: OriginPool, head: bytes) -> Asked:
        """Sends the request on a connection and awaits the head of its answer."""
        connection = pool.take_idle() or await pool.connect()
        while True:
            pump = answer = None
            try:
                pump = self._send(exchange, body, connection, head)
                answer = await connection.next_event()
                assert isinstance(answer, ResponseHead)
                exchange.upstream_status = answer.status
                return connection, answer, pump
            except UpstreamReset:
                if not _may_retry(exchange, body, connection):
                    raise
            finally:
                if answer is None:  # whatever ended the wait, the connection must go back
                    if pump is not None:
                        pump.cancel()
                    exchange.body_in = body.taken
                    pool.release(connection, keep=False)
            connection = await pool.connect()  # never another idle one, which may be as dead

    def _send(
        self, exchange: Exchange, body: RequestBody, connection: UpstreamConnection, head: bytes
    ) -> "asyncio.Task[None] | None":
        """Writes the head with what of the body is there; the rest follows in a task of its own."""
        head_request = exchange.head.method == "HEAD"
        chunked = exchange.head.body_length is None
        recording = exchange.recording
        if not body.complete:
            take = body.take if recording is None else recording.request_body.tee(body.take)
            connection.begin(head, head_request=head_request)
            return spawn(
                relay_request_body(take, connection, chunked=chunked, timeout_s=self._upstream_timeout_s),
                "request body",
            )
        piece = body.take_ready()
        if recording is not None:
            recording.request_body.add(piece)
        if chunked:
            piece = (chunk(piece) if piece else b"") + LAST_CHUNK
        connection.begin(head + piece if piece else head, head_request=head_request)
        connection.expect(self._upstream_timeout_s)
        return None


def _may_retry(exchange: Exchange, body: RequestBody, connection: UpstreamConnection) -> bool:
    return (
        connection.requests > 1
        and not connection.heard
        and body.at_end
        and not body.taken
        and exchange.head.method in IDEMPOTENT
    )
