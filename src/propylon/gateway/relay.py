"""Body bytes, one way each, under back-pressure: never more in memory than the two high-water marks.

An upstream that ends inside a body makes us cut the client's connection: no last chunk, no whole length, so that a
truncated answer can never pass for a complete one (unlike proxy.md §5.9).
"""

from collections.abc import Awaitable, Callable

from propylon.clock import SystemClock
from propylon.errors import Failure, UpstreamFailure
from propylon.exchange import Exchange
from propylon.gateway.downstream import Downstream
from propylon.gateway.heads import response_head
from propylon.gateway.request_body import RequestBody
from propylon.gateway.upstream import Event, UpstreamConnection
from propylon.http.messages import END, ResponseHead
from propylon.http.serialise import LAST_CHUNK, chunk


async def relay_request_body(
    take: Callable[[], Awaitable[bytes]], connection: UpstreamConnection, *, chunked: bool, timeout_s: float
) -> None:
    """Client to upstream, until `take` gives b""; a Failure of the client's ends the wait for the answer too.

    The upstream's time runs only while it is its turn: a slow client is not its fault, a long upload no stall.
    """
    try:
        while piece := await take():
            connection.write(chunk(piece) if chunked else piece)
            connection.expect(timeout_s)
            await connection.writable()
            connection.expect_nothing()
        if chunked:
            connection.write(LAST_CHUNK)
        connection.expect(timeout_s)
    except UpstreamFailure:
        return  # the answer's reader meets it too and says so
    except Failure as failure:
        connection.fail(failure)


async def relay_answer(
    exchange: Exchange, body: RequestBody, client: Downstream, connection: UpstreamConnection, answer: ResponseHead
) -> None:
    """Upstream to client: head at once, body as it comes; the usual small answer is one write."""
    is_endless = answer.body_length is None  # nobody knows yet
    chunked = is_endless and exchange.head.version_minor == 1  # to an HTTP/1.0 client until close (RFC 9112 §6.1)
    keep_alive = client.begin_reply(exchange, body, ends_by_close=is_endless and not chunked)
    head = response_head(exchange, answer, keep_alive=keep_alive, chunked=chunked)
    exchange.status = answer.status
    piece, complete = connection.take_ready_body()
    recording = exchange.recording
    if recording is not None:
        recording.answer_head = head
        recording.answer_body.add(piece)
    if complete:
        exchange.body_out = len(piece)
        client.write(head + (((chunk(piece) if piece else b"") + LAST_CHUNK) if chunked else piece))
        return
    client.write(head)
    exchange.replied_at = SystemClock.monotonic()
    next_event: Callable[[], Awaitable[Event]] = connection.next_event
    if recording is not None:  # asked once: no piece of a body that is not recorded pays for it
        next_event = recording.answer_body.tee(next_event)
    while (event := await next_event()) is not END:
        assert isinstance(event, bytes)
        exchange.body_out += len(event)
        client.write(chunk(event) if chunked else event)
        await client.writable()
    if chunked:
        client.write(LAST_CHUNK)
