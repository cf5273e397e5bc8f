"""What every implementation of `Meters` must do. A new one adds a line to FACTORIES and passes, or is not one.

Time is the `now` argument, so a day takes no time; the reference for windows is a list of every admitted moment.
"""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from propylon.stores.lmdb import open_meters
from propylon.stores.ports import Charge, Claim, Kind, Meters, Now, QuotaState, Verdict
from propylon.stores.redis_meters import open_redis_meters
from tests.kit.redis_server import url_in

SECOND = 10**9
LINES_MAX = 40
START = Now(5_000 * SECOND, 1_800_000_000 * SECOND)

Factory = Callable[[Path], Awaitable[Meters]]
Scenario = Callable[[Meters], Awaitable[object]]


async def open_lmdb(folder: Path) -> Meters:
    """The embedded meters with a queue of LINES_MAX lines."""
    return open_meters(folder, meters_map_bytes=1 << 20, usage_map_bytes=1 << 20, usage_lines_max=LINES_MAX)


async def open_redis(folder: Path) -> Meters:
    """The meters of a fleet, on a real server; the folder stands for a database of it."""
    return await open_redis_meters(url_in(folder), usage_lines_max=LINES_MAX)


FACTORIES: dict[str, Factory] = {"lmdb": open_lmdb, "redis": open_redis}


@pytest.fixture(params=FACTORIES)
def factory(request: pytest.FixtureRequest) -> Factory:
    return FACTORIES[request.param]


async def with_meters(factory: Factory, folder: Path, scenario: Scenario) -> None:
    meters = await factory(folder)
    try:
        await scenario(meters)
    finally:
        await meters.close()


def run(factory: Factory, scenario: Scenario) -> None:
    """One scenario on fresh meters."""
    with TemporaryDirectory() as folder:
        asyncio.run(with_meters(factory, Path(folder), scenario))


def at(seconds: float, wall_jump_s: float = 0) -> Now:
    passed_ns = round(seconds * SECOND)
    return Now(START.monotonic_ns + passed_ns, START.wall_ns + passed_ns + round(wall_jump_s * SECOND))


def sliding(limit: int, period_s: float = 60, meter: bytes = b"window") -> Claim:
    return Claim(meter, Kind.SLIDING, limit, round(period_s * SECOND), "key_rate")


def fixed(limit: int, period_s: float = 60, meter: bytes = b"window") -> Claim:
    return Claim(meter, Kind.FIXED, limit, round(period_s * SECOND), "key_rate")


def quota(limit: int, period_s: float = 3600, meter: bytes = b"quota") -> Claim:
    return Claim(meter, Kind.QUOTA, limit, round(period_s * SECOND), "quota")


async def spend(meters: Meters, claim: Claim, times: int, now: Now) -> int:
    """How many of `times` charges are admitted."""
    return sum([(await meters.admit((claim,), now)).refused < 0 for _ in range(times)])


def most_in_any_window(moments_ns: list[int], period_ns: int) -> int:
    """The reference: windows of every position that matters begin at an admitted moment."""
    return max((sum(start <= other < start + period_ns for other in moments_ns) for start in moments_ns), default=0)


# --- sliding windows


arrivals = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 6)), min_size=1, max_size=40)


@settings(deadline=None, max_examples=150)
@given(limit=st.integers(1, 8), period_ns=st.integers(1_000, 10**12), gaps=arrivals)
@pytest.mark.parametrize("factory", FACTORIES.values(), ids=FACTORIES)
def test_no_window_of_any_position_holds_more_than_the_limit(
    factory: Factory, limit: int, period_ns: int, gaps: list[tuple[int, int]]
) -> None:
    async def scenario(meters: Meters) -> None:
        admitted: list[int] = []
        moment_ns = START.monotonic_ns
        for gap, burst in gaps:  # gaps in 200ths of a period, so that up to two periods pass
            moment_ns += gap * period_ns // 200
            now = Now(moment_ns, START.wall_ns)
            claim = Claim(b"w", Kind.SLIDING, limit, period_ns)
            admitted += [moment_ns] * await spend(meters, claim, burst, now)
        assert most_in_any_window(admitted, period_ns) <= limit

    run(factory, scenario)


