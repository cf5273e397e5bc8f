"""Rates and quotas as written, turned into whole numbers that meters count with; never more generous than written.

Pure arithmetic: knows no meter, no session, no time of day.
"""

from fractions import Fraction
from math import ceil
from typing import Final

NANOSECONDS: Final = 1_000_000_000
BURST_MAX: Final = (
    1000  # of a fractional rate: 2.5 per 1 s is counted as 5 per 2 s, but 1000.001 is not 1000001 per 1000 s
)
PERIOD_MIN_NS: Final = 1_000_000  # a sliding window has 16 parts; shorter ones would be below the clock's grain
PERIOD_MAX_NS: Final = 2**62  # 146 years; meters store 64 bits
LIMIT_MAX: Final = 2**31 - 1  # meters count in 32 bits
UNLIMITED: Final = -1


def window(rate: float, per: float) -> tuple[int, int] | None:
    """(limit, period in ns) with limit ÷ period at most rate ÷ per; None when nothing is limited (R-1)."""
    if rate <= 0 or per <= 0:
        return None
    exact_rate = Fraction(str(rate))  # 0.1 as written, not as the nearest binary fraction
    per_ns = Fraction(str(per)) * NANOSECONDS
    limit = min(_whole_limit(exact_rate, per_ns), LIMIT_MAX)
    period_ns = max(ceil(limit * per_ns / exact_rate), ceil(per_ns), PERIOD_MIN_NS)
    return limit, min(period_ns, PERIOD_MAX_NS)


def quota(quota_max: int, renewal_rate: int) -> tuple[int, int] | None:
    """(limit, period in ns; 0 = never renews), None when there is no quota (Q-1, Q-2)."""
    if quota_max <= 0:
        return None
    return quota_max, min(max(0, renewal_rate) * NANOSECONDS, PERIOD_MAX_NS)


def interval(rate: float, per: float) -> float:
    """Seconds between two requests: what policies are compared by (P-16). 0 = unlimited."""
    return per / rate if rate > 0 and per > 0 else 0.0


def is_set(rate: float, per: float) -> bool:
    """A rate or per of 0 means that nobody said anything (P-16)."""
    return rate != 0 and per != 0


def exceeds(first: int, second: int) -> bool:
    """Whether a quota or depth is the larger one; -1 is larger than everything (P-15, P-17)."""
    if second == UNLIMITED:
        return False
    return first == UNLIMITED or first > second


def _whole_limit(rate: Fraction, per_ns: Fraction) -> int:
    """The rate itself, else the numerator of a fraction near it; what PERIOD_MIN_NS allows when `per` is shorter."""
    if per_ns < PERIOD_MIN_NS:
        return max(1, int(rate * PERIOD_MIN_NS / per_ns))
    if rate.denominator == 1:
        return rate.numerator
    denominator_max = BURST_MAX // min(BURST_MAX, max(1, int(rate)))
    return max(1, rate.limit_denominator(denominator_max).numerator)
