"""Who may use the Gateway API: one secret, compared in constant time; wrong ones are counted and logged (design §4).

Knows neither routes nor bodies: it decides before there are any, so an unknown path is no way around it (E-9).
"""

import logging
from collections.abc import Sequence
from hmac import compare_digest
from math import ceil
from typing import Final

from starlette.responses import Response

from propylon.clock import Clock
from propylon.control.rendering import error
from propylon.http.client_address import counted_as

log = logging.getLogger("propylon.audit")
WINDOW_S: Final = 60.0
ADDRESSES_MAX: Final = 10_000  # counted at once; the oldest goes
WRONG_SECRET: Final = "Attempted administrative access with invalid or missing key!"
TOO_MANY: Final = "Too many wrong secrets from this address; wait as long as Retry-After says"


class Access:
    """One per control process."""

    def __init__(
        self, secret: str, attempts_per_minute: int, clock: Clock, *, header: str = "X-Tyk-Authorization"
    ) -> None:
        self._header = header
        self._secret = secret.encode()
        self._attempts_max = attempts_per_minute
        self._clock = clock
        self._wrong: dict[str, tuple[float, int]] = {}  # by address: when its window began, wrong secrets since

    def refusal(self, secrets: Sequence[bytes], client_ip: str, what: str) -> Response | None:
        """An address that guessed too often is not even compared: its next guess might be right."""
        address = counted_as(client_ip)
        now = self._clock.monotonic()
        began, wrong = self._wrong.get(address, (now, 0))
        if now >= began + WINDOW_S:
            began, wrong = now, 0
        if wrong >= self._attempts_max:
            return error(429, TOO_MANY, {"Retry-After": str(max(1, ceil(began + WINDOW_S - now)))})
        if len(secrets) == 1 and compare_digest(secrets[0], self._secret):
            return None
        if not secrets:  # no guess, and whoever watches without a secret shall not lock others out
            return error(403, WRONG_SECRET)
        self._count(address, began, wrong + 1)
        log.warning("wrong %s from %s for %s, attempt %d of a minute", self._header, client_ip, what, wrong + 1)
        return error(403, WRONG_SECRET)

    def _count(self, address: str, began: float, wrong: int) -> None:
        self._wrong.pop(address, None)
        if len(self._wrong) >= ADDRESSES_MAX:
            del self._wrong[next(iter(self._wrong))]
        self._wrong[address] = (began, wrong)
