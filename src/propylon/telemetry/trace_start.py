"""How an exchange enters a trace: a client's is continued, else one begins, and whether it is sampled is decided.

Knows nothing of OpenTelemetry: an exchange that is not sampled costs a few IDs and no span.
"""

from random import getrandbits, random
from typing import NamedTuple

from propylon.exchange import Exchange
from propylon.telemetry.trace_context import PARENT, RANDOM, SAMPLED, STATE, Place, parent_value, parse


class Begun(NamedTuple):
    """The places of one exchange: `parent` is the client's span, None where the trace begins here."""

    parent: Place | None
    trace_id: bytes  # 32 digits
    span_id: int  # of the exchange
    upstream_span_id: int  # of the request to the upstream
    flags: int
    state: bytes

    @property
    def is_sampled(self) -> bool:
        return bool(self.flags & SAMPLED)


class Upstream(NamedTuple):
    """Where a request was sent."""

    host: str
    port: int
    url: str  # without query


class TraceStart:
    """One per worker. `trusts_everybody`: a stranger's decision to sample holds too.

    Where it does not, the ratio decides, by a random number: by the trace's ID, strangers could choose to be sampled.
    """

    def __init__(self, ratio: float, *, trusts_everybody: bool) -> None:
        self._ratio = ratio
        self._trusts_everybody = trusts_everybody

    def __call__(self, exchange: Exchange) -> Begun:
        head = exchange.head
        parents = head.values(PARENT)
        parent = parse(parents, head.values(STATE)) if parents else None
        if parent is not None and (self._trusts_everybody or exchange.peer_trusted):
            sampled = parent.flags & SAMPLED
        else:
            sampled = SAMPLED if random() < self._ratio else 0
        span_id, upstream_span_id = getrandbits(64) or 1, getrandbits(64) or 1
        if parent is None:
            return Begun(None, b"%032x" % (getrandbits(128) or 1), span_id, upstream_span_id, RANDOM | sampled, b"")
        flags = parent.flags & RANDOM | sampled
        return Begun(parent, parent.trace_id, span_id, upstream_span_id, flags, parent.state)


def tell_upstream(exchange: Exchange, begun: Begun) -> None:
    """The request travels on with the span of ours that is its parent, whatever the client sent."""
    sent = [name for name in (PARENT, STATE) if exchange.head.has(name)]
    if sent:
        exchange.strip_header_names |= frozenset(sent)
    fields = [(PARENT, parent_value(begun.trace_id, b"%016x" % begun.upstream_span_id, begun.flags))]
    if begun.state:
        fields.append((STATE, begun.state))
    exchange.fields_instead += tuple(fields)
