"""DataPath: a worker's data path in a thread, with a real listener, real meters and records in memory.

Everything between a client's socket and an upstream's is the product's; only time and the records are the test's.
"""

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import lmdb
import uvloop

from propylon.exchange import Exchange
from propylon.gateway.deadlines import Deadlines
from propylon.gateway.downstream import Downstream, DownstreamSettings
from propylon.gateway.forward import Forward
from propylon.gateway.handle import Handle
from propylon.gateway.listener import Listener
from propylon.gateway.own_pages import OwnPages
from propylon.gateway.pool import PoolLimits, Pools
from propylon.gateway.revocation import Revocation
from propylon.http.client_address import TrustedProxies
from propylon.http.limits import HeadLimits
from propylon.listening import bind
from propylon.snapshot.compile import ReferenceSources, Workshop
from propylon.snapshot.follow import Follow
from propylon.snapshot.issuers import Issuers
from propylon.steps.imported_keys import Ask, ImportedKeys, ask_nobody
from propylon.steps.keyring import Keyring, PolicyBook
from propylon.steps.revoked import Revocations
from propylon.steps.step import StepSettings, Surroundings
from propylon.stores.lmdb import LmdbMeters
from propylon.stores.lmdb_environment import METERS, USAGE, open_environment
from propylon.stores.ports import Charge, Now, Verdict
from propylon.telemetry.counters import Counters
from tests.kit.clock import FakeClock
from tests.kit.issuer import issuers_of
from tests.kit.memory_records import SEALING, MemoryRecords

SAFETY_S = 30.0  # a bound against hanging, never something a test asserts
MAP_BYTES = 1 << 20

Result = TypeVar("Result")
Definition = Mapping[str, Any]


@dataclass(frozen=True)
class Knobs:
    """The settings a test may turn; the deadlines are long, so that only a test about one meets it."""

    head_timeout_s: float = SAFETY_S
    idle_timeout_s: float = SAFETY_S
    body_timeout_s: float = SAFETY_S
    upstream_timeout_s: float = SAFETY_S
    connect_timeout_s: float = SAFETY_S
    request_body_max_bytes: int = 0
    connections_max: int = 100
    upstream_connections_max: int = 100
    trusted_proxies: tuple[str, ...] = ()
    tls: ssl.SSLContext | None = None
    allow_master_keys: bool = False
    quota_exceeded_status: int = 403
    rate_headers_of_quota: bool = True
    lookups_in_flight: int = 64


async def _nothing() -> None:
    return


class WatchedMeters(LmdbMeters):
    """The embedded meters; `before_admit` runs when a step has decided to charge and has not yet."""

    before_admit: Callable[[], Awaitable[None]] = staticmethod(_nothing)

    async def admit(self, charge: Charge, now: Now | None = None) -> Verdict:
        await self.before_admit()
        return await super().admit(charge, now)


@dataclass
class Started:
    """The parts, as they are in `workers.py`."""

    meters: WatchedMeters
    follow: Follow
    keyring: Keyring
    pools: Pools
    deadlines: Deadlines
    listener: Listener
    revocation: Revocation
    running: dict[Exchange, Downstream]
    listening: socket.socket
    environment: lmdb.Environment
    issuers: Issuers


@dataclass
class DataPath:
    """Made by `data_path`. The write methods answer when the change is announced, as the Gateway API does."""

    records: MemoryRecords
    clock: FakeClock
    loop: asyncio.AbstractEventLoop
    recorded: list[Exchange] = field(default_factory=list)
    port: int = 0
    scheme: str = "http"
    ask: Ask = ask_nobody  # what the control process answers about unknown IDs, where keys were imported
    parts: Started = field(init=False)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """On the data path's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(SAFETY_S)

    async def announce(self, revision: int) -> None:
        await self.parts.meters.announce(revision)

    async def stop_accepting(self) -> None:
        """What connects now waits in the kernel's queue."""
        self.parts.listener.stop_accepting()

    def put_key(self, key_id: str, session: Definition) -> None:
        self.run(self.announce(self.records.put_key(key_id, session)))

    def delete_key(self, key_id: str) -> None:
        self.run(self.announce(self.records.delete_key(key_id)))

    def put_api(self, document: Definition) -> None:
        self.run(self.announce(self.records.put_api(document)))

    def put_policy(self, document: Definition) -> None:
        self.run(self.announce(self.records.put_policy(document)))

    async def lose_head(self) -> None:
        """As meters do that were damaged and begun anew."""
        with self.parts.environment.begin(write=True) as transaction:
            transaction.delete(b"h")

    def change_after_read(self, change: Callable[[], int], times: int = 1) -> None:
        """Written and announced when a key's row has been read and the worker has not got it yet."""
        left = iter(range(times))

        async def hook(_: str) -> None:
            if next(left, None) is not None:
                await self.announce(change())

        self.records.after_read = hook

    def change_before_admit(self, change: Callable[[], int]) -> None:
        """Once: written and announced when everything but the charge is decided."""
        left = iter(range(1))

        async def hook() -> None:
            if next(left, None) is not None:
                await self.announce(change())

        self.parts.meters.before_admit = hook

    def in_background(self, work: Callable[[], Result]) -> "Future[Result]":
        """For a call that is not answered before the test does something."""
        done: Future[Result] = Future()
        threading.Thread(target=lambda: done.set_result(work())).start()
        return done

    async def until_nothing_runs(self) -> None:
        while self.parts.running:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)

    async def until_someone_sleeps(self) -> None:
        while not self.clock.sleeping:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)

    def advance(self, seconds: float) -> None:
        self.run(self.clock.advance(seconds))


