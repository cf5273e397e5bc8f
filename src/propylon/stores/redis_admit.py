"""Charges and what becomes of them: those that wait are decided together, by one call of `redis/admit.lua`.

A charge is checked before it joins, so that a bad one spoils no batch. A batch takes whatever has arrived when a lane
becomes free for it: one charge when little happens, many when much does, and nobody waits for a batch to fill.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from struct import pack
from typing import Any, Final, NamedTuple

from propylon.errors import MetersFull, StoreUnavailable
from propylon.stores.ports import Charge, Claim, Kind, Now, Verdict
from propylon.stores.redis_calls import Calls
from propylon.stores.redis_connect import Lane, OutcomeUnknown
from propylon.stores.redis_scripts import ADMIT, ADMIT_WHEN_FULL, HEAD, QUOTA, WINDOW

log = logging.getLogger("propylon.meters")

BATCH_CLAIMS_MAX: Final = 400  # in one call: some 2 ms of the server's time
CHARGES_WAITING_MAX: Final = 10_000  # beyond it 503: as many as a worker has connections
METER_MAX_BYTES: Final = 400
PREPARED_MAX: Final = 4_096  # charges at hand in the form that the script takes, the oldest goes

FOREVER_US: Final = 100 * 365 * 86_400 * 10**6  # longer periods are as good: moments stay below 2^53 microseconds
_EXACT_MAX: Final = 2**53 - 1
_WINDOW_LIMIT_MAX: Final = 2**32 - 1  # a part is counted in 32 bits
_KEY_PREFIX: Final = (WINDOW, WINDOW, QUOTA)  # by Kind
_NO_ROOM: Final = -2


class _Prepared(NamedTuple):
    """A charge that was checked, as the script takes it."""

    charge: Charge
    keys: tuple[bytes, ...]
    terms: bytes  # doubles: how many claims, and of each its kind, limit and period in microseconds


class _Waiting(NamedTuple):
    """A charge that is to be decided. `counts` is False for one that is only judged."""

    prepared: _Prepared
    counts: bool
    now: Now | None
    answer: "asyncio.Future[Verdict]"


class Admission:
    """The charges of one process on their way to Redis."""

    def __init__(self, calls: Calls) -> None:
        self.outcomes_unknown = 0  # charges of which nobody knows whether they were made
        self._calls = calls
        self._waiting: deque[_Waiting] = deque()
        self._is_called = False  # a job stands in line for those that wait
        self._known: dict[int, _Prepared] = {}  # by the charge's id, which it keeps from being used again

    async def decide(self, charge: Charge, now: Now | None, *, counts: bool) -> Verdict:
        """Raises StoreUnavailable, OutcomeUnknown, MetersFull; ValueError for a charge that cannot be meant."""
        prepared = self._known.get(id(charge)) or self._prepare(charge)
        self._calls.link.demand()
        if len(self._waiting) >= CHARGES_WAITING_MAX:
            raise StoreUnavailable(f"{CHARGES_WAITING_MAX} charges wait for Redis already")
        answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(prepared, counts, now, answer))
        if not self._is_called:
            self._is_called = True
            self._calls.submit(self._run)
        return await answer

    def _prepare(self, charge: Charge) -> _Prepared:
        """Kept, since a caller's charge comes again and again: 0.1 instead of 4 µs for two claims."""
        _check(charge)
        keys = tuple([_KEY_PREFIX[claim.kind] + claim.meter for claim in charge])
        if len(set(keys)) < len(keys):
            raise ValueError("two claims of a charge name the same meter; make one of them")
        numbers = [number for claim in charge for number in _terms(claim)]
        prepared = _Prepared(charge, keys, pack(f"<{len(numbers) + 1}d", len(charge), *numbers))
        if len(self._known) >= PREPARED_MAX:
            del self._known[next(iter(self._known))]
        self._known[id(charge)] = prepared
        return prepared

    async def _run(self, lane: Lane) -> None:
        batch = self._take()
        self._is_called = bool(self._waiting)
        if self._is_called:
            self._calls.submit(self._run)
        if not batch:
            return
        try:
            _tell(batch, await _ask(lane, batch))
        except StoreUnavailable as failure:
            self._fail(batch, failure)
        except BaseException:
            self._fail(batch, OutcomeUnknown("the call was broken off"))
            raise

    def _fail(self, batch: Sequence[_Waiting], failure: StoreUnavailable) -> None:
        """Each caller gets an exception of its own: one that many raise would gather all their tracebacks."""
        if isinstance(failure, OutcomeUnknown):
            self.outcomes_unknown += sum(one.counts for one in batch)
        for one in batch:
            if not one.answer.done():
                own = type(failure)(failure.detail)
                own.__cause__ = failure.__cause__
                one.answer.set_exception(own)

    def _take(self) -> list[_Waiting]:
        """The next batch; charges that bring a time of their own only with those of the same time."""
        batch: list[_Waiting] = []
        waiting = self._waiting
        room = BATCH_CLAIMS_MAX
        while waiting and (not batch or (len(waiting[0].prepared.keys) < room and waiting[0].now == batch[0].now)):
            one = waiting.popleft()
            if not one.answer.done():  # whoever asked has gone
                batch.append(one)
                room -= len(one.prepared.keys) + 1
        return batch


