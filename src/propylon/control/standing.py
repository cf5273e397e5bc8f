"""How the control process stands: whether its stores answer, whether it leads, how far it is. For /ready and metrics.

Each value has one writer: `look` those of the stores, `housekeeping.py` and `process.py` the others.
"""

import logging
from collections.abc import Mapping
from typing import Protocol

from propylon.errors import Problem, StoreUnavailable
from propylon.stores.ports import NodeMeters

log = logging.getLogger("propylon.control")


class Records(Protocol):
    """Of the records, what is asked here."""

    async def revision(self) -> int: ...


class Standing:
    """One per control process. `since` is the Unix time at which its node was started."""

    def __init__(self, records: Records, meters: NodeMeters, node: str, since: float) -> None:
        self.node = node
        self.since = since
        self.records_away = False
        self.meters_away = False
        self.revision = 0  # the newest of the records
        self.head = 0  # as the meters know it
        self.leads = False
        self.lines_waiting = 0  # in the queue of usage, as the leader last saw it
        self.sealed_with_other: int | None = None  # keys, APIs and policies, as the leader last saw it
        self.is_ending = False
        self._records = records
        self._meters = meters

    async def look(self) -> None:
        """Every second. Never raises: what is away is what it came to see."""
        try:
            self.revision = await self._records.revision()
            self.records_away = False
        except StoreUnavailable as failure:
            self._warn(failure, was_away=self.records_away)
            self.records_away = True
        try:
            self.head = await self._meters.head()
            self.meters_away = self._meters.is_away
        except StoreUnavailable as failure:
            self._warn(failure, was_away=self.meters_away)
            self.meters_away = True

    @property
    def durability(self) -> tuple[Problem, ...]:
        return self._meters.troubles.durability

    def numbers(self) -> Mapping[str, float]:
        """By the names of MEANINGS_OF_CONTROL; what only the leader knows is left out by others."""
        return {
            "leads": int(self.leads),
            "records_away": int(self.records_away),
            "meters_away": int(self.meters_away),
            "newest_revision": self.revision,
            "head_revision": self.head,
            "durability_problems": len(self.durability),
            **(self._numbers_of_leader() if self.leads else {}),
        }

    def _numbers_of_leader(self) -> dict[str, float]:
        numbers: dict[str, float] = {"usage_lines_waiting": self.lines_waiting}
        if self.sealed_with_other is not None:
            numbers["sealed_with_other"] = self.sealed_with_other
        return numbers

    def _warn(self, failure: StoreUnavailable, *, was_away: bool) -> None:
        if not was_away:
            log.warning("%s: %s", failure.code, failure.detail)
