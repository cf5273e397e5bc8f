"""Where a request to the control process comes from, as the audit log and the throttles name it."""

from typing import Final

from starlette.types import Scope

GATEWAY_API: Final = "gateway_api"


def client_ip(scope: Scope) -> str:
    """What the worker says, on the Unix socket, where nobody else can speak; else the peer of the socket."""
    if scope["client"] is not None:
        return str(scope["client"][0])
    named = [value for name, value in scope["headers"] if name == b"x-propylon-client"]
    return named[-1].decode("latin-1") if named else "unknown"
