"""Lines added up to the rows they become: exchanges of one stretch that share every dimension."""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

from propylon.exchange import ApiFacts
from propylon.usage.line import Cell, Line
from propylon.usage.tag_sets import stored

Orgs = Mapping[str, str]  # organisation by API: of lines that do not say it


class Grain(IntEnum):
    """How long the stretches are that rows stand for; minutes, counted from the epoch."""

    MINUTE = 1
    HOUR = 60
    QUARTER = 360  # of a day; for ranges of callers that begin and end within days
    DAY = 1_440  # of UTC
    WEEK = 10_080  # from a Thursday, as the epoch does; nobody is shown one: it is four reads in place of thirty

    def start(self, minute: int) -> int:
        """Of the stretch that a minute lies in."""
        return minute - minute % self


class Dimensions(NamedTuple):
    """What a row is told apart by; columns of the tables."""

    minute: int  # the first of its stretch
    org_id: str
    api_id: str
    version: str
    identity: str
    reason: str
    endpoint: str
    tags: str  # as stored: tag_sets.py
    status: int


class Sums:
    """Of the exchanges of a row."""

    __slots__ = ("bytes_in", "bytes_out", "count", "last_minute", "latencies")

    def __init__(self) -> None:
        self.count = self.bytes_in = self.bytes_out = self.last_minute = 0
        self.latencies: dict[int, int] = {}

    def add(self, minute: int, count: int, bytes_in: int, bytes_out: int, latencies: Mapping[int, int]) -> None:
        self.count += count
        self.bytes_in += bytes_in
        self.bytes_out += bytes_out
        self.last_minute = max(self.last_minute, minute)
        for bucket, number in latencies.items():
            self.latencies[bucket] = self.latencies.get(bucket, 0) + number


Rows = dict[Dimensions, Sums]


def rows_of(lines: Sequence[Line], orgs: Orgs) -> Rows:
    """By minute. `orgs` has the APIs that `unplaced` names, and "" for what no API answered."""
    rows: Rows = {}
    for line in lines:
        tags = {place: stored(tagged.tags) for tagged in line.tagged for place in tagged.cells}
        for place, cell in enumerate(line.cells):
            key = _dimensions(line.minute, cell, line.apis.get(cell.api_id), orgs, tags.get(place, ""))
            sums = rows.get(key)
            if sums is None:
                sums = rows[key] = Sums()
            sums.add(line.minute, cell.exchanges, cell.bytes_in, cell.bytes_out, cell.latencies)
    return rows


def rolled_up(rows: Rows, grain: Grain, *, by_caller: bool) -> Rows:
    """The same exchanges in longer stretches, or whoever called."""
    rolled: Rows = {}
    for key, one in rows.items():
        identity = key.identity if by_caller else ""
        into = key._replace(minute=grain.start(key.minute), identity=identity)
        sums = rolled.get(into)
        if sums is None:
            sums = rolled[into] = Sums()
        sums.add(one.last_minute, one.count, one.bytes_in, one.bytes_out, one.latencies)
    return rolled


def unplaced(lines: Iterable[Line]) -> set[str]:
    """APIs whose organisation some line does not say: it is from a worker of a version before, or a log entry alone."""
    unsaid: set[str] = set()
    for line in lines:
        named = {cell.api_id for cell in line.cells} | {entry.api_id for entry in line.log}
        unsaid |= named - line.apis.keys()
    return unsaid - {""}


def org_of(line: Line, api_id: str, orgs: Orgs) -> str:
    facts = line.apis.get(api_id)
    return orgs.get(api_id, "") if facts is None else facts.org_id


def _dimensions(minute: int, cell: Cell, facts: ApiFacts | None, orgs: Orgs, tags: str) -> Dimensions:
    org_id, version = (orgs.get(cell.api_id, ""), "") if facts is None else (facts.org_id, facts.version)
    return Dimensions(
        minute, org_id, cell.api_id, version, cell.identity, cell.reason, cell.endpoint, tags, cell.status
    )