def _check(charge: Charge) -> None:
    if len(charge) > BATCH_CLAIMS_MAX:
        raise ValueError(f"a charge of {len(charge)} claims; {BATCH_CLAIMS_MAX} are decided together")
    for claim in charge:
        if claim.limit < 1 or claim.period_ns < (claim.kind is not Kind.QUOTA) or len(claim.meter) > METER_MAX_BYTES:
            raise ValueError(f"{claim} has a limit or period below 1, or a meter above {METER_MAX_BYTES} bytes")
        if claim.limit > _WINDOW_LIMIT_MAX and claim.kind is not Kind.QUOTA:
            raise ValueError(f"{claim} has a limit above {_WINDOW_LIMIT_MAX}")


async def _ask(lane: Lane, batch: Sequence[_Waiting]) -> list[Any]:
    keys: dict[bytes, int] = {HEAD: 1}
    places: list[int] = []
    for one in batch:
        places.append(one.counts)
        places += [keys.setdefault(key, len(keys) + 1) for key in one.prepared.keys]
    now = batch[0].now
    times = (b"", b"") if now is None else (now.monotonic_ns // 1000, now.wall_ns // 1000)
    arguments = (*times, b"".join([one.prepared.terms for one in batch]), pack(f"<{len(places)}H", *places))
    answers: list[Any]
    try:
        answers = await lane.run(ADMIT, tuple(keys), *arguments, "0")
    except MetersFull:  # nothing was written: whoever has a meter goes on, in the room that it has
        answers = await lane.run(ADMIT_WHEN_FULL, tuple(keys), *arguments, "1")
    return answers


def _terms(claim: Claim) -> tuple[int, int, int]:
    return claim.kind, min(claim.limit, _EXACT_MAX), min(-(-claim.period_ns // 1000), FOREVER_US)


def _tell(batch: Sequence[_Waiting], answers: list[Any]) -> None:
    head, emptied = int(answers[0]), answers[1]
    if emptied:
        labels = [claim.label for one in batch for claim in one.prepared.charge]
        found = [labels[number] for number in emptied]
        log.warning("meters began anew, their time was more than one period ahead of the clock: %s", found)
    at = 2
    for one in batch:
        verdict, at = _verdict(one.prepared.charge, head, answers, at)
        if one.answer.done():
            continue
        if verdict.refused == _NO_ROOM:
            one.answer.set_exception(MetersFull("Redis has no room for a new meter; raise its maxmemory"))
        else:
            one.answer.set_result(verdict)


def _verdict(charge: Charge, head: int, answers: list[Any], at: int) -> tuple[Verdict, int]:
    """And where the next one begins."""
    refused = answers[at]
    at += 1
    remaining, reset_s = [], []
    for claim in charge:
        left = claim.limit - answers[at]
        remaining.append(left if left > 0 else 0)
        reset_s.append(answers[at + 1] / 1e6)
        at += 2
    return Verdict(refused, head, tuple(remaining), tuple(reset_s)), at
