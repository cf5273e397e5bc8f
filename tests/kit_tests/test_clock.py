import asyncio

from propylon.clock import Clock
from tests.kit.clock import FakeClock


def test_it_is_a_clock() -> None:
    clock: Clock = FakeClock(monotonic=5.0, wall=7.0)
    assert (clock.monotonic(), clock.wall()) == (5.0, 7.0)


def test_sleepers_wake_in_order_at_their_own_moments() -> None:
    async def scenario() -> list[float]:
        clock, woken = FakeClock(monotonic=0.0), []

        async def sleep_twice(seconds: float) -> None:
            for _ in range(2):
                await clock.sleep(seconds)
                woken.append(clock.monotonic())

        sleepers = [asyncio.ensure_future(sleep_twice(seconds)) for seconds in (3.0, 2.0)]
        await clock.advance(4.5)
        assert clock.sleeping == 1
        await clock.advance(1.5)
        await asyncio.gather(*sleepers)
        return woken

    assert asyncio.run(scenario()) == [2.0, 3.0, 4.0, 6.0]


def test_a_cancelled_sleeper_is_passed_over() -> None:
    async def scenario() -> int:
        clock = FakeClock()
        sleeper = asyncio.ensure_future(clock.sleep(1.0))
        await asyncio.sleep(0)
        sleeper.cancel()
        await clock.advance(2.0)
        return clock.sleeping

    assert asyncio.run(scenario()) == 0


def test_the_wall_moves_with_the_other_clock_and_can_be_set_apart() -> None:
    clock = FakeClock(monotonic=0.0, wall=100.0)
    clock.set_wall(50.0)
    clock.jump(3.0)
    assert (clock.monotonic(), clock.wall()) == (3.0, 53.0)
