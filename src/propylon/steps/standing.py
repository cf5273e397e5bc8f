"""Whether the caller's key is in force: active, not expired (K-20 … K-22), and nothing on it that we cannot honour."""

from typing import Final

from propylon.clock import Clock
from propylon.errors import Denial
from propylon.exchange import Exchange

INACTIVE: Final = Denial("key_inactive", 403, "Key is inactive, please renew")
EXPIRED: Final = Denial("key_expired", 401, "Key has expired, please renew")


class Standing:
    """Inactive is tested before expired (K-22)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, exchange: Exchange) -> Denial | None:
        assert exchange.caller is not None
        session = exchange.caller.session
        if session.is_inactive:
            return INACTIVE
        if session.expires >= 1 and self._clock.wall() > session.expires:
            return EXPIRED
        if session.guards:
            fields = ", ".join(session.guards)
            return Denial("definition_guard_unsupported", 503, f"This key relies on what is not supported: {fields}")
        return None
