"""The name of a refusal or failure, sent with it: whoever runs the gateway can ask what became of that request.

It opens nothing by itself, as asking takes the Gateway secret. So its random half need only keep apart the traces of
one millisecond, and does not come from the operating system: that would cost as much again.
"""

import re
from collections.abc import Callable
from random import getrandbits
from typing import Final

from propylon.clock import SystemClock

FIELD: Final = b"X-Propylon-Trace"
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuv"  # base32hex (RFC 4648 §7): sorts by time
_PAIRS: Final = [first + second for first in _DIGITS for second in _DIGITS]
_HALF: Final = 10  # digits, 50 bits
_FORM: Final = re.compile(f"[{_DIGITS}]{{{2 * _HALF}}}")


class Traces:
    """20 characters: ten of the time in milliseconds, ten random. 0.6 µs each."""

    def __init__(self, wall: Callable[[], float] = SystemClock.wall) -> None:
        self._wall = wall
        self._moment = -1
        self._moment_text = ""

    def make(self) -> str:
        moment = int(self._wall() * 1000)
        if moment != self._moment:
            self._moment, self._moment_text = moment, _base32(moment)
        return self._moment_text + _base32(getrandbits(5 * _HALF))


def made_at(trace: str) -> float | None:
    """The Unix time in a trace, None for what is none."""
    return int(trace[:_HALF], 32) / 1000 if _FORM.fullmatch(trace) else None


def _base32(number: int) -> str:
    pairs = _PAIRS
    return (
        pairs[number >> 40 & 1023]
        + pairs[number >> 30 & 1023]
        + pairs[number >> 20 & 1023]
        + pairs[number >> 10 & 1023]
        + pairs[number & 1023]
    )
