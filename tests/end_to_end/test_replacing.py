"""What meets a process that is just being replaced."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.client import get
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.scenarios import wait_for_children
from tests.kit.waiting import eventually


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with running_gateway(settings={"workers": 2, "worker_stall_s": 2}) as running:
        yield running


@pytest.mark.parametrize("_try", range(4))
def test_an_end_that_meets_a_newborn_worker_is_an_end(gateway: Gateway, _try: int) -> None:
    """It was lost when it came before the newborn had its own answers to signals; the end took 35 s then."""
    listed = Path(f"/proc/{gateway.pid}/task/{gateway.pid}/children")
    known = {*listed.read_text().split()}
    os.kill(wait_for_children(gateway, "worker 1")["worker 1"], signal.SIGKILL)
    eventually(lambda: not {*listed.read_text().split()} <= known)
    gateway.stop()


def test_a_stopped_control_process_is_replaced_when_a_worker_may_wait_for_its_lock(gateway: Gateway) -> None:
    titles = ("control", "worker 1")
    stopped = [wait_for_children(gateway, *titles)[title] for title in titles]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    eventually(lambda: not {*stopped} & {*wait_for_children(gateway, *titles).values()})
    eventually(lambda: gateway.api("GET", "/tyk/apis").status == 200)
    assert get(f"{gateway.url}/hello").status == 200
