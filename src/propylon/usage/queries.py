"""What the Gateway API asks of usage: totals over time, and their latencies. Reads only.

The questions of the screens and the dashboard's API are `figures.py` and `spread.py`, of both the log `entries.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from propylon.stores.records.records import Records
from propylon.usage.figures import Dimension as Dimension
from propylon.usage.figures import Filter, Page, Question, figures
from propylon.usage.ranges import range_of
from propylon.usage.rows import Grain
from propylon.usage.spread import spreads

TOTALS_MAX: Final = 10_000
EVER: Final = float(2**53)

Step = Grain  # how long the stretches are that exchanges are added up over


class Total(NamedTuple):
    """The exchanges of one stretch that share the dimensions asked for."""

    at: int  # Unix time of its beginning
    values: tuple[str | int, ...]  # of the dimensions asked for, in their order
    exchanges: int
    bytes_in: int
    bytes_out: int


async def totals(
    records: Records,
    step: Step,
    by: Sequence[Dimension] = (),
    *,
    where: Mapping[Dimension, str | int] | None = None,
    since: float = 0.0,
    until: float = EVER,
    after: int = 0,
    limit: int = TOTALS_MAX,
) -> list[Total]:
    """Newest stretch first, most exchanges first in each; behind the first `after` of them, at most TOTALS_MAX.

    `since` and `until` count by the minute that holds them.
    """
    over = range_of(since, until, Grain.MINUTE)
    question = Question(over, tuple(by), _filter(where or {}), step, Grain.MINUTE)
    found = await figures(records, question, Page(offset=after, limit=min(limit, TOTALS_MAX)))
    return [Total(one.at, one.values, one.exchanges, one.bytes_in, one.bytes_out) for one in found]


async def latencies(
    records: Records,
    *,
    where: Mapping[Dimension, str | int] | None = None,
    since: float = 0.0,
    until: float = EVER,
) -> dict[int, int]:
    """The histogram of all exchanges chosen, for `percentile_us`."""
    over = range_of(since, until, Grain.MINUTE)
    found = await spreads(records, Question(over, (), _filter(where or {}), None, Grain.MINUTE))
    return found[0].buckets if found else {}


def _filter(where: Mapping[Dimension, str | int]) -> Filter:
    lists = {Dimension.API: "api_ids", Dimension.IDENTITY: "identities"}
    given: dict[str, Any] = {}
    for one, value in where.items():
        given[lists.get(one, one.value)] = (value,) if one in lists else value
    return Filter(**given)
