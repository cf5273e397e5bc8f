"""Running exchanges end with what let them in: a revoked key, a policy that went, a token that ran out (design §5.7).

Only long ones meet this (downloads, event streams, tunnels): a short one is decided again before its answer leaves.
The steps judge once more, up to the one that would charge: the rules stand there and nowhere else.
"""

import logging

from propylon.clock import Clock
from propylon.errors import Failure
from propylon.exchange import Exchange
from propylon.gateway.downstream import Downstream
from propylon.snapshot.follow import EVERYTHING, Follow
from propylon.snapshot.route import Route
from propylon.steps.admit import Admit
from propylon.steps.revoked import concerns, marks_in
from propylon.tasks import spawn

log = logging.getLogger("propylon.gateway")


class Revocation:
    """One per worker."""

    def __init__(self, follow: Follow, running: dict[Exchange, Downstream], clock: Clock) -> None:
        self._follow = follow
        self._running = running
        self._clock = clock
        self._revoked: dict[Exchange, Downstream] = {}  # no answer yet: a short one may still get its own

    def on_change(self, names: frozenset[str]) -> None:
        """Called by `follow` after each catch-up."""
        marks = marks_in(names)
        touched = [
            (exchange, client)
            for exchange, client in self._running.items()
            if EVERYTHING in names
            or f"api:{exchange.api_id}" in names
            or not names.isdisjoint(exchange.rested_on)
            or concerns(marks, exchange)
        ]
        if touched:
            spawn(self._judge_again(touched), "revocation")

    def sweep(self) -> None:
        """Once a second: revoked ones whose answer turned out to be long, and tunnels that outlived their token."""
        now = self._clock.wall()
        for exchange, client in list(self._running.items()):
            if exchange.status == 101 and min(exchange.verified_until, exchange.retires_at) < now:
                _end(exchange, client, "token_expired")
        for exchange, client in list(self._revoked.items()):
            if exchange not in self._running:
                del self._revoked[exchange]
            elif client.head_sent:
                _end(exchange, client, "revoked")

    async def _judge_again(self, touched: list[tuple[Exchange, Downstream]]) -> None:
        for exchange, client in touched:
            if await self._still_allowed(exchange) or exchange not in self._running:
                continue
            if client.head_sent:
                _end(exchange, client, "revoked")
            else:
                self._revoked[exchange] = client

    async def _still_allowed(self, exchange: Exchange) -> bool:
        found = self._follow.snapshot.table.match(exchange.head.path)
        if found is None:
            return False
        route, route_path = found
        if route.api_id != exchange.api_id:
            return False
        probe = Exchange(
            exchange.head, exchange.client_ip, exchange.peer_ip, exchange.started, peer_trusted=exchange.peer_trusted
        )
        probe.api_id, probe.route_path = exchange.api_id, route_path
        probe.first_use = exchange.first_use  # it is still the same request
        try:
            return await _judge(route, probe)
        except Failure:  # nobody goes on because a store could not be asked
            return False


async def _judge(route: Route, probe: Exchange) -> bool:
    for step in route.steps:
        if isinstance(step, Admit):
            break
        if await step(probe) is not None:
            return False
    return True


def _end(exchange: Exchange, client: Downstream, reason: str) -> None:
    exchange.failure = reason
    log.info("a running exchange on API %s was ended: %s", exchange.api_id, reason)
    client.cut()
