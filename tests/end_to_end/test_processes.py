"""Start, stop and the processes in between, as whoever operates the gateway sees them."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.kit.client import get
from tests.kit.definitions import keyless_api
from tests.kit.gateway import running_gateway
from tests.kit.origin import Origin
from tests.kit.scenarios import wait_for_children
from tests.kit.waiting import eventually


def serve(environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    clean = {name: text for name, text in os.environ.items() if not name.startswith("PROPYLON_")}
    command = [sys.executable, "-m", "propylon.cli.main", "serve"]
    return subprocess.run(
        command, env=clean | dict(environment), capture_output=True, text=True, timeout=30, check=False
    )


def test_every_wrong_setting_is_named_and_the_exit_code_is_2(tmp_path: Path) -> None:
    wrong = {"PROPYLON_DATA_DIR": str(tmp_path), "PROPYLON_LISTEN": "nowhere", "PROPYLON_WORKERS": "0"}
    ended = serve(wrong)
    assert ended.returncode == 2
    for name in ("secret", "listen", "workers"):
        assert name in ended.stderr


def test_a_missing_secret_says_how_to_make_one(tmp_path: Path) -> None:
    ended = serve({"PROPYLON_DATA_DIR": str(tmp_path)})
    assert ended.returncode == 2
    assert "secrets.token_urlsafe" in ended.stderr


def test_an_address_in_use_is_named_and_the_exit_code_is_2(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = serve({"PROPYLON_DATA_DIR": str(tmp_path), "PROPYLON_SECRET": "x" * 32, "PROPYLON_LISTEN": address})
    assert ended.returncode == 2
    assert address in ended.stderr
    assert "set another listen" in ended.stderr


def test_a_data_dir_serves_one_gateway_only() -> None:
    with running_gateway() as gateway:
        environment = {"PROPYLON_SECRET": "x" * 32, "PROPYLON_LISTEN": "127.0.0.1:0"}
        ended = serve(environment | {"PROPYLON_DATA_DIR": str(gateway.folder / "data")})
    assert ended.returncode == 2
    assert "data_dir" in ended.stderr


def test_another_root_secret_is_refused_and_both_fingerprints_are_named() -> None:
    with running_gateway() as gateway:
        gateway.stop()
        environment = {
            "PROPYLON_SECRET": "x" * 32,
            "PROPYLON_LISTEN": "127.0.0.1:0",
            "PROPYLON_DATA_DIR": str(gateway.folder / "data"),
            "PROPYLON_ROOT_SECRET": "another-root-secret-" + "0123456789abcdef" * 3,
        }
        ended = serve(environment)
    assert ended.returncode == 2
    assert ended.stderr.count("sha256:") >= 2


def test_process_titles_say_what_each_process_is() -> None:
    with running_gateway(settings={"workers": 2}, by_command=True) as gateway:
        wait_for_children(gateway, "control", "worker 1", "worker 2")
        assert Path(f"/proc/{gateway.pid}/cmdline").read_bytes().startswith(b"propylon: parent")


@pytest.mark.parametrize("how", ["reload", "hangup"])
def test_files_are_read_again(how: str) -> None:
    with Origin() as origin, running_gateway([keyless_api(origin.url, "old")], by_command=True) as gateway:
        apps = gateway.folder / "apps"
        (apps / "new.json").write_text(json.dumps(keyless_api(origin.url, "new")))
        (apps / "old.json").unlink()
        if how == "reload":
            answer = gateway.api("GET", "/tyk/reload?block=true")
            assert (answer.status, answer.json()["status"]) == (200, "ok")
        else:
            os.kill(gateway.pid, signal.SIGHUP)
            eventually(lambda: get(f"{gateway.url}/new/x").status == 200)
        assert get(f"{gateway.url}/new/x").status == 200
        assert get(f"{gateway.url}/old/x").status == 404


def test_an_invalid_file_changes_nothing_and_is_said() -> None:
    with Origin() as origin, running_gateway([keyless_api(origin.url, "steady")]) as gateway:
        (gateway.folder / "apps" / "steady.json").write_text("{not json")
        answer = gateway.api("GET", "/tyk/reload?block=true").json()
        assert "steady.json" in json.dumps(answer["problems"])
        assert get(f"{gateway.url}/steady/x").status == 200


def test_what_a_file_owns_the_api_does_not_change() -> None:
    with Origin() as origin, running_gateway([keyless_api(origin.url, "owned")]) as gateway:
        answer = gateway.api("PUT", "/tyk/apis/owned", keyless_api(origin.url, "owned", name="taken"))
        assert answer.status == 409
        assert "owned.json" in answer.body.decode()


def test_hello_and_ready_answer() -> None:
    with running_gateway() as gateway:
        assert get(f"{gateway.url}/hello").json()["status"] == "pass"
        ready = get(f"{gateway.url}/ready")
        assert (ready.status, ready.json()["status"]) == (200, "pass")


def test_the_gateway_api_wants_its_secret() -> None:
    with running_gateway() as gateway:
        answer = gateway.api("GET", "/tyk/apis", secret="wrong")
        assert answer.status == 403
        assert answer.json()["message"] == "Attempted administrative access with invalid or missing key!"
