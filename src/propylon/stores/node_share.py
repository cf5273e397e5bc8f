"""A node's part of every rate limit, for the time that it counts by itself, and what its verdict says of the whole."""

from math import inf
from typing import Final

from propylon.clock import Clock
from propylon.model.charge import Charge, Claim, Kind, Verdict

SETTLED_S: Final = 6.0  # after an absence; by then every node that lives has been heard again


class NodeShare:
    """One per process. Told how many nodes are heard, and when the meters that hear them are back."""

    def __init__(self, clock: Clock) -> None:
        self.nodes = 1
        self._clock = clock
        self._back_at = -inf  # monotonic

    def heard(self, nodes: int) -> None:
        """While the meters were away nobody was heard, so they forgot who is there: at first it may only be more."""
        is_settled = self._clock.monotonic() - self._back_at >= SETTLED_S
        self.nodes = max(1, nodes) if is_settled else max(nodes, self.nodes)

    def back(self) -> None:
        self._back_at = self._clock.monotonic()

    def rates_of(self, charge: Charge) -> Charge:
        """The node's part of each rate; quotas cannot be shared out, and are not in it."""
        return tuple(self._part(claim) for claim in charge if claim.kind is not Kind.QUOTA)

    def _part(self, claim: Claim) -> Claim:
        limit = max(1, claim.limit // self.nodes)
        return Claim(claim.meter, claim.kind, limit, claim.period_ns, claim.label)


def with_quotas(charge: Charge, of_rates: Verdict, head: int) -> Verdict:
    """The verdict on all claims of a charge: quotas say that nothing was taken from them."""
    rates = iter(zip(of_rates.remaining, of_rates.reset_s, strict=True))
    pairs = [(claim.limit, 0.0) if claim.kind is Kind.QUOTA else next(rates) for claim in charge]
    places = [index for index, claim in enumerate(charge) if claim.kind is not Kind.QUOTA]
    refused = places[of_rates.refused] if of_rates.refused >= 0 else -1
    return Verdict(refused, head, tuple(left for left, _ in pairs), tuple(reset for _, reset in pairs))
