"""After a 101: two relays, byte for byte, until either side ends or the token that opened it does (design §5.7)."""

import asyncio

from propylon.clock import SystemClock
from propylon.errors import MalformedResponse
from propylon.exchange import Exchange
from propylon.gateway.downstream import Downstream
from propylon.gateway.heads import switching_head
from propylon.gateway.request_body import NO_BODY
from propylon.gateway.tunnel_end import TunnelEnd
from propylon.gateway.upstream import UpstreamConnection
from propylon.http.messages import ResponseHead


async def run_tunnel(
    exchange: Exchange, client: Downstream, connection: UpstreamConnection, answer: ResponseHead
) -> None:
    """Returns when the tunnel is over; both connections are closed by those who own them."""
    if (answer.value(b"upgrade") or b"").lower() != exchange.head.upgrade:
        raise MalformedResponse("101 to another protocol than the client asked for")
    if client.broken is not None:
        raise client.broken
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    to_upstream = TunnelEnd(client.transport, connection.transport, ended)
    to_client = TunnelEnd(connection.transport, client.transport, ended)
    to_upstream.opposite, to_client.opposite = to_client, to_upstream
    exchange.status = 101
    client.begin_reply(exchange, NO_BODY)
    head = switching_head(answer)
    client.write(head)
    if exchange.recording is not None:
        exchange.recording.answer_head = head
    exchange.replied_at = SystemClock.monotonic()
    late_answer = connection.begin_tunnel(to_client, to_upstream)
    early_request = client.begin_tunnel(to_upstream, to_client)
    if late_answer:
        to_client.data_received(late_answer)
    if early_request:
        to_upstream.data_received(early_request)
    try:
        await ended
    finally:
        exchange.body_out = to_client.count
        exchange.body_in = to_upstream.count
