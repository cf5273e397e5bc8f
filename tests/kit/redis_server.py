"""Real Redis servers for a test, each with a port and a folder of its own, and a Sentinel that watches some of them."""

import atexit
import contextlib
import functools
import itertools
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from tests.kit.ports import free_port
from tests.kit.waiting import SAFETY_S, eventually

DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec", "--save", "")
SERVICE = "meters"  # what a Sentinel here calls its master
DATABASES = 16_384  # of the server that many tests share
SMALL_ROOM_BYTES = 512 * 1024

_numbers = itertools.count()


class RedisServer:
    """One redis-server; it may be stopped, killed, paused and started again on the same port and folder."""

    def __init__(self, folder: Path, *options: str, port: int | None = None, program: str = "redis-server") -> None:
        self.folder = folder
        self.port = port or free_port()
        self._command = [_path_of(program), *self._arguments(options)]
        self._log = folder / f"{program}-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def _arguments(self, options: tuple[str, ...]) -> list[str]:
        return ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), *DURABLE, *options]

    def url(self, database: int = 0) -> str:
        return f"redis://127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server is not running"
        return self._process.pid

    def start(self) -> None:
        """Returns once it has read its data and answers."""
        with self._log.open("a") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, start_new_session=True)
        eventually(self._answers)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"it ended:\n{self._log.read_text()}"
        try:
            return self.ask("PING") is not None
        except RedisError:
            return False

    def ask(self, *command: str | int, database: int = 0) -> Any:
        """The answer of one command on a connection of its own."""
        with Redis(port=self.port, db=database, protocol=2, socket_timeout=SAFETY_S) as client:
            return client.execute_command(*command)

    def calls_of(self, command: str) -> int:
        """How often the server was asked that since its counters were reset (CONFIG RESETSTAT)."""
        found = self.ask("INFO", "commandstats").get(f"cmdstat_{command}", {"calls": 0})
        return int(found["calls"])

    def leave_room(self, room_bytes: int) -> None:
        """It refuses to grow by more than that from here."""
        used_bytes = self.ask("INFO", "memory")["used_memory"]
        self.ask("CONFIG", "SET", "maxmemory", used_bytes + room_bytes)

    def stop(self) -> None:
        """SIGTERM: it writes what it has and ends."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL; also of one that is paused."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None, "the server is not running"
        self._process.send_signal(how)
        self._process.wait(SAFETY_S)
        self._process = None

    def pause(self) -> None:
        """SIGSTOP: connections are accepted and bytes taken by the system, and nobody answers."""
        assert self._process is not None, "the server is not running"
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None, "the server is not running"
        self._process.send_signal(signal.SIGCONT)

    @property
    def is_running(self) -> bool:
        return self._process is not None


class Sentinel(RedisServer):
    """One redis-sentinel that watches a master, and makes a replica the master half a second after that is gone."""

    def __init__(self, folder: Path, master: RedisServer) -> None:
        self._config = folder / "sentinel.conf"
        super().__init__(folder, program="redis-sentinel")
        self._config.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {folder}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {master.port} 1\n"
            f"sentinel down-after-milliseconds {SERVICE} 500\n"
            f"sentinel failover-timeout {SERVICE} 3000\n"
        )

    def _arguments(self, options: tuple[str, ...]) -> list[str]:
        return [str(self._config)]

    def url(self, database: int = 0) -> str:
        return f"redis+sentinel://127.0.0.1:{self.port}/{SERVICE}/{database}"

    def master_port(self) -> int:
        """As it would tell a client."""
        return int(self.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)[1])

    def knows_replica(self) -> bool:
        return bool(self.ask("SENTINEL", "REPLICAS", SERVICE))


@contextlib.contextmanager
def running_redis(*options: str) -> Iterator[RedisServer]:
    """A server in a folder of its own, which is gone with it."""
    with TemporaryDirectory() as folder, running(RedisServer(Path(folder), *options)) as server:
        yield server


@contextlib.contextmanager
def running(server: RedisServer) -> Iterator[RedisServer]:
    server.start()
    try:
        yield server
    finally:
        if server.is_running:
            server.kill()


def url_in(folder: Path) -> str:
    """Of an empty database on a server that this process shares among tests; the same one for the same folder.

    Other processes find it by the folder, too, while the one that asked first lives.
    """
    place = folder / "redis.url"
    if not place.exists():
        folder.mkdir(parents=True, exist_ok=True)
        place.write_text(_shared().url(next(_numbers)))
    return place.read_text()


def small_url_in(folder: Path) -> str:
    """The same on a server with SMALL_ROOM_BYTES left. It has one such folder at a time: a new one empties it."""
    place = folder / "redis.url"
    if not place.exists():
        server = _small()
        server.ask("FLUSHALL")
        server.leave_room(SMALL_ROOM_BYTES)
        place.write_text(server.url())
    return place.read_text()


@functools.cache
def _shared() -> RedisServer:
    return _until_exit("--databases", str(DATABASES))


@functools.cache
def _small() -> RedisServer:
    return _until_exit("--appendonly", "no")


def _until_exit(*options: str) -> RedisServer:
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    server = RedisServer(Path(folder.name), *options)
    server.start()
    atexit.register(server.kill)
    return server


def _path_of(program: str) -> str:
    path = shutil.which(program)
    assert path is not None, f"{program} is missing: install the apt package {program}"
    return path
