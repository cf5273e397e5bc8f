"""Keep-alive connections to upstreams: decides synchronously, acts afterwards.

One `OriginPool` per origin (scheme, host, port, TLS rules) and worker; idle connections are used last-in first-out so
that few stay warm and the rest time out.
"""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from typing import Final

from propylon.errors import ConnectRefused, ConnectTimeout, Failure, HostNotFound, PoolExhausted, UpstreamTLS
from propylon.gateway.deadlines import Deadlines
from propylon.gateway.upstream import UpstreamConnection
from propylon.http.limits import HeadLimits
from propylon.snapshot.origin import Origin

UNREACHABLE: Final = (ConnectionError, OSError)


@dataclass(frozen=True, slots=True)
class PoolLimits:
    connect_timeout_s: float
    idle_timeout_s: float
    idle_max: int
    connections_max: int


class OriginPool:
    """The connections of one origin."""

    def __init__(self, origin: Origin, limits: PoolLimits, head_limits: HeadLimits, deadlines: Deadlines) -> None:
        self._origin = origin
        self._limits = limits
        self._head_limits = head_limits
        self._deadlines = deadlines
        self.connects = 0  # connections opened
        self.reuses = 0  # requests that found one open
        self._idle: list[UpstreamConnection] = []
        self._busy = 0
        self._loop = asyncio.get_running_loop()
        self._tls = _tls_context(origin)

    def take_idle(self) -> UpstreamConnection | None:
        """The warmest idle connection that is still open."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if not connection.closed and not connection.transport.is_closing():
                self._busy += 1
                self.reuses += 1
                return connection
            self._deadlines.discard(connection)
        return None

    async def connect(self) -> UpstreamConnection:
        """A new connection; raises PoolExhausted, ConnectRefused, ConnectTimeout, HostNotFound, UpstreamTLS."""
        if self._busy >= self._limits.connections_max:
            raise PoolExhausted(f"{self._busy} connections to {self._origin.key}")
        self._busy += 1
        try:
            connection = await self._open()
        except BaseException:
            self._busy -= 1
            raise
        self._deadlines.add(connection)
        self.connects += 1
        return connection

    def release(self, connection: UpstreamConnection, *, keep: bool) -> None:
        """Back from an exchange: kept when the answer ended cleanly and there is room, else closed."""
        self._busy -= 1
        if keep and connection.reusable and len(self._idle) < self._limits.idle_max:
            connection.idle_since = self._loop.time()
            self._idle.append(connection)
        else:
            self._deadlines.discard(connection)
            connection.close()

    def close_idle(self, before: float) -> None:
        """Closes connections idle since before that moment; the oldest stand first."""
        while self._idle and self._idle[0].idle_since < before:
            connection = self._idle.pop(0)
            self._deadlines.discard(connection)
            connection.close()

    async def _open(self) -> UpstreamConnection:
        origin = self._origin
        try:
            async with asyncio.timeout(self._limits.connect_timeout_s):
                if origin.unix_path:
                    _, connection = await self._loop.create_unix_connection(self._protocol, origin.unix_path)
                    return connection
                _, connection = await self._loop.create_connection(
                    self._protocol, origin.host, origin.port, ssl=self._tls, server_hostname=self._server_name()
                )
        except UNREACHABLE as error:
            raise _connect_failure(error, origin.key) from error
        return connection

    def _server_name(self) -> str | None:
        return self._origin.host if self._tls is not None else None

    def _protocol(self) -> UpstreamConnection:
        return UpstreamConnection(self._loop, self._head_limits)


class Pools:
    """Every origin's pool of one worker."""

    def __init__(self, limits: PoolLimits, head_limits: HeadLimits, deadlines: Deadlines) -> None:
        self._limits = limits
        self._head_limits = head_limits
        self._deadlines = deadlines
        self._by_key: dict[str, OriginPool] = {}

    def of(self, origin: Origin) -> OriginPool:
        pool = self._by_key.get(origin.key)
        if pool is None:
            pool = self._by_key[origin.key] = OriginPool(origin, self._limits, self._head_limits, self._deadlines)
        return pool

    def close_idle(self, now: float) -> None:
        """Once a second, by the worker: what was idle too long."""
        for pool in self._by_key.values():
            pool.close_idle(now - self._limits.idle_timeout_s)

    @property
    def connects(self) -> int:
        return sum(pool.connects for pool in self._by_key.values())

    @property
    def reuses(self) -> int:
        return sum(pool.reuses for pool in self._by_key.values())

    def close(self) -> None:
        for pool in self._by_key.values():
            pool.close_idle(float("inf"))


def _tls_context(origin: Origin) -> ssl.SSLContext | None:
    if not origin.tls:
        return None
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if not origin.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _connect_failure(error: OSError, key: str) -> Failure:
    detail = f"{key}: {error}"
    if isinstance(error, TimeoutError):
        return ConnectTimeout(detail)
    if isinstance(error, socket.gaierror):
        return HostNotFound(detail)
    if isinstance(error, ssl.SSLError):
        return UpstreamTLS(detail)
    return ConnectRefused(detail)
