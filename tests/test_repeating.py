"""Work that is repeated: in time, past stores that are away, and to its end before they close."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from propylon.errors import StoreUnavailable
from propylon.repeating import UNDER_WAY_S, Repeating
from tests.kit.clock import FakeClock

log = logging.getLogger("propylon.test")


class Work:
    """Counts; waits for `go_on` each time, and fails as it is told to."""

    def __init__(self) -> None:
        self.begun = self.ended = 0
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.fails: Exception | None = None

    async def do(self) -> None:
        self.begun += 1
        await self.go_on.wait()
        if self.fails is not None:
            raise self.fails
        self.ended += 1


class Scene:
    def __init__(self) -> None:
        self.clock, self.work, self.bugs = FakeClock(), Work(), 0
        self.repeating = Repeating(self.clock, log, self._note_bug)

    def _note_bug(self) -> None:
        self.bugs += 1


def scenario(steps: Callable[[Scene], Coroutine[Any, Any, None]]) -> Scene:
    async def run() -> Scene:
        scene = Scene()
        async with asyncio.timeout(30.0):  # a bound against hanging
            await steps(scene)
        return scene

    return asyncio.run(run())


def test_work_is_done_at_once_and_then_in_its_time() -> None:
    async def steps(scene: Scene) -> None:
        scene.repeating.begin(scene.work.do, "work", every_s=3.0)
        await scene.clock.advance(7.0)
        await scene.repeating.end()

    scene = scenario(steps)
    assert (scene.work.ended, scene.bugs) == (3, 0)


def test_the_first_time_may_come_later() -> None:
    async def steps(scene: Scene) -> None:
        scene.repeating.begin(scene.work.do, "work", every_s=3.0, first_after_s=3.0)
        await scene.clock.advance(7.0)
        await scene.repeating.end()

    assert scenario(steps).work.ended == 2


def test_a_store_that_is_away_is_said_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    async def steps(scene: Scene) -> None:
        scene.work.fails = StoreUnavailable("meters: gone")
        scene.repeating.begin(scene.work.do, "work", every_s=3.0)
        await scene.clock.advance(1.0)
        scene.work.fails = None
        await scene.clock.advance(3.0)
        await scene.repeating.end()

    scene = scenario(steps)
    assert (scene.work.begun, scene.work.ended, scene.bugs) == (2, 1, 0)
    assert caplog.messages == ["store_unavailable: meters: gone"]


def test_a_bug_is_told_and_an_end_is_none() -> None:
    async def steps(scene: Scene) -> None:
        scene.work.fails = ValueError("a bug")
        scene.repeating.begin(scene.work.do, "work", every_s=3.0)
        await scene.clock.advance(0.0)
        assert scene.bugs == 1
        await scene.repeating.end()

    assert scenario(steps).bugs == 1


def test_what_is_under_way_is_finished_and_not_begun_again() -> None:
    async def steps(scene: Scene) -> None:
        scene.work.go_on.clear()
        scene.repeating.begin(scene.work.do, "work", every_s=3.0)
        await scene.clock.advance(1.0)
        ending = asyncio.ensure_future(scene.repeating.end())
        await scene.clock.advance(1.0)
        assert not ending.done()
        scene.work.go_on.set()
        await ending

    scene = scenario(steps)
    assert (scene.work.begun, scene.work.ended, scene.bugs) == (1, 1, 0)


def test_what_takes_too_long_is_cancelled_and_named(caplog: pytest.LogCaptureFixture) -> None:
    async def steps(scene: Scene) -> None:
        scene.work.go_on.clear()
        scene.repeating.begin(scene.work.do, "slow work", every_s=3.0)
        await scene.clock.advance(1.0)
        ending = asyncio.ensure_future(scene.repeating.end())
        await scene.clock.advance(UNDER_WAY_S)
        await ending

    assert scenario(steps).work.ended == 0
    assert caplog.messages == ["slow work was not finished"]


def test_a_store_that_fails_while_work_is_cancelled_keeps_nobody() -> None:
    """Python puts the second error in the place of the first: CancelledError is not seen."""

    async def steps(scene: Scene) -> None:
        async def work() -> None:
            try:
                await scene.work.do()
            finally:
                raise StoreUnavailable("meters: closed")

        scene.work.go_on.clear()
        scene.repeating.begin(work, "work", every_s=3.0)
        await scene.clock.advance(1.0)
        ending = asyncio.ensure_future(scene.repeating.end())
        await scene.clock.advance(UNDER_WAY_S)
        await ending

    assert scenario(steps).work.begun == 1


def test_what_was_to_begin_later_is_not_waited_for() -> None:
    async def steps(scene: Scene) -> None:
        scene.repeating.begin(scene.work.do, "work", every_s=60.0, first_after_s=60.0)
        await scene.repeating.end()

    assert scenario(steps).work.begun == 0


def test_nothing_to_repeat_is_over_at_once() -> None:
    async def steps(scene: Scene) -> None:
        await scene.repeating.end()

    scenario(steps)
