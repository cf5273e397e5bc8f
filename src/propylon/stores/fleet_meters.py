"""The meters of one node of a fleet: the shared ones, and the rules for the time they are away (design §3.3).

    shared ──StoreUnavailable──▶ away ──the shared meters answer──▶ shared

Away: rates are counted in the node's own meters with the node's share of the limit; quotas refuse, or pass uncounted;
`head` is the newest revision of the records, read every `look_s`; what cannot be had refuses. When the records are away
too, the last head stands for `grace_s`: only then may a revocation come late. Whether the shared meters are back is
found by whoever asks for `head`, so no request waits for them meanwhile.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, TypeVar

from propylon.clock import Clock
from propylon.errors import MetersFull, StoreUnavailable
from propylon.model.charge import Charge, Kind, Now, Verdict
from propylon.stores.lmdb import LmdbMeters
from propylon.stores.node_share import NodeShare, with_quotas
from propylon.stores.ports import Beat, Heard, KeySetRow, QuotaState, Troubles, UsageBatch
from propylon.stores.shared_meters import SharedMeters
from propylon.tasks import spawn

log = logging.getLogger("propylon.meters")
_Answer = TypeVar("_Answer")


class OutageRules(NamedTuple):
    """From the settings of the same names."""

    quota_passes: bool  # quota_outage = "allow"
    grace_s: float  # outage_grace_s
    look_s: float  # follow_interval_s


class FleetMeters:
    """One per process. Its owner calls `beat` every second, and `sync` and `sweep` as those of the node's own."""

    def __init__(
        self,
        shared: SharedMeters,
        own: LmdbMeters,
        revision: Callable[[], Awaitable[int]],
        rules: OutageRules,
        node: str,
        clock: Clock,
    ) -> None:
        self._shared = shared
        self._own = self.own_queue = own
        self._revision = revision  # of the records
        self._rules = rules
        self._node = node
        self._clock = clock
        self._share = NodeShare(clock)
        self._head = -1
        self._connections = -1
        self._looked_at = -1.0  # monotonic: when `_head` was last read
        self._looking: asyncio.Future[None] | None = None
        self._looks = 0  # begun so far
        self._probe: asyncio.Task[None] | None = None  # whether the shared meters are back
        self._epoch = -1  # of key sets
        self._epoch_at = -1.0
        self._blind_since: float | None = None  # both stores are away; monotonic
        self.doubts = 0
        self.away_since: float | None = None  # monotonic; None while the shared meters answer
        self._uncounted = 0  # charges on quotas that passed

    # -- what is counted ------------------------------------------------------------------------------------------

    async def admit(self, charge: Charge, now: Now | None = None) -> Verdict:
        if self.away_since is None:
            try:
                verdict = await self._shared.admit(charge, now)
                verdict.head = await self._trusted(verdict.head)
                return verdict
            except MetersFull:
                raise  # they are there, and have no room for a meter they do not know
            except StoreUnavailable as failure:
                self._lose(failure)
        return await self._count_alone(charge, now)

    async def judge(self, charge: Charge, now: Now | None = None) -> Verdict:
        if self.away_since is None:
            return await self._shared.judge(charge, now)
        return with_quotas(charge, await self._own.judge(self._share.rates_of(charge), now), await self.recent_head())

    async def _count_alone(self, charge: Charge, now: Now | None) -> Verdict:
        head = await self.recent_head()
        quota = next((index for index, claim in enumerate(charge) if claim.kind is Kind.QUOTA), -1)
        if quota >= 0 and not self._rules.quota_passes:
            nothing = tuple(0 if claim.kind is Kind.QUOTA else claim.limit for claim in charge)
            return Verdict(quota, head, nothing, (0.0,) * len(charge))
        verdict = with_quotas(charge, await self._own.admit(self._share.rates_of(charge), now), head)
        if quota >= 0 and verdict.refused < 0:
            self._uncounted += 1
        return verdict

    # -- the newest revision --------------------------------------------------------------------------------------

    async def head(self) -> int:
        """Of the shared meters, else of the records; the last one known while both are away and the grace lasts."""
        if self.away_since is None:
            try:
                return await self._trusted(await self._shared.head())
            except StoreUnavailable as failure:
                self._lose(failure)
        if self._clock.monotonic() - self._looked_at >= self._rules.look_s:
            await self._look_around()
        return self._last_head()

    async def recent_head(self) -> int:
        """At most `follow_interval_s` old, for exchanges that are let through and charge nothing."""
        if self._clock.monotonic() - self._looked_at < self._rules.look_s:
            return self._last_head()
        return await self.head()

    async def _look_around(self) -> None:
        """One at a time, shared: whether the shared meters are back, and what the records know meanwhile.

        Who comes while somebody looks may know of a later write than that look: the next one is his.
        """
        begun = self._looks
        while self._looking is not None:
            await asyncio.shield(self._looking)
        if self._looks > begun:
            return
        self._looks += 1
        if self._probe is None or self._probe.done():  # its answer is not waited for: it may never come
            self._probe = spawn(self._find(), "shared meters")
        self._looking = asyncio.get_running_loop().create_future()
        try:
            self._seen(max(await self._revision(), self._head))
            self._blind_since = None
        except StoreUnavailable as failure:
            self._looked_at = self._clock.monotonic()
            if self._blind_since is None:
                self._blind_since = self._looked_at
                log.warning("records are away too (%s), for %.0f s what is known stands", failure, self._rules.grace_s)
        finally:
            self._looking.set_result(None)
            self._looking = None

    async def _find(self) -> None:
        """Runs on its own, for as long as the shared meters take to answer or to fail."""
        try:
            head = await self._shared.head()
        except StoreUnavailable:
            return
        self._note_answer()
        await self._trusted(head)

    def _note_answer(self) -> None:
        if self.away_since is not None:
            log.warning("the shared meters are back after %.1f s", self._clock.monotonic() - self.away_since)
            self.away_since = self._blind_since = None
            self._share.back()

    async def _trusted(self, head: int) -> int:
        """Behind a connection made anew, announcements may have been lost, and all that was kept of earlier answers may
        be wrong (design §3.2): the newest revision is announced again, and `doubts` rises."""
        made = self._shared.connections_made
        if made == self._connections:
            return self._seen(head)
        if self._connections >= 0:
            try:
                head = max(head, await self._shared.announce(await self._revision()))
            except StoreUnavailable:  # tried again with the next answer
                return self._seen(max(head, self._head))
            self.doubts += 1
        self._connections = made
        return self._seen(head)

    def _lose(self, failure: StoreUnavailable) -> None:
        if self.away_since is None:
            self.away_since = self._clock.monotonic()
            self._looked_at = -1.0
            log.warning("the shared meters are away (%s); rates are counted here, by 1/%d", failure, self._share.nodes)

    def _last_head(self) -> int:
        blind_since = self._blind_since
        if blind_since is not None and self._clock.monotonic() - blind_since >= self._rules.grace_s:
            raise StoreUnavailable("meters and records are away for longer than outage_grace_s")
        if self._head < 0:
            raise StoreUnavailable("the stores are away and no revision is known yet")
        return self._head

    def _seen(self, head: int) -> int:
        self._head = head
        self._looked_at = self._clock.monotonic()
        return head

    @property
    def is_away(self) -> bool:
        return self.away_since is not None

    async def announce(self, revision: int) -> int:
        head = await self._shared.announce(revision)
        self._note_answer()
        return self._seen(head)

    @property
    def troubles(self) -> Troubles:
        shared = self._shared
        return Troubles(self._uncounted, shared.outcomes_unknown, tuple(shared.durability_problems()))

    async def beat(self, beat: Beat) -> None:
        """How many nodes share a limit is known from the last time the shared meters said."""
        if self.away_since is None:
            self._share.heard(await self._shared.beat(self._node, beat))

    async def heard(self) -> list[Heard]:
        return await self._unless_away(self._shared.heard)

    # -- what is shared or not at all -----------------------------------------------------------------------------

    async def quota(self, meter: bytes, now: Now | None = None) -> QuotaState | None:
        return await self._shared.quota(meter, now)

    async def quotas(self) -> list[QuotaState]:
        return await self._shared.quotas()

    async def restore_quotas(self, states: Sequence[QuotaState]) -> int:
        return await self._shared.restore_quotas(states)

    async def enqueue(self, lines: Sequence[bytes]) -> None:
        await self._unless_away(lambda: self._shared.enqueue(lines))

    async def peek(self, limit: int) -> UsageBatch:
        return await self._shared.peek(limit)

    async def discard(self, epoch: str, upto: int) -> None:
        await self._shared.discard(epoch, upto)

    async def key_set(self, source: str) -> KeySetRow | None:
        return await self._unless_away(lambda: self._shared.key_set(source))

    async def put_key_set(self, source: str, body: bytes, *, fetched_at: float, fresh_until: float) -> int:
        return await self._unless_away(
            lambda: self._shared.put_key_set(source, body, fetched_at=fetched_at, fresh_until=fresh_until)
        )

    async def drop_key_set(self, source: str) -> None:
        await self._shared.drop_key_set(source)

    async def key_set_sources(self) -> list[str]:
        return await self._unless_away(self._shared.key_set_sources)

    async def key_sets_epoch(self, *, fresh: bool = False) -> int:
        """At most `follow_interval_s` old; sets that a worker has parsed go on while the shared meters are away.

        `fresh`: as it is, or StoreUnavailable.
        """
        now = self._clock.monotonic()
        if fresh:
            self._epoch, self._epoch_at = await self._shared.key_sets_epoch(), now
            return self._epoch
        if self.away_since is None and now - self._epoch_at >= self._rules.look_s:
            try:
                self._epoch, self._epoch_at = await self._shared.key_sets_epoch(), now
            except StoreUnavailable as failure:
                self._lose(failure)
        return self._epoch

    async def take_lease(self, name: str, for_s: float) -> bool:
        return await self._unless_away(lambda: self._shared.take_lease(name, for_s))

    async def end_lease(self, name: str) -> None:
        await self._unless_away(lambda: self._shared.end_lease(name))

    async def first_use(self, name: bytes, until: float) -> bool:
        return await self._unless_away(lambda: self._shared.first_use(name, until))

    async def is_unused(self, name: bytes, until: float) -> bool:
        return await self._unless_away(lambda: self._shared.is_unused(name, until))

    async def _unless_away(self, call: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """Nobody waits for meters that are known to be away."""
        if self.away_since is not None:
            raise StoreUnavailable("the shared meters are away")
        return await call()

    # -- the node's own -------------------------------------------------------------------------------------------

    def sync(self) -> None:
        self._own.sync()

    def sweep(self, budget: int, now: Now | None = None) -> int:
        return self._own.sweep(budget, now)

    async def close(self) -> None:
        await self._shared.close()
        await self._own.close()
