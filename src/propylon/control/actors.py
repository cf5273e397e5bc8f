"""Who a call of the Gateway API comes from, as the audit log names it."""

from typing import Final

from starlette.requests import Request
from starlette.types import Scope

from propylon.stores.records.writes import Actor

GATEWAY_API: Final = "gateway_api"


def actor_of(request: Request) -> Actor:
    """Its secret is one for all who know it, so that only the address tells them apart."""
    return Actor(GATEWAY_API, address=client_ip(request.scope))


def client_ip(scope: Scope) -> str:
    """What the worker says, on the Unix socket, where nobody else can speak; else the peer of the socket."""
    if scope["client"] is not None:
        return str(scope["client"][0])
    named = [value for name, value in scope["headers"] if name == b"x-propylon-client"]
    return named[-1].decode("latin-1") if named else "unknown"
