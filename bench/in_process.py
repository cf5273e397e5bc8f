"""One worker's whole path from a client's bytes to the answer's, without sockets: its instructions can be counted.

Everything between the two transports is the product's; clients, upstream and records are played. Knows no row.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench.gateway import CACHED_KEYS_MAX, SECRET, VERIFIED_TOKENS_MAX, definitions
from bench.origin import BODY
from propylon.clock import SystemClock
from propylon.exchange import Exchange
from propylon.gateway.deadlines import Deadlines
from propylon.gateway.downstream import Downstream, DownstreamSettings
from propylon.gateway.forward import Forward
from propylon.gateway.handle import Handle
from propylon.gateway.own_pages import OwnPages
from propylon.gateway.pool import OriginPool, PoolLimits, Pools
from propylon.gateway.upstream import UpstreamConnection
from propylon.http.client_address import TrustedProxies
from propylon.http.limits import HeadLimits
from propylon.settings import Settings
from propylon.snapshot.assembly import deciding_parts
from propylon.snapshot.origin import Origin
from propylon.stores.lmdb import open_meters
from propylon.telemetry.counters import Counters
from propylon.usage.folding import Folding, LogLimits
from tests.kit.memory_records import SEALING, MemoryRecords

CONNECTIONS = 8
MAP_BYTES = 1 << 24
POOL_LIMITS = PoolLimits(5.0, 60.0, 64, 1000)
ANSWER = (
    "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Sat, 28 Nov 2026 10:00:00 GMT\r\n"
    f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\nConnection: keep-alive\r\n\r\n{BODY}"
).encode()


class _Transport:
    """A side that takes everything at once."""

    def __init__(self, on_write: Callable[[bytes], None]) -> None:
        self.write = on_write

    def is_closing(self) -> bool:
        return False

    def get_extra_info(self, name: str) -> tuple[str, int]:
        return ("127.0.0.1", 1)

    def abort(self) -> None:
        raise AssertionError("the gateway cut a connection")


class _Client:
    """One connection that sends the next request when the answer of the last is out."""

    def __init__(self, downstream: Downstream, requests: Iterator[bytes]) -> None:
        self._loop = asyncio.get_running_loop()
        self._downstream = downstream
        self._requests = requests
        self._left = 0
        downstream.connection_made(_Transport(self._answered))  # type: ignore[arg-type] # all of one that is used

    def ask(self, times: int) -> "asyncio.Future[None]":
        self._left = times
        self._done = self._loop.create_future()
        self._send()
        return self._done

    def _send(self) -> None:
        self._loop.call_soon(self._downstream.data_received, next(self._requests))

    def _answered(self, data: bytes) -> None:
        assert data.startswith(b"HTTP/1.1 200 OK\r\n"), data
        self._left -= 1
        if self._left:
            self._send()
        else:
            self._done.set_result(None)


class _PlayedPool(OriginPool):
    """Connections to an upstream that answers at once."""

    async def _open(self) -> UpstreamConnection:
        connection = self._protocol()
        transport = _Transport(lambda data: self._answer(connection))
        connection.connection_made(transport)  # type: ignore[arg-type] # all of one that is used
        return connection

    def _answer(self, connection: UpstreamConnection) -> None:
        self._loop.call_soon(connection.data_received, ANSWER)


class _PlayedPools(Pools):
    def of(self, origin: Origin) -> OriginPool:
        pool = self._by_key.get(origin.key)
        if pool is None:
            pool = self._by_key[origin.key] = _PlayedPool(origin, POOL_LIMITS, HeadLimits(), self._deadlines)
        return pool


class PlayedOperator:
    """Writes what callers need into records in memory; for `bench.rows`."""

    def __init__(self) -> None:
        self.records = MemoryRecords()

    def put_key(self, key_id: str, session: Mapping[str, Any]) -> None:
        self.records.put_key(key_id, session)

    def put_policy(self, policy: Mapping[str, Any]) -> None:
        self.records.put_policy(policy)


class Played:
    """Made by `in_process`."""

    def __init__(self, clients: Sequence[_Client]) -> None:
        self._clients = clients

    async def run(self, requests: int) -> None:
        """Sends that many over all connections and returns when all are answered."""
        await asyncio.gather(*(client.ask(requests // len(self._clients)) for client in self._clients))


@asynccontextmanager
async def in_process(operator: PlayedOperator, requests: Sequence[bytes], folder: Path) -> AsyncIterator[Played]:
    """A worker with the bench's definitions and the operator's keys; its clients send `requests` in turn."""
    loop = asyncio.get_running_loop()
    for definition in definitions(origin=1):
        operator.records.put_api(definition)
    clock, counters = SystemClock(), Counters(0)
    meters = open_meters(folder, meters_map_bytes=MAP_BYTES, usage_map_bytes=MAP_BYTES, usage_lines_max=1000)
    settings = Settings.model_validate(
        {
            "secret": SECRET,
            "data_dir": str(folder),
            "verified_tokens_max": VERIFIED_TOKENS_MAX,
            "cached_keys_max": CACHED_KEYS_MAX,
        }
    )
    follow, _ = deciding_parts(settings, SEALING, operator.records, meters, clock, counters)
    await meters.announce(await operator.records.revision())
    await follow.start()
    usage = Folding(meters, clock, LogLimits(settings.request_log_per_s, settings.refusal_log_per_s))
    deadlines, limits = Deadlines(loop), HeadLimits()
    forward = Forward(_PlayedPools(POOL_LIMITS, limits, deadlines), settings.upstream_timeout_s, b"http")
    running: dict[Exchange, Downstream] = {}
    handle = Handle(follow, forward, OwnPages(forward, None, {}), usage.record, running)
    downstream = DownstreamSettings(
        limits,
        settings.head_timeout_s,
        settings.idle_timeout_s,
        settings.body_timeout_s,
        settings.request_body_max_bytes,
        TrustedProxies(()),
        None,
        usage.record_unread,
    )
    turns = itertools.cycle(requests)
    connections: set[Downstream] = set()
    clients = [_Client(Downstream(handle, downstream, deadlines, connections, loop), turns) for _ in range(CONNECTIONS)]
    try:
        yield Played(clients)
    finally:
        await meters.close()