def test_a_burst_before_an_edge_is_remembered_for_a_whole_period(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        edge_s = 75 * 60 - START.monotonic_ns // SECOND % 60  # a multiple of the period: every way of cutting has it
        assert await spend(meters, sliding(10), 10, at(edge_s - 0.001)) == 10
        assert await spend(meters, sliding(10), 1, at(edge_s + 59.998)) == 0

    run(factory, scenario)


def test_sustained_overload_admits_at_least_94_percent_of_the_limit(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        periods, steps, limit = 34, 160, 50
        admitted = 0
        for step in range(periods * steps):
            admitted += await spend(meters, sliding(limit, 1), 1, at(step / steps))
        assert 0.94 * limit * periods <= admitted <= limit * periods

    run(factory, scenario)


def test_a_fraction_is_a_longer_period(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        half_a_request_per_second = sliding(1, 2)
        admitted = [await spend(meters, half_a_request_per_second, 1, at(second)) for second in (0, 1, 1.9, 2.2, 3.2)]
        assert admitted == [1, 0, 0, 1, 0]

    run(factory, scenario)


def test_a_refused_window_says_when_a_request_fits(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        await spend(meters, sliding(2), 1, at(0))
        await spend(meters, sliding(2), 1, at(30))
        refusal = await meters.admit((sliding(2),), at(40))
        wait_s = refusal.reset_s[0]
        assert 20 <= wait_s <= 20 + 60 / 16
        assert await spend(meters, sliding(2), 1, at(40 + wait_s - 0.001)) == 0
        assert await spend(meters, sliding(2), 2, at(40 + wait_s)) == 1

    run(factory, scenario)


def test_after_a_lower_limit_the_wait_lasts_until_enough_has_left(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        for second in (0, 10, 20):
            await spend(meters, sliding(3), 1, at(second))
        wait_s = (await meters.admit((sliding(1),), at(30))).reset_s[0]
        assert await spend(meters, sliding(1), 1, at(30 + wait_s - 0.001)) == 0
        assert await spend(meters, sliding(1), 1, at(30 + wait_s)) == 1

    run(factory, scenario)


def test_remaining_counts_down_and_an_open_window_needs_no_wait(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        verdicts = [await meters.admit((sliding(3),), at(0)) for _ in range(4)]
        assert [verdict.remaining for verdict in verdicts] == [(2,), (1,), (0,), (0,)]
        assert [verdict.refused for verdict in verdicts] == [-1, -1, -1, 0]
        assert [verdict.reset_s[0] > 0 for verdict in verdicts] == [False, False, True, True]

    run(factory, scenario)


def test_another_limit_keeps_what_was_counted(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        await spend(meters, sliding(5), 5, at(0))
        assert await spend(meters, sliding(7), 5, at(1)) == 2
        assert await spend(meters, sliding(3), 1, at(2)) == 0

    run(factory, scenario)


@pytest.mark.parametrize("other", [sliding(5, 61), fixed(5)], ids=["period", "kind"])
def test_another_period_or_kind_begins_a_window_anew(factory: Factory, other: Claim) -> None:
    async def scenario(meters: Meters) -> None:
        await spend(meters, sliding(5), 5, at(0))
        assert await spend(meters, other, 9, at(1)) == 5
        assert await spend(meters, sliding(5), 9, at(2)) == 5

    run(factory, scenario)


@pytest.mark.parametrize("back_s", [0.1, 4, 30, 59])
def test_a_clock_that_goes_back_within_a_period_gives_nothing_away(factory: Factory, back_s: float) -> None:
    async def scenario(meters: Meters) -> None:
        await spend(meters, sliding(5), 3, at(60))
        assert await spend(meters, sliding(5), 5, at(60 - back_s)) == 2
        assert await spend(meters, sliding(5), 1, at(119)) == 0

    run(factory, scenario)


def test_a_window_more_than_one_period_ahead_of_the_clock_is_emptied(
    factory: Factory, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(meters: Meters) -> None:
        await spend(meters, sliding(5), 5, at(1000))
        assert await spend(meters, sliding(5), 9, at(0)) == 5

    run(factory, scenario)
    assert "ahead of the clock" in caplog.text


def test_a_clock_that_jumps_ahead_opens_a_window_once(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        await spend(meters, sliding(5), 5, at(0))
        assert await spend(meters, sliding(5), 9, at(86_400)) == 5

    run(factory, scenario)


# --- fixed windows


def test_a_fixed_window_is_aligned_to_the_wall_clock(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        to_edge_s = 60 - START.wall_ns // SECOND % 60
        assert await spend(meters, fixed(5), 9, at(to_edge_s - 1)) == 5
        refusal = await meters.admit((fixed(5),), at(to_edge_s - 1))
        assert refusal.reset_s == (1.0,)
        assert await spend(meters, fixed(5), 9, at(to_edge_s)) == 5

    run(factory, scenario)


def test_a_wall_clock_that_jumps_back_opens_a_fixed_window_at_most_once(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        assert await spend(meters, fixed(5), 9, at(0)) == 5
        assert await spend(meters, fixed(5), 9, at(1, wall_jump_s=-60)) == 0
        assert await spend(meters, fixed(5), 9, at(2, wall_jump_s=-3600)) == 5
        assert await spend(meters, fixed(5), 9, at(3, wall_jump_s=-3600)) == 0

    run(factory, scenario)


# --- all or nothing


def test_a_refused_charge_charges_none_of_its_meters(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        charge: Charge = (sliding(10, meter=b"a"), quota(1, meter=b"b"), fixed(10, meter=b"c"))
        assert (await meters.admit(charge, at(0))).refused == -1
        for _ in range(5):
            assert (await meters.admit(charge, at(1))).refused == 1
        assert (await meters.admit(charge[:1], at(2))).remaining == (8,)
        assert (await meters.admit(charge[2:], at(2))).remaining == (8,)

    run(factory, scenario)


def test_a_refusal_names_the_first_that_refuses_and_what_the_others_have_left(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        charge: Charge = (sliding(9, meter=b"a"), quota(1, meter=b"b"), sliding(1, meter=b"c"))
        await meters.admit(charge, at(0))
        refusal = await meters.admit(charge, at(1))
        assert (refusal.refused, refusal.remaining) == (1, (8, 0, 0))
        assert refusal.reset_s[0] == 0.0
        assert refusal.reset_s[2] > 0.0

    run(factory, scenario)


def test_a_charge_without_claims_passes_and_brings_the_head(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        await meters.announce(7)
        assert await meters.admit(()) == Verdict(-1, 7, (), ())

    run(factory, scenario)


def test_the_clock_of_the_meters_counts_when_none_is_given(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        charge: Charge = (sliding(1, 3600), quota(5, 3600))
        assert (await meters.admit(charge)).refused == -1
        assert (await meters.admit(charge)).refused == 0

    run(factory, scenario)


# --- quotas


def test_a_quota_begins_with_its_first_request_and_again_with_the_first_after_expiry(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        first = await meters.admit((quota(2),), at(100))
        assert first.reset_s == (at(100 + 3600).wall_ns / SECOND,)
        assert await spend(meters, quota(2), 9, at(3699)) == 1
        late = await meters.admit((quota(2),), at(9000))
        assert late.remaining == (1,)
        assert late.reset_s == (at(9000 + 3600).wall_ns / SECOND,)

    run(factory, scenario)


def test_a_quota_without_a_period_never_renews(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        assert await spend(meters, quota(2, 0), 9, at(0)) == 2
        refusal = await meters.admit((quota(2, 0),), at(10**8))
        assert (refusal.refused, refusal.reset_s) == (0, (0.0,))

    run(factory, scenario)


def test_a_period_of_centuries_is_as_good_as_any(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        assert await spend(meters, quota(2, 10**11), 9, at(0)) == 2

    run(factory, scenario)


def test_a_quota_keeps_its_count_under_another_limit(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        await spend(meters, quota(5), 5, at(0))
        assert (await meters.admit((quota(3),), at(1))).remaining == (0,)
        assert await spend(meters, quota(7), 9, at(2)) == 2

    run(factory, scenario)


@pytest.mark.parametrize(
    ("before_s", "after_s", "renews_after_s"),
    [(3600, 7200, 7200), (3600, 600, 600), (3600, 0, None), (0, 3600, 3610)],
    ids=["longer", "shorter", "never", "from never"],
)
def test_another_period_keeps_the_count_and_moves_the_end(
    factory: Factory, before_s: int, after_s: int, renews_after_s: int | None
) -> None:
    async def scenario(meters: Meters) -> None:
        await spend(meters, quota(5, before_s), 2, at(0))
        verdict = await meters.admit((quota(5, after_s),), at(10))
        assert verdict.remaining == (2,)
        assert verdict.reset_s == (at(renews_after_s).wall_ns / SECOND if renews_after_s else 0.0,)

    run(factory, scenario)


def test_a_quota_begun_more_than_a_period_from_now_begins_anew(
    factory: Factory, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario(meters: Meters) -> None:
        await spend(meters, quota(2), 2, at(0))
        assert await spend(meters, quota(2), 1, at(1, wall_jump_s=-3600)) == 0
        assert await spend(meters, quota(2), 9, at(2, wall_jump_s=-7200)) == 2

    run(factory, scenario)
    assert "ahead of the clock" in caplog.text


def test_a_quota_can_be_read_while_its_period_lasts(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        assert await meters.quota(b"quota", at(0)) is None
        await spend(meters, quota(5), 2, at(0))
        assert await meters.quota(b"quota", at(1)) == QuotaState(b"quota", 2, at(3600).wall_ns)
        assert await meters.quota(b"quota", at(3600)) is None

    run(factory, scenario)


def test_all_quotas_are_listed_and_only_they(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        await meters.announce(3)
        for number in range(250):
            await meters.admit((sliding(5), quota(5, 0, b"q%d" % number)), at(number * 60))
        states = await meters.quotas()
        assert sorted(states) == sorted(QuotaState(b"q%d" % number, 1, 0) for number in range(250))

    run(factory, scenario)


def test_restoring_puts_back_what_is_missing_and_touches_nothing_else(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        await spend(meters, quota(5, meter=b"known"), 3, at(0))
        states = [QuotaState(b"known", 1, at(50).wall_ns), QuotaState(b"lost", 4, at(50).wall_ns)]
        assert await meters.restore_quotas(states) == 1
        assert await spend(meters, quota(5, meter=b"known"), 9, at(1)) == 2
        assert await spend(meters, quota(5, meter=b"lost"), 9, at(1)) == 1
        assert await spend(meters, quota(5, meter=b"lost"), 9, at(50)) == 5

    run(factory, scenario)


def test_a_restored_quota_outlasts_no_period_that_a_claim_names(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        await meters.restore_quotas([QuotaState(b"quota", 4, at(86_400).wall_ns), QuotaState(b"never", 4, 0)])
        assert await spend(meters, quota(5, 60), 9, at(0)) == 1
        assert await spend(meters, quota(5, 60), 9, at(60)) == 5
        assert await spend(meters, quota(5, 0, b"never"), 9, at(10**7)) == 1

    run(factory, scenario)


def test_counts_survive_a_restart(factory: Factory, tmp_path: Path) -> None:
    async def before(meters: Meters) -> None:
        await spend(meters, quota(5, 0), 3, at(0))
        await spend(meters, sliding(5), 3, at(0))
        await meters.announce(9)

    async def after(meters: Meters) -> None:
        verdict = await meters.admit((quota(5, 0), sliding(5)), at(1))
        assert (verdict.head, verdict.remaining) == (9, (1, 1))

    asyncio.run(with_meters(factory, tmp_path, before))
    asyncio.run(with_meters(factory, tmp_path, after))


# --- judging without counting


claims = st.lists(
    st.sampled_from([sliding(3), fixed(4, meter=b"fixed"), quota(5), quota(2, 0, b"never"), sliding(2, 7, b"other")]),
    min_size=1,
    max_size=4,
    unique_by=lambda claim: claim.meter,
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(claims, st.integers(0, 40)), min_size=1, max_size=25))
@pytest.mark.parametrize("factory", FACTORIES.values(), ids=FACTORIES)
def test_judging_says_what_admitting_would(factory: Factory, charges: list[tuple[list[Claim], int]]) -> None:
    async def scenario(meters: Meters) -> None:
        second = 0
        for charge, gap in charges:
            second += gap
            foretold = [await meters.judge(tuple(charge), at(second)) for _ in range(2)]
            await meters.judge(tuple(charge), at(second + 10_000))  # nor does a later moment leave a trace
            assert foretold == [await meters.admit(tuple(charge), at(second))] * 2

    run(factory, scenario)


def test_judging_leaves_no_meter_behind(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        await spend(meters, quota(5), 2, at(0))
        before = await meters.quotas()
        for seconds in (1, 10_000):
            await meters.judge((quota(5), quota(9, meter=b"unheard of"), sliding(5)), at(seconds))
        assert await meters.quotas() == before

    run(factory, scenario)


def test_judging_answers_the_head(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        await meters.announce(7)
        assert (await meters.judge((sliding(5),), at(0))).head == 7

    run(factory, scenario)


# --- head


def test_head_begins_at_zero_and_never_goes_back(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        assert await meters.head() == 0
        assert [await meters.announce(revision) for revision in (5, 3, 2**40)] == [5, 5, 2**40]
        assert await meters.head() == 2**40
        assert (await meters.admit((sliding(5),), at(0))).head == 2**40

    run(factory, scenario)


# --- the queue of usage


def test_lines_leave_in_the_order_they_came(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        await meters.enqueue([b"one", b"two"])
        await meters.enqueue([b"", b"four"])
        head, whole = await meters.peek(3), await meters.peek(10)
        assert head.lines == [b"one", b"two", b""]
        assert whole.lines == [b"one", b"two", b"", b"four"]
        assert (whole.epoch, whole.first, whole.dropped) == (head.epoch, head.first, 0)

    run(factory, scenario)


def test_discarded_lines_are_gone_and_numbers_go_on(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        await meters.enqueue([b"one", b"two", b"three"])
        batch = await meters.peek(2)
        await meters.discard(batch.epoch, batch.first + 2)
        await meters.discard(batch.epoch, batch.first + 1)
        await meters.enqueue([b"four"])
        rest = await meters.peek(10)
        assert (rest.first, rest.lines) == (batch.first + 2, [b"three", b"four"])

    run(factory, scenario)


def test_discarding_past_the_end_removes_no_line_to_come(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        await meters.enqueue([b"one"])
        batch = await meters.peek(1)
        await meters.discard(batch.epoch, batch.first + 100)
        await meters.enqueue([b"two"])
        assert await meters.peek(9) == batch._replace(first=batch.first + 1, lines=[b"two"])

    run(factory, scenario)


def test_discarding_for_another_epoch_does_nothing(factory: Factory) -> None:
    async def scenario(meters: Meters) -> None:
        await meters.enqueue([b"one"])
        batch = await meters.peek(1)
        await meters.discard("0" * len(batch.epoch), batch.first + 1)
        assert await meters.peek(1) == batch

    run(factory, scenario)


def test_each_queue_has_an_epoch_of_its_own_that_it_keeps(factory: Factory, tmp_path: Path) -> None:
    epochs = []

    async def note(meters: Meters) -> None:
        epochs.append((await meters.peek(1)).epoch)

    for folder in ("a", "a", "b"):
        asyncio.run(with_meters(factory, tmp_path / folder, note))
    assert epochs[0] == epochs[1] != epochs[2]


@pytest.mark.parametrize("batch_size", [1, 7, LINES_MAX, 3 * LINES_MAX])
def test_a_full_queue_drops_the_oldest_and_counts_them(factory: Factory, batch_size: int) -> None:
    lines = [b"%d" % number for number in range(3 * LINES_MAX)]

    async def scenario(meters: Meters) -> None:
        start = (await meters.peek(1)).first
        for first in range(0, len(lines), batch_size):
            await meters.enqueue(lines[first : first + batch_size])
        batch = await meters.peek(len(lines))
        assert batch.lines == lines[-LINES_MAX:]
        assert (batch.first - start, batch.dropped) == (2 * LINES_MAX, 2 * LINES_MAX)

    run(factory, scenario)


# --- two processes


def charge_until_done(factory_name: str, folder: Path, start: Barrier, results: SimpleQueue[int]) -> None:
    """What a child does: the same charge again and again, and the number of admissions so far as the head."""

    async def scenario(meters: Meters) -> None:
        admitted = 0
        start.wait(30)
        for _ in range(5000):
            if (await meters.admit((sliding(6000, 3600), quota(4000, 0)))).refused < 0:
                admitted += 1
                await meters.announce(admitted)
        results.put(admitted)

    asyncio.run(with_meters(FACTORIES[factory_name], folder, scenario))


async def nothing(meters: Meters) -> None:
    """Opening them makes them."""


def admissions_of_two_processes(factory_name: str, folder: Path) -> list[int]:
    asyncio.run(with_meters(FACTORIES[factory_name], folder, nothing))
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(2), context.SimpleQueue()
    children = [
        context.Process(target=charge_until_done, args=(factory_name, folder, start, results)) for _ in range(2)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0]
    return [results.get(), results.get()]


@pytest.mark.parametrize("factory_name", FACTORIES)
def test_two_processes_at_once_admit_exactly_the_quota(factory_name: str, tmp_path: Path) -> None:
    admitted = admissions_of_two_processes(factory_name, tmp_path)

    async def check(meters: Meters) -> None:
        state = await meters.quota(b"quota")
        assert state is not None
        assert state.used == sum(admitted) == 4000
        assert (await meters.admit((sliding(6000, 3600),))).remaining == (1999,)
        assert await meters.head() == max(admitted)

    asyncio.run(with_meters(FACTORIES[factory_name], tmp_path, check))
