"""A Redis master with a replica, and a Sentinel that watches them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kit.redis_server import RedisServer, Sentinel, running
from tests.kit.waiting import eventually


@contextmanager
def running_pair(folder: Path) -> Iterator[tuple[RedisServer, RedisServer]]:
    """A master, and a replica that follows it."""
    for name in ("master", "replica"):
        (folder / name).mkdir()
    with running(RedisServer(folder / "master")) as master:
        replica = RedisServer(folder / "replica", "--replicaof", "127.0.0.1", str(master.port))
        with running(replica):
            eventually(lambda: replica.ask("INFO", "replication")["master_link_status"] == "up")
            yield master, replica


@contextmanager
def watched_pair(folder: Path) -> Iterator[tuple[RedisServer, RedisServer, Sentinel]]:
    """The same, and a Sentinel that knows both."""
    (folder / "sentinel").mkdir()
    with running_pair(folder) as (master, replica):
        sentinel = Sentinel(folder / "sentinel", master)
        with running(sentinel):
            eventually(sentinel.knows_replica)
            yield master, replica, sentinel


def wait_until_copied(master: RedisServer, replica: RedisServer) -> None:
    """Until the replica has all that the master was told before."""
    offset = master.ask("INFO", "replication")["master_repl_offset"]
    eventually(lambda: replica.ask("INFO", "replication")["slave_repl_offset"] >= offset)


def stop_following(replica: RedisServer) -> None:
    """Whatever its master is told from here on is lost with it."""
    replica.ask("REPLICAOF", "NO", "ONE")
