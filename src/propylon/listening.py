"""Listening TCP sockets: of the traffic, of the Gateway API, the dashboard and the metrics."""

import socket
from typing import Final

BACKLOG: Final = 1024  # connections that wait to be accepted


def bind(host: str, port: int, *, shared: bool) -> socket.socket:
    """A listening socket that does not block; `shared` lets several processes have one each (SO_REUSEPORT).

    `localhost` is 127.0.0.1. Raises OSError.
    """
    host = "127.0.0.1" if host == "localhost" else host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off for sockets that name TCP alone. With it an answer of two writes, head and
    # body, waits 40 ms for the client's delayed acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except OSError:
        listening.close()
        raise
    return listening
