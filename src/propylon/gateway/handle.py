"""THE PAGE TO READ: what happens to one request.

    match → steps → (still true?) → forward → reply → record

Denials are returned by steps, Failures raised by whatever broke, and a bug is anything else; each ends here.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from propylon.errors import ClientGone, Failure
from propylon.exchange import Exchange
from propylon.gateway.downstream import Downstream
from propylon.gateway.own_pages import OwnPages
from propylon.gateway.replies import denial_reply, failure_reply
from propylon.gateway.request_body import RequestBody
from propylon.snapshot.decision import decide
from propylon.snapshot.follow import Follow
from propylon.snapshot.route import Route

log = logging.getLogger("propylon.gateway")


SendOn = Callable[[Exchange, RequestBody, Downstream, Route], Awaitable[None]]  # forward.py, or traced.py around it


class Bug(Failure):
    """What the client is told of an error nobody foresaw; the log has the traceback."""

    code = "bug"


class Handle:
    """Answers the exchanges of one worker."""

    def __init__(
        self,
        follow: Follow,
        forward: SendOn,
        own_pages: OwnPages,
        record: Callable[[Exchange], None],
        running: dict[Exchange, Downstream],
    ) -> None:
        self._follow = follow
        self._forward = forward
        self._own_pages = own_pages
        self._record = record
        self._running = running

    async def __call__(self, exchange: Exchange, body: RequestBody, client: Downstream) -> None:
        """One request, from its head to its usage line."""
        page = self._own_pages.find(exchange)
        if page is None:
            self._running[exchange] = client
        try:
            if page is not None:
                await page(exchange, body, client)
            elif (route := await decide(exchange, self._follow)) is None or exchange.denial is not None:
                self._refuse(exchange, body, client)
            else:
                await self._forward(exchange, body, client, route)
        except Failure as failure:
            fail(failure, exchange, body, client)
        except asyncio.CancelledError:  # the client closed, or the worker ends
            exchange.failure = exchange.failure or "client_gone"
            exchange.status = exchange.status or 499
            raise
        except Exception:  # one of the three places: a bug
            log.exception("bug while handling %s %s", exchange.head.method, exchange.api_id)
            fail(Bug(), exchange, body, client)
        finally:
            if page is None:
                del self._running[exchange]
                self._record(exchange)

    def _refuse(self, exchange: Exchange, body: RequestBody, client: Downstream) -> None:
        assert exchange.denial is not None
        keep_alive = client.begin_reply(exchange, body)
        exchange.status = exchange.denial.status
        client.write(denial_reply(exchange.denial, exchange, keep_alive=keep_alive))


def fail(failure: Failure, exchange: Exchange, body: RequestBody, client: Downstream) -> None:
    """Owns up to a failure if nothing is out yet; else cuts, so that a broken answer never looks whole."""
    exchange.failure = exchange.failure or failure.code
    if not client.head_sent:
        exchange.status = failure.status
    if client.head_sent or isinstance(failure, ClientGone):
        client.cut()
        return
    keep_alive = client.begin_reply(exchange, body)
    if not client.transport.is_closing():
        client.transport.write(failure_reply(failure, exchange, keep_alive=keep_alive))
