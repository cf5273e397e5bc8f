"""Rate windows as the values of an embedded meter: stored bytes and one claim in, new bytes and the answer out.

Knows no LMDB, no clock and no other claim: `lmdb.py` reads, asks here, and writes only if no claim refuses.

A **sliding** window cuts its period into 16 parts and sums 17 of them: the running one and 16 whole ones. A charge made
in part p counts until part p + 17 begins, so it is held for more than 16 parts (a whole period) and at most 17. Hence
never more than `limit` in *any* window, and 16/17 = 94 % of it under sustained overload. Summing 16 parts would forget
a charge after 15 to 16 parts and admit nearly twice the limit around an edge.

    header  kind, boot, period_ns, part (number of the running part), total (of all 17), running (charges in it)
    parts   16 whole parts before the running one, newest first

`total` is kept so that the usual charge (same part) touches the header only. `part` never decreases: while the clock is
behind it, charges go into the stored part. A part more than one period ahead of the clock empties the window.
`boot` numbers the machine's starts: CLOCK_MONOTONIC of another boot says nothing here.

A **fixed** window is the header alone: `part` numbers windows of the wall clock, `boot` is 0.
"""

from struct import Struct, unpack

from propylon.stores.ports import Claim, Kind

PARTS = 16
IDLE_MIN_NS = 10_000_000_000

# New value (None when refused), remaining after this charge, reset_s, and whether a time ahead of the clock emptied it.
Counted = tuple[bytes | None, int, float, bool]
Window = tuple[int, int, int, bytes, bool]  # part, total, running, whole parts, emptied

_SLIDING, _FIXED = int(Kind.SLIDING), int(Kind.FIXED)
_HEADER = Struct("<BIQqQI")
_pack = _HEADER.pack
_unpack = _HEADER.unpack_from
_HEADER_BYTES = _HEADER.size
_COUNTER_BYTES = 4
_NO_PARTS = bytes(PARTS * _COUNTER_BYTES)
VALUES_BYTES = (_HEADER_BYTES, _HEADER_BYTES + len(_NO_PARTS))


def count_sliding(stored: bytes | None, claim: Claim, monotonic_ns: int, boot: int) -> Counted:
    """One charge on a sliding window."""
    limit, period_ns = claim.limit, claim.period_ns
    part_ns = -(-period_ns // PARTS)
    part = monotonic_ns // part_ns
    total, running, whole, emptied = 0, 0, _NO_PARTS, False
    if stored is not None:
        kind, of_boot, of_period_ns, last, total, running = _unpack(stored)
        whole = stored[_HEADER_BYTES:]
        if kind != _SLIDING or of_period_ns != period_ns or of_boot != boot:
            total, running, whole = 0, 0, _NO_PARTS
        elif last != part:
            part, total, running, whole, emptied = _moved(part, last, total, running, whole)
    if total >= limit:
        return None, 0, _wait_s(part, total, running, whole, limit, part_ns, monotonic_ns), emptied
    total += 1
    running += 1
    value = _pack(_SLIDING, boot, period_ns, part, total, running) + whole
    if total < limit:
        return value, limit - total, 0.0, emptied
    return value, 0, _wait_s(part, total, running, whole, limit, part_ns, monotonic_ns), emptied


def _moved(part: int, last: int, total: int, running: int, whole: bytes) -> Window:
    """The window as the clock finds it in another part than it was left in."""
    steps = part - last
    if steps < -PARTS:
        return part, 0, 0, _NO_PARTS, True
    if steps < 0:
        return last, total, running, whole, False
    if steps > PARTS:
        return part, 0, 0, _NO_PARTS, False
    kept = (PARTS - steps) * _COUNTER_BYTES
    total -= sum(unpack(f"<{steps}I", whole[kept:]))
    before = bytes((steps - 1) * _COUNTER_BYTES) + running.to_bytes(_COUNTER_BYTES, "little")
    return part, total, 0, before + whole[:kept], False


def _wait_s(part: int, total: int, running: int, whole: bytes, limit: int, part_ns: int, now_ns: int) -> float:
    """Seconds until enough parts have left, oldest first, for one charge to fit."""
    counters = (running, *unpack(f"<{PARTS}I", whole))
    age = PARTS
    while (total := total - counters[age]) >= limit:
        age -= 1
    return ((part - age + PARTS + 1) * part_ns - now_ns) / 1e9


def count_fixed(stored: bytes | None, claim: Claim, wall_ns: int) -> Counted:
    """One charge on the window that the wall clock stands in."""
    limit, period_ns = claim.limit, claim.period_ns
    part = wall_ns // period_ns
    total, emptied = 0, False
    if stored is not None:
        kind, _, of_period_ns, last, total, _ = _unpack(stored)
        if kind != Kind.FIXED or of_period_ns != period_ns or last < part:
            total = 0
        elif last > part + 1:
            total, emptied = 0, True
        else:
            part = last
    wait_s = ((part + 1) * period_ns - wall_ns) / 1e9
    if total >= limit:
        return None, 0, wait_s, emptied
    total += 1
    value = _pack(Kind.FIXED, 0, period_ns, part, total, 0)
    return value, limit - total, 0.0 if total < limit else wait_s, emptied


def window_is_over(stored: bytes, monotonic_ns: int, wall_ns: int, boot: int) -> bool:
    """Whether nobody would miss this window: idle for two periods and ten seconds, or of another boot."""
    kind, of_boot, period_ns, last, _, _ = _unpack(stored)
    if kind == Kind.FIXED:
        left_ns = wall_ns - (last + 1) * period_ns
    elif of_boot != boot:
        return True
    else:
        left_ns = monotonic_ns - (last + 1) * -(-period_ns // PARTS)
    return bool(left_ns > max(2 * period_ns, IDLE_MIN_NS))
