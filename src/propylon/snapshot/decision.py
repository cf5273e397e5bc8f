"""The decision core: which API, and what its steps say. For live traffic and for explain, the same (design §5.1).

Decides and changes nothing else; who is told of it, and what follows from it, is its caller's.
"""

from collections.abc import Callable
from typing import Final

from propylon.errors import Denial
from propylon.exchange import NO_API, Exchange
from propylon.snapshot.follow import Follow
from propylon.snapshot.route import Route
from propylon.steps.step import Step

DECISIONS_MAX: Final = 3
NO_ROUTE: Final = Denial("no_route", 404, "Not Found")
CHANGED_UNDER_WAY: Final = Denial("changed_under_way", 503, "The configuration is changing; try again")

Watch = Callable[[Route], tuple[Step, ...]]  # the steps of a route, each watched while it runs


async def decide(exchange: Exchange, follow: Follow, watch: Watch | None = None) -> Route | None:
    """The route, `exchange.denial` set when a step refuses; made again while records it rests on change."""
    for _ in range(DECISIONS_MAX):
        exchange.decided_at = follow.applied
        found = follow.snapshot.table.match(exchange.head.path)
        if found is None:
            route, exchange.api_id, exchange.api_facts, exchange.denial = None, "", NO_API, NO_ROUTE
        else:
            route, exchange.route_path = found
            exchange.api_id, exchange.api_facts = route.api_id, route.facts
            for step in route.steps if watch is None else watch(route):
                if (denial := await step(exchange)) is not None:
                    exchange.denial = denial
                    break
        if exchange.head_seen == follow.applied == exchange.decided_at:  # the usual case of `stands`, in 0.3 µs less
            return route
        if await follow.stands(exchange, route):
            return route
        exchange.forget_decision()
    exchange.denial = CHANGED_UNDER_WAY
    return None
