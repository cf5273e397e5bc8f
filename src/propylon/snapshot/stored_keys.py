"""StoredKeys: the keys of the sets that are in the meters, read anew as soon as any of them changed.

Never fetches: explain uses it as it is, and `issuers.py` puts the fetching around it. A set past its freshness serves
until `jwks_stale_max_s` is over (stale-while-error); whoever fetches brings a newer one before that.
"""

import contextlib
import logging
from collections import OrderedDict
from typing import Final

from propylon.clock import Clock
from propylon.errors import StoreUnavailable
from propylon.jose.jwk_set import JwkSet, keep_known, parse_jwk_set
from propylon.jose.verification import VerificationRecord, family_of
from propylon.model.issuer_settings import IssuerSettings
from propylon.snapshot.issuer_source import Reading, Source, reading_of, sources_of
from propylon.steps.issuer_keys import ALGORITHM, KID_MISSING, KID_UNKNOWN, UNAVAILABLE
from propylon.stores.ports import KeySetRow, Meters

log = logging.getLogger("propylon.issuers")
SETS_MAX: Final = 1000  # key sets at hand, per process; the least recently used is read and parsed again
HELD_MAX: Final = 10_000  # records known to be in the newest sets; others are looked up again


class _Kept:
    """One set as this process last saw it."""

    __slots__ = ("epoch", "older", "parsed", "row")

    def __init__(self) -> None:
        self.epoch = -1
        self.row: KeySetRow | None = None
        self.parsed: dict[Reading, JwkSet] = {}  # of the row's body
        self.older: dict[Reading, JwkSet] = {}  # of the body before it


class StoredKeys:
    """One per process. Implements `IssuerKeys`."""

    def __init__(self, meters: Meters, clock: Clock, stale_max_s: float) -> None:
        self._meters = meters
        self._clock = clock
        self._stale_max_s = stale_max_s
        self._epoch = -1
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._held: dict[VerificationRecord, float] = {}  # until when; of this epoch
        self._distrusted = 1  # how often
        self._trusted = 0  # the one of these that was answered by asking

    async def record(self, issuer: IssuerSettings, kid: str | None, alg: str) -> VerificationRecord | str:
        """J-17, J-19: the first set in order that has a key with this `kid` and family."""
        reading, family = reading_of(issuer), family_of(alg)
        if family is None or not reading.allows(alg):
            return ALGORITHM
        reason = KID_UNKNOWN
        for source in sources_of(issuer) or (None,):
            jwks = None if source is None else await self._jwks(source, reading)
            if jwks is None:
                reason = UNAVAILABLE
            elif found := jwks.candidates(kid, family):
                return found[0] if len(found) == 1 else KID_MISSING
            elif kid is not None and jwks.has_kid(kid):  # a key of another family: no newer set would change that
                return ALGORITHM
        return reason

    async def holds(self, issuer: IssuerSettings, record: VerificationRecord) -> bool:
        if await self.remembers(record):
            return True
        epoch, reading = self._epoch, reading_of(issuer)
        for source in sources_of(issuer):
            jwks = await self._jwks(source, reading)
            if jwks is not None and jwks.holds(record):
                await self._remember(record, source, epoch)
                return True
        return False

    async def remembers(self, record: VerificationRecord) -> bool:
        """Whether a fresh set of this epoch is known to hold it: one read of the meters and a look in a dictionary."""
        return await self._follow() == self._epoch and self._held.get(record, 0.0) > self._clock.wall()

    async def row(self, source: Source) -> KeySetRow | None:
        """The newest set of that source, whatever its age."""
        return (await self._newest(source)).row

    def distrust(self) -> None:
        self._distrusted += 1

    async def look_again(self) -> None:
        """Before a refusal, which rests on no answer of a moment ago. While meters are away, what is known stands."""
        with contextlib.suppress(StoreUnavailable):
            await self._meters.key_sets_epoch(fresh=True)

    # -- inside ---------------------------------------------------------------------------------------------------

    async def _follow(self) -> int:
        distrusted = self._distrusted
        epoch = await self._meters.key_sets_epoch(fresh=distrusted != self._trusted)
        self._trusted = distrusted
        if epoch != self._epoch:
            self._held.clear()
            self._epoch = epoch
        return epoch

    async def _remember(self, record: VerificationRecord, source: Source, epoch: int) -> None:
        """While the set is fresh; past that each use looks here again, and so is known to be one."""
        row = await self.row(source)
        if row is None or epoch != self._epoch:
            return
        if len(self._held) >= HELD_MAX:
            self._held.clear()
        self._held[record] = row.fresh_until

    async def _newest(self, source: Source) -> _Kept:
        epoch = await self._follow()
        kept = self._kept.get(source.name)
        if kept is None:
            kept = self._kept[source.name] = _Kept()
            if len(self._kept) > SETS_MAX:
                self._kept.popitem(last=False)
        self._kept.move_to_end(source.name)
        if kept.epoch != epoch:
            _take(kept, await self._meters.key_set(source.name))
            kept.epoch = epoch
        return kept

    async def _jwks(self, source: Source, reading: Reading) -> JwkSet | None:
        kept = await self._newest(source)
        if kept.row is None or kept.row.fresh_until + self._stale_max_s <= self._clock.wall():
            return None
        known = kept.parsed.get(reading)
        if known is None:
            known = parse_jwk_set(kept.row.body, algorithms=reading.algorithms, allow_secrets=reading.allow_secrets)
            for problem in known.problems:
                log.info("key set %r: %s %s (%s)", source.url, problem.path, problem.message, problem.code)
            if reading in kept.older:
                known = keep_known(known, kept.older[reading])
            kept.parsed[reading] = known
        return known


def _take(kept: _Kept, row: KeySetRow | None) -> None:
    """Records made of a body stay while the body does."""
    is_same = row is not None and kept.row is not None and row.body == kept.row.body
    if kept.parsed and not is_same:
        kept.older, kept.parsed = kept.parsed, {}
    kept.row = row
