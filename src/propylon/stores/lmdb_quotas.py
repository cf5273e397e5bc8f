"""Quotas as the values of an embedded meter: stored bytes and one claim in, new bytes and the answer out.

Knows no LMDB and no clock. Exact to the unit: `used`, the moment it renews (wall clock, 0 = never) and the period that
this was reckoned with. The period begins with the first request after expiry (Q-3), never on a calendar.

Another limit keeps the count. Another period keeps the count and the beginning, and moves the end.
"""

from struct import Struct

from propylon.stores.lmdb_windows import Counted
from propylon.stores.ports import Claim, QuotaState

_QUOTA = Struct("<Qqq")
_pack = _QUOTA.pack
_unpack = _QUOTA.unpack
VALUE_BYTES = _QUOTA.size
_FOREVER_NS = 100 * 365 * 86_400 * 10**9  # longer periods do not fit a signed 64-bit moment
_UNKNOWN = -1  # a restored quota keeps its end until a claim says the period


def count_quota(stored: bytes | None, claim: Claim, wall_ns: int) -> Counted:
    """One charge on a quota."""
    limit, period_ns = claim.limit, claim.period_ns
    if period_ns > _FOREVER_NS:
        period_ns = _FOREVER_NS
    used, emptied = 0, False
    renews_ns = wall_ns + period_ns if period_ns else 0
    if stored is not None:
        of_used, of_renews_ns, of_period_ns = _unpack(stored)
        if of_period_ns != period_ns:
            of_renews_ns = _end_moved(of_renews_ns, of_period_ns, period_ns, wall_ns)
        emptied = of_renews_ns > wall_ns + 2 * period_ns  # begun more than one period from now: the clock was wrong
        if not emptied and (of_renews_ns > wall_ns or not of_renews_ns):
            used, renews_ns = of_used, of_renews_ns
    if used >= limit:
        return None, 0, renews_ns / 1e9, emptied
    used += 1
    return _pack(used, renews_ns, period_ns), limit - used, renews_ns / 1e9, emptied


def _end_moved(renews_ns: int, of_period_ns: int, period_ns: int, wall_ns: int) -> int:
    """The end under another period. A quota that never renewed has no known beginning: its period begins now."""
    if not period_ns:
        return 0
    if not renews_ns:
        return wall_ns + period_ns
    if of_period_ns == _UNKNOWN:
        return min(renews_ns, wall_ns + period_ns)
    return renews_ns - of_period_ns + period_ns


def quota_is_over(stored: bytes, wall_ns: int) -> bool:
    """Whether the next request begins a new period anyway."""
    _, renews_ns, _ = _unpack(stored)
    return bool(0 < renews_ns <= wall_ns)


def quota_state(meter: bytes, stored: bytes) -> QuotaState:
    used, renews_ns, _ = _unpack(stored)
    return QuotaState(meter, used, renews_ns)


def quota_value(state: QuotaState) -> bytes:
    """What a checkpoint knows of a quota, as a value."""
    return _pack(state.used, state.renews_wall_ns, _UNKNOWN)
