"""Issuers: key sets that are there when a token needs one (design §5.2). Which key, `stored_keys.py` says.

A source is fetched when a definition that names it is loaded, before its set is no longer fresh, and when a token has
a `kid` that the newest set does not have; how, `renewal.py` says. Requests that need the same set wait for one fetch.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from math import inf
from typing import Final

from propylon.clock import Clock
from propylon.errors import StoreUnavailable
from propylon.jose.verification import VerificationRecord
from propylon.model.issuer_settings import IssuerSettings
from propylon.snapshot.issuer_source import Source, sources_of
from propylon.snapshot.renewal import FRESH_S, Outcome, Renewal
from propylon.snapshot.snapshot import Snapshot
from propylon.snapshot.stored_keys import StoredKeys
from propylon.steps.issuer_keys import KID_UNKNOWN, UNAVAILABLE
from propylon.stores.ports import KeySetRow
from propylon.tasks import spawn

UNKNOWN_KID_S: Final = 30.0  # a kid that a newly fetched set did not have is not fetched for again
UNKNOWN_KIDS_MAX: Final = 1000  # of those
RETRY_S: Final = 11.0  # between two background fetches; a little more than the budget's one in 10 s
REFRESH_AT: Final = 0.8  # of a set's freshness
RUNNING_MAX: Final = 8  # background fetches at once, per worker
UNWATCHED_MAX: Final = 1000  # sources that only keys name, kept fresh; the others wait for a token
UNUSED_S: Final = 3600.0  # after which one of them is no longer kept fresh


class _Known:
    """One source that this worker keeps fresh. Times are monotonic."""

    __slots__ = ("next_refresh", "quiet_until", "renewal", "source", "used_at", "watched")

    def __init__(self, source: Source, now: float) -> None:
        self.source = source
        self.watched = False  # a definition names it
        self.used_at = now
        self.next_refresh = -inf
        self.quiet_until = -inf  # until then the budget would refuse
        self.renewal: asyncio.Task[Outcome] | None = None

    @property
    def is_renewing(self) -> bool:
        return self.renewal is not None and not self.renewal.done()


class Issuers:
    """One per worker. Implements `IssuerKeys`; its owner calls `refresh` every second."""

    def __init__(self, keys: StoredKeys, renewal: Renewal, clock: Clock) -> None:
        self._keys = keys
        self._renewal = renewal
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._absent: OrderedDict[tuple[str, str | None], float] = OrderedDict()  # source and kid, until when

    async def record(self, issuer: IssuerSettings, kid: str | None, alg: str) -> VerificationRecord | str:
        found = await self._keys.record(issuer, kid, alg)
        if found in (UNAVAILABLE, KID_UNKNOWN):
            found = await self._once_more(issuer, kid, alg)
        if found not in (UNAVAILABLE, KID_UNKNOWN):
            return found
        now, sources = self._clock.monotonic(), sources_of(issuer)
        wanted = [one for one in sources if found == UNAVAILABLE or self._absent.get((one.name, kid), now) <= now]
        asked = [known for known in map(self._use, wanted) if known.is_renewing or now >= known.quiet_until]
        if not asked:
            return found
        renewals = [spawn(self._renewed(known), "wait for a key set") for known in asked]  # all at once
        newer = [known.source for known, renewal in zip(asked, renewals, strict=True) if await asyncio.shield(renewal)]
        found = await self._once_more(issuer, kid, alg)  # in any case
        if found == KID_UNKNOWN:
            self._note_absent(newer, kid)
        return found

    async def _once_more(self, issuer: IssuerSettings, kid: str | None, alg: str) -> VerificationRecord | str:
        """Another worker may have brought a newer set meanwhile."""
        await self._keys.look_again()
        return await self._keys.record(issuer, kid, alg)

    async def holds(self, issuer: IssuerSettings, record: VerificationRecord) -> bool:
        if await self._keys.remembers(record):
            return True
        for source in sources_of(issuer):
            self._use(source)
        return await self._keys.holds(issuer, record)

    def distrust(self) -> None:
        self._keys.distrust()

    def watch_definitions(self, snapshot: Snapshot) -> None:
        routes = [state.route for state in snapshot.apis.values() if state.route is not None]
        settings = [route.definition.jwt for route in routes if route.definition is not None]
        self.watch(issuer for one in settings if one is not None for issuer in one.issuers)

    def watch(self, issuers: Iterable[IssuerSettings]) -> None:
        """Those of every definition that is served: fetched now if need be, and kept fresh. On the running loop."""
        wanted: dict[str, Source] = {}
        for source in (source for issuer in issuers for source in sources_of(issuer)):
            wanted[source.name] = min(source, wanted.get(source.name, source), key=_told_s)
        for known in self._known.values():
            known.watched = known.source.name in wanted
        for source in wanted.values():
            known = self._use(source)
            known.source, known.watched = source, True
        spawn(self._refresh_now(), "fetch key sets")

    async def refresh(self) -> None:
        """Begins what is due, waits for nothing of it."""
        now = self._clock.monotonic()
        running = sum(known.is_renewing for known in self._known.values())
        for name, known in list(self._known.items()):
            if known.is_renewing or now < known.next_refresh or running >= RUNNING_MAX:
                continue
            if not known.watched and now >= known.used_at + UNUSED_S:
                del self._known[name]
            elif self._is_due(await self._keys.row(known.source)):
                known.next_refresh = now + RETRY_S
                self._begin(known, for_token=False)
                running += 1

    async def _refresh_now(self) -> None:
        with contextlib.suppress(StoreUnavailable):  # `refresh` is called again within a second
            await self.refresh()

    async def close(self) -> None:
        """Ends what is under way, before the meters close; the lease with it."""
        renewals = [known.renewal for known in self._known.values() if known.renewal is not None]
        for renewal in renewals:
            renewal.cancel()
        await asyncio.gather(*renewals, return_exceptions=True)

    def _is_due(self, row: KeySetRow | None) -> bool:
        if row is None:
            return True
        fresh_s = self._clock.wall() - row.fetched_at
        return not 0.0 <= fresh_s < REFRESH_AT * (row.fresh_until - row.fetched_at)  # below 0: the clock was set back

    # -- inside ---------------------------------------------------------------------------------------------------

    def _use(self, source: Source) -> _Known:
        now = self._clock.monotonic()
        known = self._known.get(source.name)
        if known is None:
            known = self._known[source.name] = _Known(source, now)
            self._forget_one()
        known.used_at = now
        return known

    def _forget_one(self) -> None:
        unwatched = [name for name, known in self._known.items() if not known.watched and not known.is_renewing]
        if len(unwatched) > UNWATCHED_MAX:
            del self._known[unwatched[0]]

    async def _renewed(self, known: _Known) -> bool:
        """Whether a newer set is there. Whoever waits may go, the fetch goes on: it is for all who need it."""
        while known.renewal is not None and known.is_renewing:
            outcome = await asyncio.shield(known.renewal)
            if outcome.is_tried:
                return outcome.is_newer
        return (await asyncio.shield(self._begin(known, for_token=True))).is_newer

    def _begin(self, known: _Known, *, for_token: bool) -> "asyncio.Task[Outcome]":
        known.renewal = spawn(self._renew(known, for_token=for_token), f"fetch key set {known.source.url}")
        return known.renewal

    async def _renew(self, known: _Known, *, for_token: bool) -> Outcome:
        outcome = await self._renewal.renew(known.source, for_token=for_token)
        if for_token:
            known.quiet_until = self._clock.monotonic() + outcome.quiet_s
        return outcome

    def _note_absent(self, sources: Sequence[Source], kid: str | None) -> None:
        until = self._clock.monotonic() + UNKNOWN_KID_S
        for source in sources:
            self._absent[(source.name, kid)] = until
            self._absent.move_to_end((source.name, kid))
            if len(self._absent) > UNKNOWN_KIDS_MAX:
                self._absent.popitem(last=False)


def _told_s(source: Source) -> float:
    return FRESH_S if source.cache_timeout_s is None else source.cache_timeout_s
