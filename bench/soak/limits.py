"""Rates and quotas are exact; and a limiter that is not would be caught here."""

from bench.soak.row import Row, Size, soaked
from propylon.stores.lmdb_windows import PARTS, count_sliding
from propylon.stores.ports import Claim, Kind
from tests.kit.scenarios import SHARE, RateFigures, exact_rate, quota_over_kills

SECOND_NS = 1_000_000_000
PAIRS = ((100, 1.0), (20, 0.5), (0.5, 1.0), (2.5, 1.0), (250, 2.0))
OVERLOAD = 10
NAIVE = PARTS / (PARTS + 1)  # of the period: its P + 1 parts then sum up to one period, as P parts of it would
NAIVE_TRIES = 8


def exactness(size: Size) -> list[Row]:
    with soaked() as gateway:
        seconds = size.seconds(20.0, least=4.0)
        figures = [exact_rate(gateway, rate=rate, per_s=per_s, seconds=seconds) for rate, per_s in PAIRS]
        naive = [
            exact_rate(gateway, rate=100, per_s=NAIVE, judged_per_s=1.0, seconds=1.3, connections=16)
            for _ in range(size.of(NAIVE_TRIES, least=4))
        ]
    return [*(_rate_row(one, seconds) for one in figures), _naive_row(naive), _simulated_row()]


def _rate_row(one: RateFigures, seconds: float) -> Row:
    allowed = one.rate * one.windows
    overload = one.sent / allowed
    most = f"most in a window {one.most_in_a_window}, {one.share:.1%} of {allowed:.0f} admitted"
    return Row(
        f"{one.rate} requests in {one.window_s:g} s, 64 connections, 2 workers, {seconds:.0f} s",
        f"≤ {one.rate} in any window; ≥ {SHARE:.0%} of what is allowed; ≥ {OVERLOAD} × offered",
        f"{most}, {one.sent:,} sent ({overload:.0f} ×)",
        one.is_exact and one.share >= SHARE and overload >= OVERLOAD,
    )


def _naive_row(figures: list[RateFigures]) -> Row:
    """A real key whose window is one part shorter than its period."""
    worst = max(one.most_in_a_window for one in figures)
    return Row(
        "the same judgement on a window of P parts instead of P + 1 (a key with 16/17 of the period)",
        "must be caught: more than 100 in a window",
        f"{worst} in a window of 1 s, worst of {len(figures)} tries",
        worst > 100,
    )


def _simulated_row() -> Row:
    naive, ours = _around_an_edge(NAIVE), _around_an_edge(1.0)
    return Row(
        "simulated: bursts at the end of a part and as soon as another is let in, P parts and P + 1",
        "P parts: nearly 2 × 100 within a period; P + 1: ≤ 100",
        f"{naive} with P parts, {ours} with P + 1",
        naive > 150 and ours <= 100,
    )


def _around_an_edge(share: float) -> int:
    """What one period admits that begins with a burst at the end of a part; the counting is the gateway's own."""
    claim = Claim(b"simulated", Kind.SLIDING, 100, int(SECOND_NS * share), "simulated")
    part_ns = -(-claim.period_ns // PARTS)
    begin_ns = 1000 * part_ns - 1  # the last moment of a part
    stored, admitted = None, 0
    for now_ns in range(begin_ns, begin_ns + SECOND_NS, SECOND_NS // 10_000):
        value, *_ = count_sliding(stored, claim, now_ns, 1)
        while value is not None:
            stored, admitted = value, admitted + 1
            value, *_ = count_sliding(stored, claim, now_ns, 1)
    return admitted


def quota(size: Size) -> list[Row]:
    kills = size.of(100, least=4)
    with soaked({"workers": 4}) as gateway:
        one = quota_over_kills(gateway, quota=kills * 400, kills=kills, seed=size.seed, pause_s=0.005)
    errors = f", other answers {one.errors}" if one.errors else ""
    return [
        Row(
            f"a quota of {one.quota:,} over {one.kills} kills of workers under load",
            "admitted ≤ quota, and ≥ quota − requests unanswered at the kills; no other answer",
            f"{one.admitted:,} admitted, {one.unanswered} unanswered{errors}",
            one.is_exact and not one.errors,
        )
    ]
