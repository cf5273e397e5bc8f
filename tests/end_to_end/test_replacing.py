"""What meets a process that is just being replaced."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.kit.client import get
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.scenarios import wait_for_children


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with running_gateway(settings={"workers": 2, "worker_stall_s": 2}) as running:
        yield running


def test_an_end_that_meets_a_newborn_worker_is_an_end(gateway: Gateway) -> None:
    """It was lost, and the gateway ended 35 s later, when the fork stood between SIGTERM and its passing on."""
    for _ in range(4):
        workers = wait_for_children(gateway, "worker 1", "worker 2")
        os.kill(workers["worker 1"], signal.SIGKILL)
        gateway.stop()
        gateway.start()


def test_a_stopped_control_process_is_replaced_when_a_worker_may_wait_for_its_lock(gateway: Gateway) -> None:
    stopped = wait_for_children(gateway, "control", "worker 1")
    for title in ("control", "worker 1"):
        os.kill(stopped[title], signal.SIGSTOP)
    while stopped.items() & wait_for_children(gateway, "control", "worker 1").items():
        pass
    assert gateway.api("GET", "/tyk/apis").status == 200
    assert get(f"{gateway.url}/hello").status == 200
