"""A fleet for a test: control and gateway nodes as processes, on a PostgreSQL and a Redis."""

import atexit
import contextlib
import functools
import itertools
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tests.kit.gateway import Gateway
from tests.kit.places import postgres_place
from tests.kit.ports import free_port
from tests.kit.postgres import PostgresServer, own_server, shared_server
from tests.kit.redis_server import RedisServer, running_redis

ROOT_SECRET = "a-root-secret-that-all-nodes-of-the-test-share"
DURABLE = ("--appendonly", "yes", "--maxmemory-policy", "noeviction")
DATABASES = 1_000  # of the Redis that many fleets share

_databases = itertools.count()


class Stores(NamedTuple):
    """Where a fleet keeps what it has; the records have the newest schema."""

    redis: RedisServer
    postgres: PostgresServer
    records_url: str
    meters_url: str


class Fleet(NamedTuple):
    controls: list[Gateway]
    nodes: list[Gateway]
    stores: Stores

    @property
    def control(self) -> Gateway:
        """The first one, where there are several."""
        return self.controls[0]

    @property
    def redis(self) -> RedisServer:
        return self.stores.redis

    @property
    def postgres(self) -> PostgresServer:
        return self.stores.postgres


@contextlib.contextmanager
def own_stores(*redis_options: str) -> Iterator[Stores]:
    """On servers that nobody else uses, so that they may be killed."""
    with running_redis(*DURABLE, *redis_options) as redis, own_server() as postgres:
        yield Stores(redis, postgres, postgres_place(postgres).url, redis.url())


@contextlib.contextmanager
def shared_stores() -> Iterator[Stores]:
    """Databases of this fleet alone, on servers that all tests of this process share: quicker by some seconds."""
    redis = _shared_redis()
    with stores_with(redis, redis.url(next(_databases))) as stores:
        yield stores


@contextlib.contextmanager
def stores_with(redis: RedisServer, meters_url: str) -> Iterator[Stores]:
    """A Redis that is running, and the way to it; and a database of this fleet alone on the shared PostgreSQL."""
    place = postgres_place(shared_server())
    yield Stores(redis, place.server, place.url, meters_url)
    place.server.drop_database(place.database)


@functools.cache
def _shared_redis() -> RedisServer:
    """Ends with this process."""
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(running_redis(*DURABLE, "--databases", str(DATABASES)))


@contextlib.contextmanager
def running_fleet(
    nodes: int = 2,
    settings: Mapping[str, Any] | None = None,
    *,
    controls: int = 1,
    redis_options: Sequence[str] = (),
    stores: Stores | None = None,
    of_control: Mapping[str, Any] | None = None,
    of_nodes: Sequence[Mapping[str, Any]] = (),
) -> Iterator[Fleet]:
    """Control nodes, and `nodes` gateway nodes with a worker each, on `stores`, or on stores of its own.

    `of_control` and `of_nodes` are settings of those alone, such as another way to a store.
    """
    with contextlib.ExitStack() as stack:
        stores = stores or stack.enter_context(own_stores(*redis_options))
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="propylon-")))
        shared = {
            "records_url": stores.records_url,
            "meters_url": stores.meters_url,
            "root_secret": ROOT_SECRET,
            "workers": 1,
            **(settings or {}),
        }
        roles = [{"role": "control", **(of_control or {})}] * controls
        roles += [{"role": "gateway", **own} for own in (*of_nodes, *[{}] * (nodes - len(of_nodes)))]
        made = [_node(folder / f"{own['role']}{number}", shared | own) for number, own in enumerate(roles)]
        try:
            start_all(made)
            yield Fleet(made[:controls], made[controls:], stores)
        except BaseException:
            for node in made:
                print(
                    node.folder.name, node.stderr_path.read_text() if node.stderr_path.exists() else "", file=sys.stderr
                )
            raise
        finally:
            for node in made:
                if node.is_running:
                    node.kill()


def start_all(nodes: Sequence[Gateway]) -> None:
    """At once; returns when each is ready."""
    with ThreadPoolExecutor(len(nodes)) as threads:
        list(threads.map(Gateway.start, nodes))


def migrate(node: Gateway) -> str:
    """`propylon migrate` with the node's settings; what it printed."""
    command = [sys.executable, "-m", "propylon.cli.main", "migrate", "--config", str(node.config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _node(folder: Path, settings: Mapping[str, Any]) -> Gateway:
    folder.mkdir()
    return Gateway(folder, {"metrics_listen": f"127.0.0.1:{free_port()}", **settings})
