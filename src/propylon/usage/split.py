"""Where the time of an exchange went: what its upstream took, and what was ours.

The upstream's part runs from when it was asked, a connection included, until the head of its answer came, or the
failure that came instead; so it holds the time a client took to send a body. Ours is the rest, until the head of our
answer left.
"""

from typing import NamedTuple

from propylon.exchange import Exchange
from propylon.usage.histogram import counts_of


class Split(NamedTuple):
    """Both parts as histograms, of exchanges whose upstream was asked: buckets (histogram.py) to counts."""

    upstream: dict[int, int]
    gateway: dict[int, int]


class Spent(NamedTuple):
    """The same before it is counted: both parts of each exchange, microseconds."""

    upstream: list[int]
    gateway: list[int]

    def split(self) -> Split:
        return Split(counts_of(self.upstream), counts_of(self.gateway))


def split_us(exchange: Exchange, now: float) -> tuple[int, int]:
    """Upstream, gateway; microseconds. `now` is when the exchange ended, monotonic."""
    ours = (exchange.replied_at or now) - exchange.started
    if not exchange.asked_at:
        return 0, int(ours * 1e6)
    upstream = exchange.answered_at - exchange.asked_at
    return int(upstream * 1e6), int((ours - upstream) * 1e6)
