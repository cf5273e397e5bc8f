"""What the control process repeats: head announced, usage drained, meters swept, quotas kept safe, old usage forgotten.

Each piece of work is bounded, so that requests are answered in between. A store that is away is waited for.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from propylon import __version__
from propylon.control.desk import Desk
from propylon.control.key_retirement import retire_due
from propylon.control.resealing import Resealing
from propylon.repeating import Repeating, tried
from propylon.stores.ports import Beat, NodeMeters
from propylon.stores.records.identities import Seen
from propylon.stores.records.key_rings import LastUse
from propylon.stores.records.leadership import Leadership
from propylon.stores.records.writes import Actor
from propylon.telemetry.report import Report, encode
from propylon.usage.drain import Drain
from propylon.usage.line import Line
from propylon.usage.node_lines import NodeFigures
from propylon.usage.rebuilding import rebuild_hour
from propylon.usage.retention import Kept, expire
from propylon.usage.rolling_up import roll_up_minute

log = logging.getLogger("propylon.control")
ANNOUNCE_S: Final = 1.0
LOOK_S: Final = 1.0
BEAT_S: Final = 1.0
DRAIN_S: Final = 1.0
SWEEP_S: Final = 5.0
RETIRE_S: Final = 5.0
RESEAL_S: Final = 2.0
CHECKPOINT_S: Final = 60.0
EXPIRE_S: Final = 60.0
AUDIT_S: Final = 60.0
SWEPT_MAX: Final = 2000  # meters looked at in one go
EXPIRED_MAX: Final = 5000  # rows removed in one go
EXPIRE_PAUSE_S: Final = 0.5  # in which other writers have their turn
ROLL_UP_S: Final = 5.0
ROLL_UP_PAUSE_S: Final = 0.05  # in which other writers have their turn
REBUILD_S: Final = 5.0
LIST_S: Final = 5.0
LIST_PAUSE_S: Final = 0.05  # in which other writers have their turn
LISTED_MAX: Final = 500  # keys listed again in one go
REBUILD_PAUSE_S: Final = 0.1
DAY_S: Final = 86_400
SWEEP_OF_REVOCATIONS: Final = Actor("propylon", "sweep of revocations that are over")


class Housekeeping:
    """One per control process, from `start` to `end`. `on_bug`: some of the work has ended and will not go on.

    Of several control processes one leads; what is done for all is left to it.
    """

    def __init__(self, desk: Desk, meters: NodeMeters, leadership: Leadership, on_bug: Callable[[], None]) -> None:
        self._desk = desk
        self._meters = meters
        self._leadership = leadership
        # Where the queue is of a fleet, this node's own figures come another way.
        observe = desk.metrics.observe if meters.own_queue is None else desk.metrics.observe_fleet
        self._drain = Drain(desk.records, meters, observe, self._remember, desk.settings.default_org_id)
        self._resealing = Resealing(desk.records, desk.standing, desk.clock)
        self._repeating = Repeating(desk.clock, log, on_bug)
        self._drained_at = 0.0  # Unix time the queue was last found empty

    def start(self) -> None:
        self._repeat(ANNOUNCE_S, self._desk.announcer.announce)
        self._repeat(LOOK_S, self._desk.standing.look)
        self._repeat(BEAT_S, self._beat)
        self._repeat(SWEEP_S, self._sweep)
        self._repeat(AUDIT_S, self._desk.signing_in.refused.flush)
        if self._meters.own_queue is not None:
            self._repeat(DRAIN_S, NodeFigures(self._meters.own_queue, self._desk.metrics.observe).run_once)
        for seconds, work in (
            (DRAIN_S, self.drain),
            (RETIRE_S, self.retire_generations),
            (RESEAL_S, self.reseal),
            (CHECKPOINT_S, self.checkpoint),
            (ROLL_UP_S, self.roll_up),
            (REBUILD_S, self.rebuild),
            (LIST_S, self.list_keys),
            (EXPIRE_S, self._expire),
            (EXPIRE_S, self.forget_revocations),
            (EXPIRE_S, self.forget_identities),
        ):
            self._repeat(seconds, work, for_all=True)

    async def end(self) -> None:
        """What is under way comes to its end; then the last usage and quotas are stored."""
        await self._repeating.end()
        await self._desk.signing_in.refused.flush()
        if await self._leadership.lead():
            for work in (self.drain, self.checkpoint):
                await tried(work, log)
        await self._leadership.close()

    async def restore_quotas(self) -> None:
        """What the meters lost, for instance to damage, as it stood at the last checkpoint."""
        missing = await self._meters.restore_quotas(await self._desk.records.quotas.load())
        if missing:
            log.warning("%d quotas were missing from the meters and are restored from their checkpoint", missing)

    async def drain(self) -> None:
        """Until the queue is empty."""
        began = self._desk.clock.wall()
        try:
            while await self._drain.run_once():
                began = self._desk.clock.wall()
        finally:
            self._desk.standing.lines_waiting = self._drain.waiting
        self._drained_at = began
        self._desk.metrics.lines_lost(dropped=self._drain.dropped, malformed=self._drain.malformed)

    async def _remember(self, lines: Sequence[Line]) -> None:
        sightings = [(one, line.minute * 60.0) for line in lines for one in line.sightings]
        if sightings:
            await self._desk.records.save_sightings([Seen(*one, at) for one, at in sightings])
        uses = [LastUse(*use, line.minute * 60.0) for line in lines for use in line.uses]
        if uses:
            await self._desk.records.save_last_used(uses)

    async def retire_generations(self) -> None:
        await retire_due(self._desk, self._drained_at)

    async def reseal(self) -> None:
        await self._resealing.run(lambda: self._repeating.is_ending)

    async def checkpoint(self) -> None:
        await self._desk.records.quotas.save(await self._meters.quotas())

    async def _beat(self) -> None:
        """To whoever shows the nodes of a fleet; it takes no traffic."""
        desk = self._desk
        report = Report(desk.settings.role, __version__, desk.standing.since, 0, 0.0, 0)
        await self._meters.beat(Beat("control", serves=False, said=encode(report)))

    async def _sweep(self) -> None:
        self._meters.sweep(SWEPT_MAX)

    async def _expire(self) -> None:
        while await expire(self._desk.records, self._kept(), EXPIRED_MAX) and not self._repeating.is_ending:
            await self._desk.clock.sleep(EXPIRE_PAUSE_S)

    def _kept(self) -> Kept:
        now, settings = self._desk.clock.wall(), self._desk.settings
        hours_since = now - settings.usage_retention_days * DAY_S
        return Kept(
            now - settings.usage_minutes_retention_days * DAY_S,
            hours_since,
            now - settings.usage_days_retention_days * DAY_S,
            hours_since,
            settings.request_log_entries_max,
        )

    async def roll_up(self) -> None:
        while not self._repeating.is_ending and await roll_up_minute(self._desk.records, self._desk.clock.wall()):
            await self._desk.clock.sleep(ROLL_UP_PAUSE_S)

    async def rebuild(self) -> None:
        """What stands for longer than minutes, after an update; `rebuilding.py`."""
        while not self._repeating.is_ending and await rebuild_hour(
            self._desk.records, self._desk.settings.default_org_id
        ):
            await self._desk.clock.sleep(REBUILD_PAUSE_S)

    async def list_keys(self) -> None:
        """What lists of keys go by, where a version before has written; `key_lists.py`."""
        while not self._repeating.is_ending and await self._desk.records.key_lists.list_again(LISTED_MAX):
            await self._desk.clock.sleep(LIST_PAUSE_S)

    async def forget_revocations(self) -> None:
        """Those that are over; workers compare the times themselves, and are told so that they forget them too."""
        found = 1
        while found and not self._repeating.is_ending:
            async with self._desk.records.change(SWEEP_OF_REVOCATIONS) as edit:
                found = await edit.revocations.sweep()
            await self._desk.announcer.announce()

    async def forget_identities(self) -> None:
        """Who was not seen for as long as usage is kept; one that is suspended stays so."""
        before = self._desk.clock.wall() - self._desk.settings.usage_retention_days * DAY_S
        while await self._desk.records.forget_identities(before, EXPIRED_MAX) and not self._repeating.is_ending:
            await self._desk.clock.sleep(EXPIRE_PAUSE_S)

    def _repeat(self, seconds: float, work: Callable[[], Awaitable[None]], *, for_all: bool = False) -> None:
        async def if_leading() -> None:
            if await self._leads():
                await work()

        name = f"{work.__name__} every {seconds:g} s"
        self._repeating.begin(if_leading if for_all else work, name, every_s=seconds, first_after_s=seconds)

    async def _leads(self) -> bool:
        leads = self._desk.standing.leads = await self._leadership.lead()
        return leads
