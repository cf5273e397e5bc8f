"""What is acknowledged survives every kill; what cannot be kept is said."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.client import get
from tests.kit.definitions import session, token_api
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.origin import Origin
from tests.kit.scenarios import acknowledged_writes_survive, children, wait_for_children
from tests.kit.waiting import eventually


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Origin() as origin, running_gateway([token_api(origin.url)], settings={"workers": 2}) as running:
        yield running


@pytest.mark.parametrize("what", ["control", "worker", "all"])
def test_no_acknowledged_write_is_lost_when_processes_are_killed(gateway: Gateway, what: str) -> None:
    figures = acknowledged_writes_survive(gateway, kills=2, what=what, seed=11)
    assert figures.acknowledged > 0
    assert figures.lost == []


def test_traffic_goes_on_while_control_is_stopped(gateway: Gateway) -> None:
    assert gateway.api("POST", "/tyk/keys/lasting", session("token")).status == 200
    control = children(gateway.pid)["control"]
    os.kill(control, signal.SIGSTOP)
    assert get(f"{gateway.url}/token/x", {"Authorization": "lasting"}).status == 200
    os.kill(control, signal.SIGCONT)
    assert gateway.api("GET", "/tyk/keys/lasting").status == 200


def test_a_quota_survives_the_end_of_everything(gateway: Gateway) -> None:
    body = session("token", quota_max=10, quota_renewal_rate=3600)
    assert gateway.api("POST", "/tyk/keys/careful", body).status == 200
    for _ in range(4):
        assert get(f"{gateway.url}/token/x", {"Authorization": "careful"}).status == 200
    gateway.kill()
    gateway.start()
    answer = get(f"{gateway.url}/token/x", {"Authorization": "careful"})
    assert answer.value("X-RateLimit-Remaining") == "5"


def test_damaged_meters_are_set_aside_and_said(gateway: Gateway) -> None:
    assert gateway.api("POST", "/tyk/keys/after", session("token")).status == 200
    gateway.stop()
    data = next(path for path in (gateway.folder / "data").rglob("data.mdb") if path.parent.name == "meters")
    damage(data)
    gateway.start()
    assert get(f"{gateway.url}/token/x", {"Authorization": "after"}).status == 200
    assert "set aside" in gateway.stderr_path.read_text()
    assert list(data.parent.parent.glob("meters.damaged-*"))


def damage(file: Path) -> None:
    """Garbage over every page behind the two meta pages."""
    with file.open("r+b") as handle:
        handle.seek(2 * 4096)
        handle.write(os.urandom(64 * 4096))


def test_children_end_when_the_parent_is_killed(gateway: Gateway) -> None:
    pids = list(wait_for_children(gateway, "control", "worker 1", "worker 2").values())
    os.kill(gateway.pid, signal.SIGKILL)
    eventually(lambda: not any(is_alive(pid) for pid in pids))
    gateway.kill()


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