@contextmanager
def data_path(
    *apis: Definition,
    keys: Mapping[str, Definition] | None = None,
    policies: Sequence[Definition] = (),
    **knobs: Any,
) -> Iterator[DataPath]:
    """Listens on `port` from the start; closed with everything it holds at the end."""
    records = MemoryRecords()
    for policy in policies:
        records.put_policy(policy)
    for key_id, session in (keys or {}).items():
        records.put_key(key_id, session)
    for api in apis:
        records.put_api(api)
    path = DataPath(records, FakeClock(), uvloop.new_event_loop())
    thread = threading.Thread(target=path.loop.run_forever, name="data path")
    thread.start()
    with TemporaryDirectory() as folder:
        try:
            path.run(_start(path, Knobs(**knobs), Path(folder)))
            try:
                yield path
            finally:
                path.run(_stop(path))
        finally:
            path.loop.call_soon_threadsafe(path.loop.stop)
            thread.join(SAFETY_S)
            path.loop.close()


async def _start(path: DataPath, knobs: Knobs, folder: Path) -> None:
    environment, usage = (open_environment(folder / name, MAP_BYTES) for name in (METERS, USAGE))
    meters = WatchedMeters(environment, usage, 100, path.clock, b"boot")
    await meters.announce(await path.records.revision())
    book = PolicyBook()
    counters = Counters(0)
    keyring = Keyring(path.records, SEALING, book, counters, entries_max=1000, in_flight_max=knobs.lookups_in_flight)
    issuers = issuers_of(meters, path.clock, counters)
    imported = ImportedKeys(path.records, meters, lambda *asked: path.ask(*asked))
    surroundings = Surroundings(path.clock, meters, _step_settings(knobs), counters, Revocations(), issuers, imported)
    follow = Follow(
        path.records, meters, Workshop(keyring, book, surroundings, SEALING, ReferenceSources({}, None), "default")
    )
    follow.on_snapshot = issuers.watch_definitions
    await follow.start()
    running: dict[Exchange, Downstream] = {}
    revocation = Revocation(follow, running, path.clock)
    follow.on_change = revocation.on_change
    deadlines = Deadlines(path.loop)
    pools = Pools(
        PoolLimits(knobs.connect_timeout_s, SAFETY_S, 100, knobs.upstream_connections_max), HeadLimits(), deadlines
    )
    forward = Forward(pools, knobs.upstream_timeout_s, b"https" if knobs.tls else b"http")
    own_pages = OwnPages(forward, None, {"/hello": lambda: (200, {"status": "pass"})})
    handle = Handle(follow, forward, own_pages, path.recorded.append, running)
    listener = Listener(handle, _downstream_settings(knobs), deadlines, knobs.connections_max)
    listening = bind("127.0.0.1", 0, shared=False)
    path.parts = Started(
        meters, follow, keyring, pools, deadlines, listener, revocation, running, listening, environment, issuers
    )
    deadlines.start()
    path.port = listening.getsockname()[1]
    path.scheme = "https" if knobs.tls else "http"
    await listener.start(listening)


async def _stop(path: DataPath) -> None:
    parts = path.parts
    await parts.listener.drain(0.0)
    parts.listening.close()
    parts.deadlines.stop()
    parts.pools.close()
    await path.until_nothing_runs()
    await parts.issuers.close()
    await parts.meters.close()


def _step_settings(knobs: Knobs) -> StepSettings:
    return StepSettings(
        allow_master_keys=knobs.allow_master_keys,
        min_token_length=3,
        quota_exceeded_status=knobs.quota_exceeded_status,
        rate_headers_of_quota=knobs.rate_headers_of_quota,
        fixed_windows=False,
        verified_tokens_max=100,
    )


def _downstream_settings(knobs: Knobs) -> DownstreamSettings:
    return DownstreamSettings(
        HeadLimits(),
        knobs.head_timeout_s,
        knobs.idle_timeout_s,
        knobs.body_timeout_s,
        knobs.request_body_max_bytes,
        TrustedProxies([ip_network(network) for network in knobs.trusted_proxies]),
        knobs.tls,
        lambda failure: None,
    )
