"""One run of `history`: clients that ask all the time, writers that change what is right, and the judgement of answers.

A watch is one credential at one API. From the answer of one write to the sending of the next there is one right answer
for it; a request that lies in such a span with both ends must have got it. What was sent, or answered, while a write
was under way is not judged, and neither is what decided nothing: no answer, or 503.
"""

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple, Protocol

from tests.kit.connection import Connection, NoAnswer
from tests.kit.gateway import Gateway
from tests.kit.load import UNANSWERED, UNSENT, Outcome, get_request, load, request_bytes

QUIET_S = (0.02, 0.3)  # between two writes of one thing
ASK_S = 0.01  # between an answer and the next request of a connection: without it writes take half a second
RETRY_S = 0.05
LOOK_S = 0.05
WRONG_TOLD = 5  # of each kind
LET_IN = 200
KEPT_OUT = (401, 403, 404)  # any other answer says neither, and is wrong whatever is right
NOT_DECIDED = (503, UNANSWERED, UNSENT)
NO_FIELDS: Mapping[str, str] = {}


class Doors(NamedTuple):
    """Where requests and writes come in: one gateway, or the nodes of a fleet."""

    serving: Sequence[int]  # ports; each watch asks at every one
    writing: Sequence[Gateway]  # a thing's writes go through them in turn


class Write(NamedTuple):
    """May be sent again, also through another door: the process that has it may be killed with the answer."""

    method: str
    path: str
    body: Any = None
    fields: Mapping[str, str] = NO_FIELDS


def always(_: Outcome) -> bool:
    return True


class Tally:
    """What was found of all things of one kind."""

    def __init__(self) -> None:
        self.writes = 0
        self.answers: Counter[int] = Counter()
        self.judged = {True: 0, False: 0}  # requests, by whether they were right to be let in
        self.stale = 0
        self.told: list[str] = []  # of the first of these

    def judge(self, outcome: Outcome, began: float, *, is_granted: bool) -> None:
        self.judged[is_granted] += 1
        if (outcome.status == LET_IN) if is_granted else (outcome.status in KEPT_OUT):
            return
        self.stale += 1
        if len(self.told) < WRONG_TOLD:
            word = "given" if is_granted else "taken"
            self.told.append(f"{outcome.status} sent {outcome.started - began:.3f} s after it was {word}")

    @property
    def is_whole(self) -> bool:
        """Whether requests were judged on both sides."""
        return all(self.judged.values())


class Watch:
    """One credential at one API. Its outcomes are judged when a span ends, and then thrown away."""

    def __init__(self, tally: Tally, request: bytes, is_judged: Callable[[Outcome], bool] = always) -> None:
        self.request = request
        self.outcomes: list[Outcome] = []
        self.is_left = False
        self._tally = tally
        self._is_judged = is_judged
        self._began = inf  # no answer is the right one
        self._is_granted = False

    def begin(self, *, granted: bool) -> None:
        self._is_granted, self._began = granted, time.monotonic()

    def begin_when_let_in(self, since: float) -> bool:
        """Begins with the end of the first request that was sent after `since` and let in, if there is one by now."""
        first = next((one for one in self.outcomes if one.started > since and one.status == LET_IN), None)
        if first is not None:
            self._is_granted, self._began = True, first.ended
        return first is not None

    def end(self) -> None:
        """All outcomes that are there have ended before this call, so before what the caller does next."""
        for outcome in self.outcomes:
            self._tally.answers[outcome.status] += 1
            if outcome.started > self._began and outcome.status not in NOT_DECIDED and self._is_judged(outcome):
                self._tally.judge(outcome, self._began, is_granted=self._is_granted)
        self.outcomes.clear()
        self._began = inf

    def leave(self) -> None:
        """Nobody asks for it any more."""
        self.end()
        self.is_left = True


