"""Explain and live traffic decide alike, and asking leaves no trace: 10,000 random requests in 200 random worlds."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lmdb
import pytest

from propylon.control.explain_lines import counters_of
from propylon.control.explain_question import Question, read_question
from propylon.control.explainer import Explainer
from propylon.errors import Failure
from propylon.exchange import Exchange
from propylon.http.limits import HeadLimits
from propylon.http.messages import RequestHead
from propylon.http.request_reader import RequestReader
from propylon.settings import Settings
from propylon.snapshot.assembly import deciding_parts
from propylon.snapshot.decision import decide
from propylon.stores.lmdb import LmdbMeters
from propylon.stores.lmdb_environment import METERS, USAGE, open_environment
from propylon.stores.ports import Charge, Now, Verdict
from propylon.telemetry.counters import Counters
from tests.kit.clock import FakeClock
from tests.kit.memory_records import SEALING, MemoryRecords
from tests.kit.random_world import KEY_SET, KEY_SET_URL, RandomWorld
from tests.kit.tokens import SECRET

WORLDS, REQUESTS = 200, 50
SEEDS = range(20)
CANARIES = (SECRET, "plain-key", "other-key")  # the IDs of keys that are credentials
Outcome = dict[str, Any]


class PatientClock(FakeClock):
    """Who sleeps has slept: what throttles wait for passes at once."""

    async def sleep(self, seconds: float) -> None:
        self.jump(seconds)


class NotedMeters(LmdbMeters):
    """The embedded meters; what live traffic charged last is kept."""

    last: tuple[Charge, Verdict] | None = None

    async def admit(self, charge: Charge, now: Now | None = None) -> Verdict:
        verdict = await super().admit(charge, now)
        self.last = charge, verdict
        return verdict


class World:
    """Live traffic and an explainer on the same records and meters."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.records, self.clock = MemoryRecords(), PatientClock()
        self.random = RandomWorld(seed, self.clock.wall())
        self.random.fill(self.records)
        self.environments = [open_environment(folder / name, 1 << 20) for name in (METERS, USAGE)]
        self.meters = NotedMeters(*self.environments, 100, self.clock, b"boot")
        settings = Settings.model_validate({"secret": "of-no-use-here", "data_dir": folder, "lookups_in_flight": 4})
        parts = deciding_parts(settings, SEALING, self.records, self.meters, self.clock, Counters(0))
        self.follow = parts.follow
        self.explainer = Explainer(settings, SEALING, self.meters, self.clock, lambda: self.records)

    async def start(self) -> None:
        wall = self.clock.wall()
        await self.meters.put_key_set(KEY_SET_URL, KEY_SET, fetched_at=wall, fresh_until=wall + 3600)
        await self.meters.announce(await self.records.revision())
        await self.follow.start()

    async def close(self) -> None:
        await self.explainer.close()
        await self.meters.close()

    def everything(self) -> list[tuple[bytes, bytes]]:
        """Of counters, used names, key sets and the queue of usage."""
        return [pair for environment in self.environments for pair in _dump(environment)]

    async def live(self, method: str, target: str, fields: dict[str, str], ip: str) -> Outcome:
        lines = [
            f"{method} {target} HTTP/1.1",
            "Host: localhost",
            *(f"{name}: {value}" for name, value in fields.items()),
        ]
        head = RequestReader(HeadLimits()).feed("\r\n".join([*lines, "", ""]).encode("latin-1"))[0]
        self.meters.last = None
        if not isinstance(head, RequestHead):
            assert isinstance(head, Failure)
            return _outcome(head.status, head.code, head.message, None, None)
        exchange = Exchange(head, ip, ip, self.clock.monotonic(), peer_trusted=False)
        try:
            await decide(exchange, self.follow)
        except Failure as failure:
            return _outcome(failure.status, failure.code, failure.message, exchange, self.meters.last)
        denial = exchange.denial
        if denial is None:
            return _outcome(200, "", "", exchange, self.meters.last)
        return _outcome(denial.status, denial.reason, denial.message, exchange, self.meters.last)

    async def told(self, method: str, target: str, fields: dict[str, str], ip: str) -> Outcome:
        question = read_question({"url": target, "method": method, "headers": fields, "ip": ip})
        assert isinstance(question, Question), question
        told = await self.explainer.explain(question)
        assert told is not None
        _check_steps(told)
        text = json.dumps(told)
        assert not [canary for canary in (*CANARIES, *_tokens(fields)) if canary in text]
        verdict, session = told["verdict"], told["session"]
        return {
            "status": verdict["status"],
            "reason": verdict["reason"],
            "message": verdict["message"] if verdict["reason"] else "",
            "identity": told["identity"],
            "policies": None if session is None else session["policies"],
            "limits": told["meters"],
        }


def _outcome(
    status: int, reason: str, message: str, exchange: Exchange | None, charged: tuple[Charge, Verdict] | None
) -> Outcome:
    caller = None if exchange is None else exchange.caller
    return {
        "status": status,
        "reason": reason,
        "message": message,
        "identity": None if caller is None else asdict(caller.identity),
        "policies": None if caller is None else list(caller.session.policy_ids),
        "limits": [] if charged is None else counters_of(*charged),
    }


def _check_steps(told: Outcome) -> None:
    """The last step is the one that failed, and it is the one that the reason belongs to."""
    failed = [step["failed"] for step in told["steps"]]
    assert failed == [False] * (len(failed) - 1) + [not told["verdict"]["passes"]]
    if failed[-1] and told["steps"][-1]["result"] == "refused":
        assert told["steps"][-1]["because"]


def _tokens(fields: dict[str, str]) -> list[str]:
    """What was sent, if it is a JWT whole enough to be one."""
    return [value.removeprefix("Bearer ") for value in fields.values() if len(value) > 60]


def _dump(environment: lmdb.Environment) -> Iterator[tuple[bytes, bytes]]:
    with environment.begin() as transaction, transaction.cursor() as cursor:
        yield from [(bytes(key), bytes(value)) for key, value in cursor]


async def reasons_of(seed: int, folder: Path) -> set[str]:
    """Asked, then sent: the same outcome, and nothing moved between the two."""
    world = World(seed, folder)
    await world.start()
    reasons = set()
    for number in range(REQUESTS):
        world.clock.jump(world.random.pause())
        if number % 5 == 4:
            await world.meters.announce(world.random.change(world.records))
        request = world.random.request()
        before = world.everything()
        told = await world.told(*request)
        assert world.everything() == before, request
        is_behind = world.follow.applied < await world.meters.head()
        live = await world.live(*request)
        if is_behind:  # decided again, and what the former decision charged stands (docs/decisions/0006)
            told["limits"] = live["limits"]
        assert told == live, request
        reasons.add(live["reason"])
    await world.close()
    return reasons


@pytest.mark.parametrize("seed", SEEDS)
def test_explain_says_what_live_traffic_does_and_changes_nothing(seed: int, tmp_path: Path) -> None:
    reasons: set[str] = set()
    for number in range(WORLDS // len(SEEDS)):
        reasons |= asyncio.run(reasons_of(seed * WORLDS + number, tmp_path / str(number)))
    assert len(reasons) > 20, reasons
