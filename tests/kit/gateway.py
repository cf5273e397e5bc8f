"""A real gateway for a test: `propylon serve` as a process with its own folder, address and secret."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from tests.kit.client import Response, request
from tests.kit.ports import free_port
from tests.kit.process import Forked, Process, begun
from tests.kit.waiting import eventually

SAFETY_S = 30.0  # a bound against hanging, never something a test asserts
READY = "propylon ready on "
BY_COMMAND = "PYTEST_VERSION" not in os.environ  # bench and soak measure what people begin
SETTINGS: Mapping[str, Any] = {"workers": 1}

Definition = Mapping[str, Any]


class Gateway:
    """One `propylon serve`; it may be stopped, killed and started again on the same folder."""

    def __init__(self, folder: Path, settings: Mapping[str, Any], *, by_command: bool = BY_COMMAND) -> None:
        self.folder = folder
        self.secret = secrets.token_urlsafe(16)
        self.port = free_port()
        own = {"listen": f"127.0.0.1:{self.port}", "secret": self.secret, "data_dir": str(folder / "data")}
        self.config = folder / "propylon.toml"
        self.config.write_text(
            "".join(f"{name} = {json.dumps(value)}\n" for name, value in (own | dict(settings)).items())
        )
        self.stderr_path = folder / "stderr"
        self._begin = begun if by_command else Forked
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        """Where the Gateway API is."""
        return self.url

    @property
    def pid(self) -> int:
        """Of the parent."""
        return self._running().pid

    def api(self, method: str, path: str, body: Any = None, secret: str | None = None) -> Response:
        """A call of the Gateway API; `body` is sent as JSON."""
        fields = {"X-Tyk-Authorization": self.secret if secret is None else secret}
        return request(method, self.url + path, None if body is None else json.dumps(body).encode(), fields)

    def start(self) -> None:
        """Returns once it is ready."""
        environment = {name: text for name, text in os.environ.items() if not name.startswith("PROPYLON_")}
        self._process = self._begin(["serve", "--config", str(self.config)], environment, self.stderr_path)
        assert self._process.stdout is not None
        reading = _Reading(self._process.stdout)
        if not reading.line_seen.wait(SAFETY_S) or not reading.ready:
            self.kill()
            raise AssertionError(f"not ready, stdout {reading.lines}, stderr:\n{self.stderr_path.read_text()}")

    def stop(self) -> None:
        """SIGTERM; it must end by itself, with 0, and leave no process behind."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        try:
            status: int | str = process.wait(SAFETY_S)
        except subprocess.TimeoutExpired:
            status = f"nothing within {SAFETY_S} s"
        left = _kill_group(process.pid)
        process.wait(SAFETY_S)
        self._process = None
        assert status == 0, f"ended with {status}, stderr:\n{self.stderr_path.read_text()}"
        assert not left, f"left processes behind, stderr:\n{self.stderr_path.read_text()}"

    def kill(self) -> None:
        """SIGKILL to all of its processes at once; returns when none of them holds anything any more."""
        process = self._running()
        _kill_group(process.pid)
        process.wait(SAFETY_S)
        eventually(lambda: not _is_anybody_running(process.pid))
        self._process = None

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def _running(self) -> Process:
        assert self._process is not None, "the gateway is not running"
        return self._process


class _Reading:
    """Reads a stdout to its end, so that it never fills; knows whether the ready line came."""

    def __init__(self, stdout: IO[str]) -> None:
        self.lines: list[str] = []
        self.ready = False
        self.line_seen = threading.Event()  # the ready line, or the end
        threading.Thread(target=self._read, args=(stdout,), daemon=True).start()

    def _read(self, stdout: IO[str]) -> None:
        with stdout:
            for line in stdout:
                self.lines.append(line)
                if line.startswith(READY):
                    self.ready = True
                    self.line_seen.set()
        self.line_seen.set()


@contextlib.contextmanager
def running_gateway(
    apis: Sequence[Definition] = (),
    policies: Sequence[Definition] = (),
    settings: Mapping[str, Any] | None = None,
    *,
    by_command: bool = BY_COMMAND,
) -> Iterator[Gateway]:
    """A gateway with these definitions as files; stopped at the end. Its stderr is printed when the test fails."""
    with TemporaryDirectory(prefix="propylon-") as name:
        folder = Path(name)
        paths = {
            "app_path": write_definitions(folder / "apps", apis, "api_id"),
            "policy_path": write_definitions(folder / "policies", policies, "id"),
        }
        gateway = Gateway(folder, {**SETTINGS, **paths, **(settings or {})}, by_command=by_command)
        gateway.start()
        try:
            yield gateway
        except BaseException:
            print(gateway.stderr_path.read_text(), file=sys.stderr)
            if gateway.is_running:
                gateway.kill()
            raise
        if gateway.is_running:
            gateway.stop()


def write_definitions(folder: Path, definitions: Sequence[Definition], id_field: str) -> str:
    folder.mkdir()
    for definition in definitions:
        (folder / f"{definition[id_field]}.json").write_text(json.dumps(definition))
    return str(folder)


def _kill_group(leader: int) -> bool:
    """Whether there was anybody left to kill."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _is_anybody_running(leader: int) -> bool:
    """Of the group; who has ended and was not taken note of by their parent is not."""
    return any(state not in "ZX" and int(group) == leader for state, group in _states())


def _states() -> Iterator[tuple[str, str]]:
    """State and process group of each process there is."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
            yield state, group
