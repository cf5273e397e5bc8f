"""Waiting for what other processes do. The bound is against hanging, never something a test asserts."""

import time
from collections.abc import Callable

SAFETY_S = 30.0
LOOK_S = 0.01


def eventually(holds: Callable[[], bool]) -> None:
    """Returns once it holds; fails when it does not for half a minute."""
    give_up = time.monotonic() + SAFETY_S
    while not holds():
        assert time.monotonic() < give_up, f"still not so after {SAFETY_S:g} s"
        time.sleep(LOOK_S)
