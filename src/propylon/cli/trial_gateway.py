"""A gateway for one trial: the real settings, but a folder, an address and a secret of its own, gone at the end.

Whoever runs a trial beside a gateway in production touches nothing of it: no port, no record, no counter, no file.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, Final, Self

from propylon.cli.calls import Answer, parse_url, send
from propylon.cli.gateway import Gateway, as_body

READY: Final = "propylon ready on "
READY_WITHIN_S: Final = 30.0
END_WITHIN_S: Final = 40.0
# What ties a gateway to its place. All else is as in the real one.
OWN: Final[Mapping[str, str]] = {
    "listen": "127.0.0.1:0",
    "control_listen": "",
    "control_on_listen": "true",
    "metrics_listen": "",
    "dashboard_listen": "",
    "records_url": "",
    "meters_url": "",
    "root_secret": "",
    "root_secret_command": "",
    "root_secret_other": "",
    "root_secret_other_command": "",
    "workers": "1",
}
LEFT_OUT: Final = ("tls_certificate", "tls_key", "app_path", "policy_path")


class NotStarted(Exception):
    """Its text is what the gateway wrote before it ended."""


class TrialGateway:
    """Use it in a `with`. Raises NotStarted."""

    def __init__(self, config: Path | None, more: Mapping[str, str]) -> None:
        self._config = config
        self._more = more
        self._secret = secrets.token_urlsafe(32)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="propylon-trial-")))
            stderr = stack.enter_context((folder / "stderr").open("w+"))
            process = stack.enter_context(self._started(folder, stderr))
            stack.callback(_end, process)
            self.gateway = Gateway(parse_url(_url(process, stderr)), self._secret, as_json=False)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def write(self, path: str, document: Mapping[str, Any]) -> None:
        self.gateway.demand_yes(self.gateway.call("POST", path, body=as_body(document)), f"POST {path}")

    def get(self, path: str, token: str) -> Answer:
        return send(self.gateway.address, "GET", path, {"Authorization": f"Bearer {token}"})

    def _started(self, folder: Path, stderr: IO[str]) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "propylon.cli.main", "serve"]
        command += [] if self._config is None else ["--config", str(_rest_of(self._config, folder))]
        environment = self._environment(folder)
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True)

    def _environment(self, folder: Path) -> dict[str, str]:
        given = {**OWN, **self._more, "data_dir": str(folder / "data"), "secret": self._secret}
        names = [f"PROPYLON_{name.upper()}" for name in (*given, *LEFT_OUT)]
        dropped = {*names, *(f"{name}_FILE" for name in names)}
        kept = {name: text for name, text in os.environ.items() if name not in dropped}
        return kept | {f"PROPYLON_{name.upper()}": text for name, text in given.items()}


def _end(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(END_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _url(process: "subprocess.Popen[str]", stderr: IO[str]) -> str:
    """Of the line that says so; a gateway that says nothing for too long is ended, which ends the reading."""
    assert process.stdout is not None
    too_long = threading.Timer(READY_WITHIN_S, process.kill)
    too_long.start()
    try:
        url = next((one.removeprefix(READY).strip() for one in process.stdout if one.startswith(READY)), "")
    finally:
        too_long.cancel()
    if not url:
        process.wait()
        stderr.seek(0)
        raise NotStarted(stderr.read().strip() or "it ended without a word")
    return url


def _rest_of(config: Path, folder: Path) -> Path:
    """The file of settings without those that tie the real gateway to its place."""
    try:
        settings = tomllib.loads(config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as trouble:
        raise NotStarted(f"{config} is not readable as TOML: {trouble}") from None
    rest = {name: value for name, value in settings.items() if name not in (*OWN, *LEFT_OUT)}
    copy = folder / "settings.toml"
    copy.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in rest.items()), encoding="utf-8")
    return copy
