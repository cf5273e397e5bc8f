"""A fleet for a test: control and gateway nodes as processes, on a PostgreSQL and a Redis of their own."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from tests.kit.gateway import Gateway, free_port
from tests.kit.postgres import PostgresServer, own_server
from tests.kit.redis_server import RedisServer, running_redis

ROOT_SECRET = "a-root-secret-that-all-nodes-of-the-test-share"
DURABLE = ("--appendonly", "yes", "--maxmemory-policy", "noeviction")


class Fleet(NamedTuple):
    control: Gateway
    nodes: list[Gateway]
    redis: RedisServer
    postgres: PostgresServer


@contextlib.contextmanager
def running_fleet(nodes: int = 2, settings: Mapping[str, Any] | None = None) -> Iterator[Fleet]:
    """One control node and `nodes` gateway nodes with a worker each, on stores of their own, migrated."""
    with running_redis(*DURABLE) as redis, own_server() as postgres, TemporaryDirectory(prefix="propylon-") as name:
        shared = {
            "records_url": postgres.url(postgres.new_database()),
            "meters_url": redis.url(),
            "root_secret": ROOT_SECRET,
            "workers": 1,
            **(settings or {}),
        }
        made = [
            _node(
                Path(name) / f"{role}{number}",
                {**shared, "role": role, "metrics_listen": f"127.0.0.1:{free_port()}"},
            )
            for number, role in enumerate(["control", *["gateway"] * nodes])
        ]
        migrate(made[0])
        fleet = Fleet(made[0], made[1:], redis, postgres)
        try:
            for node in made:
                node.start()
            yield fleet
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


def migrate(node: Gateway) -> str:
    """`propylon migrate` with the node's settings; what it printed."""
    command = [sys.executable, "-m", "propylon.cli.main", "migrate", "--config", str(node.config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _node(folder: Path, settings: Mapping[str, Any]) -> Gateway:
    folder.mkdir()
    return Gateway(folder, settings)
