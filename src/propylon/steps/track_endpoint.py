"""TrackEndpoint: gives the exchange the name its endpoint has in usage, or leaves it out of usage."""

from propylon.errors import Denial
from propylon.exchange import UNTRACKED, Exchange
from propylon.model.tracked_endpoints import TrackedEndpoints, first_match


class TrackEndpoint:
    """Refuses nothing. What a definition leaves out is left out, even where another entry names it."""

    def __init__(self, endpoints: TrackedEndpoints) -> None:
        self._endpoints = endpoints

    async def __call__(self, exchange: Exchange) -> Denial | None:
        method, path = exchange.head.method, exchange.route_path.encode()
        if first_match(self._endpoints.left_out, method, path) is not None:
            exchange.api_facts = UNTRACKED
        found = first_match(self._endpoints.named, method, path)
        if found is not None:
            exchange.endpoint = found.name
        return None
