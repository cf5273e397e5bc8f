"""A real PostgreSQL for a test: a server of its own on a free port, which may be killed, frozen, stopped and followed.

`shared_server` is one for all tests of a process, quick since nothing it holds outlives them; tests that kill or freeze
make their own. A missing PostgreSQL is a failure, never a skip.
"""

import atexit
import contextlib
import functools
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.kit.ports import free_port

SAFETY_S = 30.0  # a bound against hanging, never something a test asserts
USER = "propylon"
SMALL = "16MB"
AS_IT_COMES = "128MB"  # of PostgreSQL's own settings, for what is measured
_OWN_LOCALE = ("--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")  # not by bytes
_names = itertools.count(1)


class PostgresServer:
    """One server and its folder. `start` and `kill` may alternate; `close` removes everything."""

    def __init__(self, folder: Path, *, is_durable: bool = True, buffers: str = SMALL) -> None:
        self.folder = folder
        self.port = free_port()
        self._fsync = "on" if is_durable else "off"
        self._buffers = buffers
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """As `records_url`."""
        return f"postgresql+asyncpg://{USER}@127.0.0.1:{self.port}/{database}"

    @property
    def pid(self) -> int:
        """Of the postmaster, which forks all others."""
        assert self._process is not None, "PostgreSQL is not running"
        return self._process.pid

    def start(self) -> None:
        """Returns once it takes connections."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": self._fsync,
            "max_connections": 60,
            "shared_buffers": self._buffers,
        }
        given = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program("postgres"), "-D", self.folder, *given], stdout=log, stderr=log, **_owner()
            )
        give_up = time.monotonic() + SAFETY_S
        while not self._is_ready():
            assert self._process.poll() is None, f"PostgreSQL ended at once:\n{self.log()}"
            assert time.monotonic() < give_up, f"PostgreSQL is not ready after {SAFETY_S:g} s:\n{self.log()}"
            time.sleep(0.01)

    def log(self) -> str:
        return (self.folder.parent / f"{self.folder.name}.log").read_text()

    def stop(self) -> None:
        """As an operator does: running transactions are rolled back, connections end."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL to each of its processes."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """It keeps its connections and takes new ones, and answers nothing."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def sql(self, database: str, statement: str) -> str:
        """What psql answers, without decoration; a statement that fails fails the test."""
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-d", database]
        command = [program("psql"), *where, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=SAFETY_S, check=False)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def new_database(self, template: str = "template1") -> str:
        """Its name; a copy of another one that nobody is connected to."""
        name = f"d{next(_names)}"
        self.sql("postgres", f'CREATE DATABASE {name} TEMPLATE "{template}"')
        return name

    def drop_database(self, name: str) -> None:
        """Also under the feet of whoever is connected."""
        self.sql("postgres", f"DROP DATABASE {name} WITH (FORCE)")

    @contextlib.contextmanager
    def standby(self) -> "Iterator[PostgresServer]":
        """A hot standby of this server, at its heels."""
        folder = Path(tempfile.mkdtemp(dir=self.folder.parent))
        _give_away(folder)
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-D", str(folder)]
        _run([program("pg_basebackup"), *where, "-R", "-X", "stream", "-c", "fast", "--no-sync"])
        follower = PostgresServer(folder)
        follower.start()
        try:
            yield follower
        finally:
            follower.kill()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        assert process is not None, "PostgreSQL is not running"
        others = _children(process.pid)
        process.send_signal(signal.SIGCONT)  # a frozen one takes no other signal than SIGKILL
        process.send_signal(how)
        if how is signal.SIGKILL:
            for pid in others:
                _signal(pid, signal.SIGKILL)
        process.wait(SAFETY_S)
        give_up = time.monotonic() + SAFETY_S
        while any(_is_alive(pid) for pid in others):
            assert time.monotonic() < give_up, "processes of PostgreSQL stay"
            time.sleep(0.01)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None, "PostgreSQL is not running"
        for pid in (self._process.pid, *_children(self._process.pid)):
            _signal(pid, number)

    def _is_ready(self) -> bool:
        """Its own word for it, in a file; one that recovers says so after it has."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        assert self._process is not None
        return lines[:1] == [str(self._process.pid)] and lines[-1].strip() == "ready"


def process_states(server: PostgresServer) -> set[str]:
    """As the kernel names them; T: stopped."""
    assert server._process is not None
    return {_status(pid)[0] for pid in (server._process.pid, *_children(server._process.pid))}


@contextlib.contextmanager
def own_server(*, is_durable: bool = True, buffers: str = SMALL) -> Iterator[PostgresServer]:
    """Started; for whoever ends it or lets it stand still, or measures it."""
    with _cluster(is_durable=is_durable, buffers=buffers) as server:
        server.start()
        try:
            yield server
        finally:
            if server._process is not None:
                server.kill()


@functools.cache
def shared_server() -> PostgresServer:
    """Ends with this process."""
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    server = stack.enter_context(_cluster(is_durable=False, buffers=SMALL))
    server.start()
    stack.callback(server.kill)
    return server


@contextlib.contextmanager
def _cluster(*, is_durable: bool, buffers: str) -> Iterator[PostgresServer]:
    """In /tmp, as the owner must be able to reach it; pytest's folders are for one user alone."""
    folder = Path(tempfile.mkdtemp(prefix="propylon-postgres-"))
    try:
        _give_away(folder)
        _run([program("initdb"), "-D", folder / "data", "-U", USER, "--auth=trust", "--no-sync", *_OWN_LOCALE])
        yield PostgresServer(folder / "data", is_durable=is_durable, buffers=buffers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
        found = str(versions[-1]) if versions else None
    assert found is not None, f"{name} is missing: install PostgreSQL, with apt-get install postgresql"
    return found


def _owner() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    user = _user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        user = _user()
        os.chown(folder, user.pw_uid, user.pw_gid)


def _run(command: Sequence[str | Path]) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=SAFETY_S, check=False, **_owner())
    assert ended.returncode == 0, f"{command[0]}: {ended.stderr}"


def _children(parent: int) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if _status(pid)[1:2] == [str(parent)]]


def _is_alive(pid: int) -> bool:
    return _status(pid)[:1] not in ([], ["Z"])


def _status(pid: int) -> list[str]:
    """State and parent, and more; nothing of a process that is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
