"""Moves the queue of folded usage into the records: every line once, whenever a process is killed.

One transaction adds the lines and says how far the queue is added; lines leave the queue after it. A drain that was
killed in between finds the lines again, and that they are added.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from propylon.stores.ports import Meters, UsageBatch
from propylon.stores.records.engines import SQL_ERRORS
from propylon.stores.records.records import Records
from propylon.usage.aggregates import add_lines
from propylon.usage.line import Cell, Line, MalformedLine, Observe, parse
from propylon.usage.progress import Progress, move_progress, read_mark, read_progress
from propylon.usage.rows import Orgs, unplaced
from propylon.usage.split import Split

log = logging.getLogger("propylon.usage")
LINES_MAX: Final = 200  # in one transaction
BATCH_BYTES: Final = 1024**2  # in one transaction: 25 ms of parsing; at least one line

Remember = Callable[[Sequence[Line]], Awaitable[None]]


def _nobody(cells: Sequence[Cell], gauges: Mapping[str, float], splits: Mapping[str, Split]) -> None:
    return


async def _nothing(lines: Sequence[Line]) -> None:
    return


class Drain:
    """One per control process. `observe` is told of each line once, after its commit.

    `remember` keeps what lines say of records, which are another database: before their commit, so that nothing is lost
    by a death in between; so it may be told of a line again. What no API answered counts to `default_org_id`.
    """

    def __init__(
        self,
        records: Records,
        meters: Meters,
        observe: Observe = _nobody,
        remember: Remember = _nothing,
        default_org_id: str = "",
    ) -> None:
        self._records = records
        self._default_org_id = default_org_id
        self._remember = remember
        self._engine = records.usage_engine
        self._meters = meters
        self._observe = observe
        self.malformed = 0  # lines that were left out
        self.dropped = 0  # lines that the bound of the queue pushed out before they were added
        self.waiting = 0  # lines in the queue when it was last looked at

    async def run_once(self) -> int:
        """One batch; answers how many lines it took off the queue. Raises StoreUnavailable: nothing is lost by it."""
        batch = _bounded(await self._meters.peek(LINES_MAX))
        self.dropped, self.waiting = batch.dropped, batch.waiting
        if not batch.lines:
            return 0
        parsed = [_parsed(raw) for raw in batch.lines]
        lines = [line for line in parsed if isinstance(line, Line)]
        await self._remember(lines)
        orgs = {"": self._default_org_id, **await self._records.orgs_of_apis(unplaced(lines))}
        skipped = await self._add(batch, parsed, orgs)
        for line in parsed[skipped:]:
            self._tell(line)
        await self._meters.discard(batch.epoch, batch.first + len(batch.lines))
        return len(batch.lines)

    async def _add(self, batch: UsageBatch, parsed: Sequence[Line | MalformedLine], orgs: Orgs) -> int:
        """Answers how many lines of the batch were added before."""
        with SQL_ERRORS:
            async with self._engine.begin() as connection:
                before = await read_progress(connection)
                upto = before.upto if before is not None and before.epoch == batch.epoch else batch.first
                skipped = max(0, upto - batch.first)
                if skipped < len(batch.lines):
                    await move_progress(connection, before, Progress(batch.epoch, batch.first + len(batch.lines)))
                    mark = await read_mark(connection)
                    lines = [line for line in parsed[skipped:] if isinstance(line, Line)]
                    await add_lines(connection, lines, orgs, mark)
        return skipped

    def _tell(self, line: Line | MalformedLine) -> None:
        if isinstance(line, Line):
            self._observe(line.cells, line.gauges, line.splits)
        else:
            self.malformed += 1
            log.error("a line of usage is left out: %s", line)


def _parsed(raw: bytes) -> Line | MalformedLine:
    try:
        return parse(raw)
    except MalformedLine as error:
        return error


def _bounded(batch: UsageBatch) -> UsageBatch:
    size_bytes = 0
    for index, line in enumerate(batch.lines):
        size_bytes += len(line)
        if size_bytes > BATCH_BYTES and index:
            return batch._replace(lines=batch.lines[:index])
    return batch
