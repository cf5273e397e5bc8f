"""Ports for the servers of a test: each is given once, so that two servers of a run never mean the same one."""

import itertools
import os
import secrets
import socket

# Below those that the system gives to outgoing connections: nobody takes one while its server restarts.
PORTS = range(16_384, 32_768)


def stretch(worker: str, workers: int) -> range:
    """Of PORTS, the part of one of the processes among which pytest-xdist shares the tests (gw0, gw1, …)."""
    size = len(PORTS) // workers
    start = PORTS.start + int(worker.removeprefix("gw")) * size
    return range(start, start + size)


_own = stretch(os.environ.get("PYTEST_XDIST_WORKER", "gw0"), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
_turn = itertools.count(secrets.randbelow(len(_own)))  # anywhere: a run of others may be under way on this machine


def free_port() -> int:
    """On which nobody listens, and which this process was not given before (until its stretch has gone round)."""
    while True:
        port = _own[next(_turn) % len(_own)]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
