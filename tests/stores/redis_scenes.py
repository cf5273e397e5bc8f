"""What the tests of the Redis meters share: meters on a URL for one scenario, under the loop that workers use."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import uvloop

from propylon.errors import StoreUnavailable
from propylon.stores.ports import Claim, Kind, Verdict
from propylon.stores.redis_meters import RedisMeters, open_redis_meters
from tests.kit.waiting import LOOK_S, SAFETY_S

SECOND = 10**9


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """Bounded, so that what waits for ever fails."""

    async def bounded() -> None:
        async with asyncio.timeout(SAFETY_S):
            await scenario

    uvloop.run(bounded())


@contextlib.asynccontextmanager
async def meters_at(url: str, **options: Any) -> AsyncIterator[RedisMeters]:
    meters = await open_redis_meters(url, **({"usage_lines_max": 40} | options))
    try:
        yield meters
    finally:
        await meters.close()


def sliding(limit: int, meter: bytes = b"window", period_s: float = 3600) -> Claim:
    return Claim(meter, Kind.SLIDING, limit, round(period_s * SECOND), "rate_limited")


def fixed(limit: int, meter: bytes = b"window", period_s: float = 3600) -> Claim:
    return Claim(meter, Kind.FIXED, limit, round(period_s * SECOND), "rate_limited")


def quota(limit: int, meter: bytes = b"quota", period_s: float = 0) -> Claim:
    return Claim(meter, Kind.QUOTA, limit, round(period_s * SECOND), "quota_exceeded")


async def used(meters: RedisMeters, meter: bytes = b"quota") -> int:
    state = await meters.quota(meter)
    return 0 if state is None else state.used


async def together(meters: RedisMeters, *claims: Claim, times: int) -> list[Verdict | BaseException]:
    """So many charges at once; what failed is among the answers."""
    return await asyncio.gather(*[meters.admit(claims) for _ in range(times)], return_exceptions=True)


def admitted(answers: list[Verdict | BaseException]) -> int:
    return sum(isinstance(answer, Verdict) and answer.refused < 0 for answer in answers)


def failures(answers: list[Verdict | BaseException]) -> list[type[BaseException]]:
    return [type(answer) for answer in answers if isinstance(answer, BaseException)]


async def once_back(ask: Callable[[], Awaitable[Any]]) -> Any:
    """The first answer that comes."""
    while True:
        try:
            return await ask()
        except StoreUnavailable:
            await asyncio.sleep(LOOK_S)
