"""Redis and PostgreSQL of a fleet, on the core of the load: to a gateway they are other machines. What Redis does."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench.processes import NotRun
from tests.kit.postgres import PostgresServer, own_server
from tests.kit.redis_server import RedisServer, running_redis

DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction", "--save", "")


class Stores(NamedTuple):
    redis: RedisServer
    postgres: PostgresServer

    def settings(self, database: int = 0) -> dict[str, Any]:
        """Of a gateway with a database of its own in both."""
        return {
            "records_url": self.postgres.url(self.postgres.new_database()),
            "meters_url": self.redis.url(database),
            "root_secret": "a-root-secret-of-the-bench-with-enough-characters",
        }


class RedisWork(NamedTuple):
    """What a Redis was asked and what that took, so far or in between."""

    calls: int  # scripts, each with the charges of a batch, or something of the background
    cpu_s: float

    def __sub__(self, before: "RedisWork") -> "RedisWork":
        return RedisWork(self.calls - before.calls, self.cpu_s - before.cpu_s)


@contextmanager
def running_stores(core: int) -> Iterator[Stores]:
    with running_redis(*DURABLE) as redis, own_server() as postgres:
        for pid in (redis.pid, postgres.pid):
            os.sched_setaffinity(pid, {core})  # what PostgreSQL forks for a connection inherits it
        yield Stores(redis, postgres)


def work_of(redis: RedisServer) -> RedisWork:
    used = redis.ask("INFO", "cpu")
    return RedisWork(redis.calls_of("evalsha"), used["used_cpu_user"] + used["used_cpu_sys"])


def program(what: str, config: Path) -> list[str]:
    """The command installed beside the interpreter that runs the bench."""
    path = Path(sys.executable).with_name("propylon")
    if not path.exists():
        raise NotRun("propylon is not installed in this environment; make setup")
    return [str(path), what, "--config", str(config)]


def migrate(config: Path) -> None:
    done = subprocess.run(program("migrate", config), capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise NotRun(f"propylon migrate ended with {done.returncode}: {done.stderr[-300:]}")
