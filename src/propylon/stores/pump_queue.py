"""The Redis list that Tyk's pump empties (analytics.md §3, §8): records are pushed at its end, the pump takes them all.

Where nobody takes them, the oldest go, so that a pump that stopped does not fill a Redis.
"""

from typing import Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from propylon.errors import StoreUnavailable

LIST: Final = "analytics-tyk-system-analytics"
RECORDS_MAX: Final = 1_000_000  # in the list, some 1.5 KiB each


class PumpQueue:
    """One per worker; connects when it is first used. `url` as redis-py takes it: redis://, rediss://, unix://."""

    def __init__(self, url: str, timeout_s: float, records_max: int = RECORDS_MAX) -> None:
        self._redis = Redis.from_url(
            url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0)
        )
        self._records_max = records_max
        self.waiting = 0  # records in the list, after the last push

    async def push(self, records: list[bytes]) -> int:
        """Answers how many of the oldest had to go. Raises StoreUnavailable; they may be there all the same then."""
        try:
            length = int(await self._redis.rpush(LIST, *records))
            self.waiting = min(length, self._records_max)
            if length <= self._records_max:
                return 0
            await self._redis.ltrim(LIST, -self._records_max, -1)
        except (RedisError, OSError) as error:
            raise StoreUnavailable(f"the Redis of Tyk's pump: {type(error).__name__}") from error
        return length - self._records_max

    async def close(self) -> None:
        await self._redis.aclose()
