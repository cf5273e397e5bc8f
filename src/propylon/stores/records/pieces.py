"""Many rows cut into statements that none has to wait for long."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

ROWS: Final = 1_000  # in one call: each keeps the event loop for some milliseconds, and must end within a store's time

_Item = TypeVar("_Item")


def pieces(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """At most ROWS each, none empty."""
    rest = iter(items)
    while piece := list(islice(rest, ROWS)):
        yield piece