class Stage:
    """Where one thing lives: its connection for writes and its watches."""

    def __init__(self, run: "Run", tally: Tally) -> None:
        self._run = run
        self._tally = tally
        self._desk = _Desk(run.doors.writing)
        self._watches: list[Watch] = []

    @property
    def is_over(self) -> bool:
        return self._run.is_over

    def watch(self, path: str, credential: str, *, granted: bool, connections: int = 1) -> Watch:
        watch = self.watch_later(path, credential, connections)
        watch.begin(granted=granted)
        return watch

    def watch_later(self, path: str, credential: str, connections: int = 1) -> Watch:
        """One that is asked for, while nobody knows yet what is right."""
        watch = Watch(self._tally, get_request(path, {"Authorization": credential}), self._run.is_judged)
        self._watches = [one for one in self._watches if not one.is_left] + [watch]
        self._run.ask(watch, connections)
        return watch

    async def change(self, watch: Watch, write: Write, *, granted: bool) -> dict[str, Any]:
        """After a while."""
        await self.pause()
        watch.end()
        answer = await self.write(write)
        watch.begin(granted=granted)
        return answer

    async def pause(self) -> None:
        await asyncio.sleep(self._run.chance.uniform(*QUIET_S))

    async def write(self, write: Write) -> dict[str, Any]:
        answer = await self._desk.ask(write)
        self._tally.writes += 1
        return answer

    async def read(self, path: str) -> dict[str, Any]:
        return await self._desk.ask(Write("GET", path))

    def close(self) -> None:
        for watch in self._watches:
            watch.end()
        self._desk.close()


class Thing(Protocol):
    """What a request rests on, taken away and given back until the stage says that it is over."""

    @property
    def kind(self) -> str: ...

    async def live(self, stage: Stage) -> None: ...


class Run:
    """Everything at once. `is_judged` may leave out requests for which less is promised."""

    def __init__(self, doors: Doors, seed: int, is_judged: Callable[[Outcome], bool] = always) -> None:
        self.doors = doors
        self.is_judged = is_judged
        self.chance = random.Random(seed)
        self.tallies: dict[str, Tally] = {}
        self.is_over = False
        self._asking: list[asyncio.Future[list[Outcome]]] = []

    @property
    def judged(self) -> int:
        return sum(sum(tally.judged.values()) for tally in self.tallies.values())

    def ask(self, watch: Watch, connections: int) -> None:
        """Until it is left, or all is over; with one connection at least at each door."""
        for port in self.doors.serving:
            asking = load(
                port,
                watch.request,
                connections=max(1, connections // len(self.doors.serving)),
                pause_s=ASK_S,
                until=lambda: self.is_over or watch.is_left,
                into=watch.outcomes,
            )
            self._asking.append(asyncio.ensure_future(asking))

    async def live(self, things: list[Thing], enough: Callable[[], bool]) -> None:
        """`enough` is asked now and then."""
        self.tallies = {thing.kind: Tally() for thing in things}
        lives = [self._live(thing) for thing in things]
        await asyncio.gather(self._end_when(enough), *lives)
        await asyncio.gather(*self._asking)

    async def _live(self, thing: Thing) -> None:
        stage = Stage(self, self.tallies[thing.kind])
        await thing.live(stage)
        stage.close()

    async def _end_when(self, enough: Callable[[], bool]) -> None:
        while not self.is_over:
            await asyncio.sleep(LOOK_S)
            self.is_over = enough()


class _Desk:
    """Whoever writes or reads: asks again, at the next door, when the process that has the write was killed."""

    def __init__(self, writing: Sequence[Gateway]) -> None:
        self._turns = itertools.cycle(writing)
        self._connections: dict[int, Connection] = {}

    async def ask(self, write: Write) -> dict[str, Any]:
        """The answer, which is empty when what was to be deleted is gone already."""
        body = b"" if write.body is None else json.dumps(write.body).encode()
        while True:
            door = next(self._turns)
            fields = {"X-Tyk-Authorization": door.secret, **write.fields}
            try:
                connection = await self._connected(door.port)
                answer = await connection.ask(request_bytes(write.method, write.path, fields, body))
            except (OSError, NoAnswer):
                await asyncio.sleep(RETRY_S)
                continue
            if answer.status == 200:
                document: dict[str, Any] = json.loads(answer.body)
                return document
            if write.method == "DELETE" and answer.status == 404:
                return {}
            assert answer.status == 503, (write, answer)
            await asyncio.sleep(RETRY_S)

    async def _connected(self, port: int) -> Connection:
        known = self._connections.get(port)
        if known is None or not known.is_open:
            known = self._connections[port] = await Connection.open(port)
        return known

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()
