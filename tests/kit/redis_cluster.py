"""A real Redis Cluster for a test: three masters, of which the first has the slot of meters, and a replica of it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from propylon.stores.redis_place import SLOT
from tests.kit.ports import free_port
from tests.kit.redis_server import RedisServer, running
from tests.kit.waiting import eventually

SLOTS = 16_384
OPTIONS = (
    *("--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-require-full-coverage", "no"),
    *("--repl-diskless-sync-delay", "0"),
)


class Cluster(NamedTuple):
    ours: RedisServer
    replica: RedisServer  # of ours
    other: RedisServer
    third: RedisServer  # a majority of masters has to agree that one is gone

    def url(self) -> str:
        """Names the one that has nothing to say of our slot first."""
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in (self.other, self.replica, self.ours))
        return f"redis+cluster://{hosts}"

    def has_slot(self, server: RedisServer) -> bool:
        """As the other master believes, which clients are told by."""
        slots = self.other.ask("CLUSTER SLOTS")
        return any(first <= SLOT <= last and master[1] == server.port for first, last, master, *_ in slots)

    def give_slot_to_other(self) -> None:
        """As resharding does: the keys are copied one by one, and then the slot is the other's."""
        for server, state, node in ((self.other, "IMPORTING", self.ours), (self.ours, "MIGRATING", self.other)):
            server.ask("CLUSTER", "SETSLOT", SLOT, state, node.ask("CLUSTER", "MYID"))
        while keys := self.ours.ask("CLUSTER", "GETKEYSINSLOT", SLOT, 100):
            self.ours.ask("MIGRATE", "127.0.0.1", self.other.port, "", 0, 5000, "KEYS", *keys)
        for server in (self.other, self.ours):
            server.ask("CLUSTER", "SETSLOT", SLOT, "NODE", self.other.ask("CLUSTER", "MYID"))


@contextlib.contextmanager
def running_cluster() -> Iterator[Cluster]:
    with TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        servers, buses = [], []
        for at in Cluster._fields:
            folder = Path(name) / at
            folder.mkdir()
            bus = str(free_port())  # where it would choose one by itself, connections of others may be
            servers.append(stack.enter_context(running(RedisServer(folder, *OPTIONS, "--cluster-port", bus))))
            buses.append(bus)
        cluster = Cluster(*servers)
        cluster.ours.ask("CLUSTER", "ADDSLOTSRANGE", 0, SLOTS - 3)
        cluster.other.ask("CLUSTER", "ADDSLOTS", SLOTS - 2)
        cluster.third.ask("CLUSTER", "ADDSLOTS", SLOTS - 1)
        for number, server in enumerate(servers, 1):
            server.ask("CLUSTER", "SET-CONFIG-EPOCH", number)
        for server in servers[1:]:
            server.ask("CLUSTER", "MEET", "127.0.0.1", cluster.ours.port, buses[0])
        eventually(lambda: all(_agrees(server) for server in servers))
        cluster.replica.ask("CLUSTER", "REPLICATE", cluster.ours.ask("CLUSTER", "MYID"))
        eventually(lambda: cluster.replica.ask("INFO", "replication").get("master_link_status") == "up")
        yield cluster


def _agrees(server: RedisServer) -> bool:
    said = server.ask("CLUSTER INFO")
    return bool(said["cluster_state"] == "ok" and said["cluster_known_nodes"] == str(len(Cluster._fields)))
