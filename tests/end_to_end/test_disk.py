"""A disk without room: at start it is said, with exit code 2; later writes are refused and traffic goes on."""

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.client import get
from tests.kit.definitions import session, token_api
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.origin import Origin
from tests.kit.scenarios import children, wait_for_children

MIB = 1 << 20
SMALL_MAPS = {"meters_map_bytes": MIB, "usage_map_bytes": MIB}


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of its own, in memory."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return filler


def serve(
    data_dir: Path, before: Callable[[], None] | None = None, **settings: Any
) -> "subprocess.CompletedProcess[str]":
    clean = {name: text for name, text in os.environ.items() if not name.startswith("PROPYLON_")}
    given = {"listen": "127.0.0.1:0", "secret": "x" * 32, "workers": 1, "data_dir": data_dir} | settings
    environment = clean | {f"PROPYLON_{name.upper()}": str(value) for name, value in given.items()}
    command = [sys.executable, "-m", "propylon.cli.main", "serve"]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=30, check=False, preexec_fn=before
    )


def test_meters_without_room_are_said_with_the_path_and_the_bytes(tmp_path: Path) -> None:
    free = os.statvfs(tmp_path)
    wanted = (free.f_blocks * free.f_frsize + 1024 * MIB) // 4096 * 4096
    ended = serve(tmp_path, meters_map_bytes=wanted)
    assert ended.returncode == 2
    assert f"{tmp_path}/meters: the disk has " in ended.stderr
    assert f"the map needs {wanted} more; make room or set a smaller map" in ended.stderr


@pytest.mark.parametrize("limit_bytes", [16 * MIB, 2048])
def test_a_limit_of_file_size_ends_the_start_and_no_signal_does(tmp_path: Path, limit_bytes: int) -> None:
    ended = serve(tmp_path, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes)))
    assert ended.returncode == 2
    assert "propylon cannot start: " in ended.stderr
    assert str(tmp_path) in ended.stderr
    assert "signal" not in ended.stderr


@pytest.mark.parametrize("size", ["64k", "1m", "3m"])
def test_a_data_dir_on_a_small_disk_is_said_with_the_path_and_the_bytes(tmp_path: Path, size: str) -> None:
    with small_disk(tmp_path / "disk", size) as disk:
        ended = serve(disk / "data", meters_map_bytes=3 * MIB)
    assert ended.returncode == 2
    assert str(disk) in ended.stderr
    assert "bytes free" in ended.stderr
    assert "signal" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_full_disk_at_start_is_said(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1m") as disk:
        fill(disk)
        ended = serve(disk / "data")
    assert ended.returncode == 2
    assert f"{disk}/data" in ended.stderr
    assert "No space left on device" in ended.stderr


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as running:
        yield running


@contextlib.contextmanager
def gateway_on(disk: Path, origin: Origin) -> Iterator[Gateway]:
    with running_gateway([token_api(origin.url)], settings={**SMALL_MAPS, "data_dir": f"{disk}/data"}) as gateway:
        yield gateway


def write_until_refused(gateway: Gateway) -> tuple[list[str], int]:
    """The keys that were acknowledged, and the status of the first that was not."""
    body = session("token", quota_max=1000, quota_renewal_rate=3600, meta_data={"padding": "x" * 3000})
    kept: list[str] = []
    while (status := gateway.api("POST", f"/tyk/keys/key-{len(kept)}", body).status) == 200:
        kept.append(f"key-{len(kept)}")
        assert len(kept) < 5000, "the disk does not get full"
    return kept, status


def test_on_a_full_disk_writes_are_refused_and_traffic_goes_on(tmp_path: Path, origin: Origin) -> None:
    with small_disk(tmp_path / "disk", "6m") as disk, gateway_on(disk, origin) as gateway:
        assert gateway.api("POST", "/tyk/keys/early", session("token", rate=100, per=1)).status == 200
        workers = wait_for_children(gateway, "control", "worker 1")
        filler = fill(disk)
        kept, status = write_until_refused(gateway)
        assert status in (503, 507)
        for method, path, body in refused_writes(origin):
            assert gateway.api(method, path, body).status in (503, 507), path
        for key in ["early", *kept, "early"]:
            assert get(f"{gateway.url}/token/x", {"Authorization": key}).status == 200, key
        assert get(f"{gateway.url}/token/x", {"Authorization": f"key-{len(kept)}"}).status == 403
        assert {gateway.api("GET", f"/tyk/keys/{key}").status for key in ["early", *kept]} == {200}
        filler.unlink()
        assert gateway.api("POST", "/tyk/keys/late", session("token")).status == 200
        assert get(f"{gateway.url}/token/x", {"Authorization": "late"}).status == 200
        assert children(gateway.pid) == workers


def refused_writes(origin: Origin) -> Iterator[tuple[str, str, Any]]:
    padding = {"padding": "x" * 100_000}  # more than what may be left in a page
    yield "POST", "/tyk/apis", token_api(origin.url, "another", config_data=padding)
    yield "POST", "/tyk/policies", {"id": "another", "access_rights": session("token")["access_rights"], **padding}
    yield "PUT", "/tyk/keys/early", session("token", meta_data=padding)


def test_a_gateway_whose_disk_is_full_stops_and_starts_again_once_there_is_room(tmp_path: Path, origin: Origin) -> None:
    with small_disk(tmp_path / "disk", "6m") as disk, gateway_on(disk, origin) as gateway:
        assert (
            gateway.api("POST", "/tyk/keys/early", session("token", quota_max=9, quota_renewal_rate=60)).status == 200
        )
        filler = fill(disk)
        assert get(f"{gateway.url}/token/x", {"Authorization": "early"}).status == 200
        gateway.stop()
        filler.unlink()
        gateway.start()
        answer = get(f"{gateway.url}/token/x", {"Authorization": "early"})
        assert (answer.status, answer.value("X-RateLimit-Remaining")) == (200, "7")
