"""Bars over time as a picture: only where each bar begins and ends, so that a template can draw it. Pure.

The picture is 1000 wide and 100 high whatever is in it, and is stretched to its place; its numbers stand in a table.
"""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import Final, NamedTuple

WIDTH: Final = 1000.0
HEIGHT: Final = 100.0
GAP: Final = 0.18  # of a bar's width, between it and the next


class Bar(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    series: int


class Picture(NamedTuple):
    bars: list[Bar]
    top: int  # the number that the upper edge stands for


def stacked(points: Sequence[Sequence[int]]) -> Picture:
    """Each point is a stack of its series, from below; nothing at all is an empty picture of 0 to 1."""
    top = nice_top(max((sum(point) for point in points), default=0))
    step = WIDTH / max(len(points), 1)
    bars = [bar for place, point in enumerate(points) for bar in _stack(point, place * step, step, top)]
    return Picture(bars, top)


def _stack(point: Sequence[int], left: float, step: float, top: int) -> list[Bar]:
    bars, below = [], 0.0
    for series, value in enumerate(point):
        height = value / top * HEIGHT
        if value:
            y = HEIGHT - below - height
            bars.append(
                Bar(round(left + step * GAP / 2, 2), round(y, 2), round(step * (1 - GAP), 2), round(height, 2), series)
            )
        below += height
    return bars


def nice_top(most: int) -> int:
    """The next of 1, 2, 2.5, 5 times a power of ten, and never below what is to be shown."""
    if most <= 1:
        return 1
    power = int(10 ** floor(log10(most)))
    return next(ceil(power * factor) for factor in (1, 2, 2.5, 5, 10) if power * factor >= most)
