"""Work that is repeated: quotas outlive the meters, usage is drained, a store that is away is waited for."""

import asyncio
import logging
from pathlib import Path

import pytest

from propylon.control.housekeeping import ANNOUNCE_S, CHECKPOINT_S, Housekeeping
from propylon.errors import StoreUnavailable
from propylon.model.charge import Claim, Kind
from propylon.stores.lmdb import open_meters
from propylon.stores.records.leadership import Leadership
from propylon.usage.line import Line, Use, encode
from tests.control.conftest import GatewayApi
from tests.kit.definitions import session

SAFETY_S = 30.0
CLAIM = Claim(b"k1.0//q", Kind.QUOTA, 10, 86_400 * 10**9, "quota_exceeded")


def unexpected() -> None:
    raise AssertionError("some of the work ended")


def used(api: GatewayApi) -> int:
    state = api.run(api.meters.quota(CLAIM.meter))
    return 0 if state is None else int(state.used)


async def pass_time(api: GatewayApi, housekeeping: Housekeeping, seconds: float, done: asyncio.Event) -> None:
    housekeeping.start()
    await api.clock.advance(seconds)
    async with asyncio.timeout(SAFETY_S):
        await done.wait()
    await housekeeping.end()


def test_quotas_are_restored_from_their_checkpoint_when_the_meters_are_lost(api: GatewayApi, tmp_path: Path) -> None:
    for _ in range(3):
        api.run(api.meters.admit((CLAIM,)))
    api.run(Housekeeping(api.desk, api.meters, Leadership(""), unexpected).checkpoint())
    api.run(api.meters.close())
    api.meters = open_meters(
        tmp_path, meters_map_bytes=2**20, usage_map_bytes=2**20, usage_lines_max=10, clock=api.clock
    )
    assert used(api) == 0
    api.run(Housekeeping(api.desk, api.meters, Leadership(""), unexpected).restore_quotas())
    assert used(api) == 3


@pytest.mark.parametrize("seconds", [0, CHECKPOINT_S])
def test_quotas_and_usage_are_stored_at_the_end_whatever_is_under_way(api: GatewayApi, seconds: float) -> None:
    api.run(api.meters.admit((CLAIM,)))
    api.run(api.meters.enqueue([b"no line of usage"]))
    at_once = asyncio.Event()
    at_once.set()
    api.run(pass_time(api, Housekeeping(api.desk, api.meters, Leadership(""), unexpected), seconds, at_once))
    assert [(state.meter, state.used) for state in api.run(api.desk.records.quotas.load())] == [(CLAIM.meter, 1)]
    assert api.run(api.meters.peek(1)).lines == []


def test_head_is_announced_each_second_and_a_store_that_is_away_is_waited_for(
    api: GatewayApi, caplog: pytest.LogCaptureFixture
) -> None:
    announcer = AwayOnce()
    desk = api.desk._replace(announcer=announcer)  # type: ignore[arg-type]  # behaves as one
    with caplog.at_level(logging.WARNING, logger="propylon.control"):
        api.run(
            pass_time(api, Housekeeping(desk, api.meters, Leadership(""), unexpected), 3 * ANNOUNCE_S, announcer.third)
        )
    assert "away for a while" in caplog.text


def test_usage_is_drained_to_the_last_line(api: GatewayApi) -> None:
    api.run(api.meters.enqueue([b"no line of usage"] * 500))
    api.run(Housekeeping(api.desk, api.meters, Leadership(""), unexpected).drain())
    assert api.run(api.meters.peek(1)).lines == []


def test_uses_of_generations_come_with_the_usage(api: GatewayApi) -> None:
    api.call("POST", "/tyk/keys/a-key", session("token"))
    line = Line(30_000_000, [], [], {}, uses=[Use(1, 1), Use(99, 1)])
    api.run(api.meters.enqueue([encode(line)]))
    api.run(Housekeeping(api.desk, api.meters, Leadership(""), unexpected).drain())
    assert api.run(api.desk.records.last_used([1, 99])) == {(1, 1): 1_800_000_000.0}


def test_a_generation_nobody_uses_is_retired_once_the_queue_is_known(api: GatewayApi) -> None:
    api.call("POST", "/tyk/keys/a-key", session("token"))
    plan = {"retire_when_unused_for_s": 60, "retire_latest_at": 1_900_000_000}
    api.call("POST", "/tyk/keys/a-key/rotate", plan)
    api.run(api.clock.advance(3600))
    housekeeping = Housekeeping(api.desk, api.meters, Leadership(""), unexpected)
    api.run(housekeeping.retire_generations())
    assert api.run(api.desk.records.retiring_keys(0)) != []  # there may be uses in the queue
    api.run(housekeeping.drain())
    api.run(housekeeping.retire_generations())
    assert api.run(api.desk.records.retiring_keys(0)) == []


def test_a_bug_ends_the_work_and_is_told(api: GatewayApi, caplog: pytest.LogCaptureFixture) -> None:
    ended = asyncio.Event()
    desk = api.desk._replace(announcer=Broken())  # type: ignore[arg-type]  # behaves as one that has a bug
    api.run(pass_time(api, Housekeeping(desk, api.meters, Leadership(""), ended.set), ANNOUNCE_S, ended))
    assert "ended with a bug" in caplog.text


class Broken:
    async def announce(self) -> None:
        raise RuntimeError("a bug")


class AwayOnce:
    def __init__(self) -> None:
        self.calls = 0
        self.third = asyncio.Event()

    async def announce(self) -> None:
        self.calls += 1
        if self.calls == 1:
            raise StoreUnavailable("away for a while")
        if self.calls == 3:
            self.third.set()
