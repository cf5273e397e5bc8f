"""The control process as its parent sees it: what it has done before its first beat, and how it ends."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from propylon.stores.sealing import RootSecret
from tests.kit.definitions import keyless_api, session

SAFETY_S = 30.0
SECRET = "the-secret-of-this-gateway"
MAPS = {"meters_map_bytes": 2**20, "usage_map_bytes": 2**20}
CHILD = """
import json, sys
from pathlib import Path
from propylon.control_child import ControlChild, be_control
from propylon.settings import Settings
from propylon.stores.root_secrets import RootSecrets
from propylon.stores.sealing import RootSecret

given = json.loads(sys.argv[1])
settings = Settings(**given["settings"])
assert not {"fastapi", "uvicorn"} & set(sys.modules)
be_control(ControlChild(
    settings=settings, since=0.0, socket_path=given["socket"],
    root_secrets=RootSecrets(RootSecret.from_text(given["root_secret"])),
    beat_fd=given["beat_fd"], lifeline_fd=given["lifeline_fd"], takes_over=False,
))
"""


class Control:
    """One control process in a folder; the test is its parent."""

    def __init__(self, folder: Path, root_secret: str, **settings: Any) -> None:
        self.folder = folder
        self.socket = str(folder / "control")
        beat_read, beat_write = os.pipe()
        lifeline_read, self.lifeline = os.pipe()
        given = {
            "settings": {"secret": SECRET, "data_dir": str(folder), **MAPS} | settings,
            "socket": self.socket,
            "root_secret": root_secret,
            "beat_fd": beat_write,
            "lifeline_fd": lifeline_read,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD, json.dumps(given)],
            pass_fds=(beat_write, lifeline_read),
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(beat_write)
        os.close(lifeline_read)
        self._beats = os.fdopen(beat_read, "rb", buffering=0)
        self._watchdog = threading.Timer(SAFETY_S, self.process.kill)
        self._watchdog.start()

    def beats(self) -> bool:
        """Waits for a beat; False when the process has ended."""
        return bool(self._beats.read(1))

    def call(self, method: str, path: str, body: Any = None, secret: str = SECRET) -> httpx.Response:
        with httpx.Client(transport=httpx.HTTPTransport(uds=self.socket), timeout=SAFETY_S) as client:
            return client.request(method, f"http://gateway{path}", json=body, headers={"X-Tyk-Authorization": secret})

    def wait(self) -> tuple[int, str]:
        """Exit code and standard error."""
        if self.process.stderr is not None and not self.process.stderr.closed:
            _, self._stderr = self.process.communicate()
        return self.process.returncode, self._stderr

    def close(self) -> None:
        self._watchdog.cancel()
        self._beats.close()
        with contextlib.suppress(OSError):
            os.close(self.lifeline)
        self.process.kill()
        self.wait()


@pytest.fixture
def root_secret() -> str:
    return "5f0c" * 4 + "a1b2c3d4e5f60718" * 3


@pytest.fixture
def control(tmp_path: Path, root_secret: str) -> Iterator[Control]:
    (tmp_path / "apis").mkdir()
    (tmp_path / "apis" / "a.json").write_text(json.dumps(keyless_api("http://u/", "a")))
    with contextlib.closing(Control(tmp_path, root_secret, app_path=str(tmp_path / "apis"))) as control:
        yield control


def test_after_the_first_beat_files_are_loaded_and_requests_are_answered(control: Control) -> None:
    assert control.beats()
    assert [one["api_id"] for one in control.call("GET", "/tyk/apis").json()] == ["a"]
    assert control.call("GET", "/tyk/apis", secret="wrong").status_code == 403
    assert Path(control.socket).stat().st_mode & 0o777 == 0o600
    assert control.beats()


@pytest.mark.parametrize("how", ["SIGTERM", "parent gone"])
def test_it_ends_by_itself_when_told_to_or_left_alone(control: Control, how: str) -> None:
    assert control.beats()
    assert control.call("POST", "/tyk/keys/custom", session("a")).status_code == 200
    if how == "SIGTERM":
        control.process.send_signal(signal.SIGTERM)
    else:
        os.close(control.lifeline)
    assert control.wait() == (0, "")


def test_what_was_written_is_there_after_a_kill(control: Control, tmp_path: Path, root_secret: str) -> None:
    control.beats()
    assert control.call("POST", "/tyk/keys/custom", session("a")).status_code == 200
    control.process.kill()
    control.wait()
    with contextlib.closing(Control(tmp_path, root_secret)) as again:
        again.beats()
        assert again.call("GET", "/tyk/keys/custom").status_code == 200


def test_sighup_reads_the_files_again(control: Control) -> None:
    control.beats()
    control.call("GET", "/tyk/apis")
    (control.folder / "apis" / "a.json").unlink()
    control.process.send_signal(signal.SIGHUP)
    while control.call("GET", "/tyk/apis").json():
        assert control.beats()


def test_another_root_secret_is_exit_2_and_names_both(control: Control, tmp_path: Path, root_secret: str) -> None:
    control.beats()
    control.process.terminate()
    control.wait()
    other = "0123456789abcdef" * 4
    with contextlib.closing(Control(tmp_path, other)) as refused:
        assert not refused.beats()
        code, stderr = refused.wait()
    assert code == 2
    assert stderr.startswith("propylon cannot start: ")
    assert RootSecret.from_text(root_secret).fingerprint in stderr
    assert RootSecret.from_text(other).fingerprint in stderr


@pytest.mark.parametrize("setting", ["control_listen", "metrics_listen"])
def test_an_address_in_use_is_exit_2_with_a_remedy(tmp_path: Path, root_secret: str, setting: str) -> None:
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with contextlib.closing(Control(tmp_path, root_secret, **{setting: address})) as refused:
            code, stderr = refused.wait()
    assert code == 2
    assert f"{setting} {address}" in stderr
