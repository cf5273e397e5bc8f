"""What the embedded meters do beyond the Protocol: a full map, the sweep, another boot, killed processes."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import lmdb
import pytest

from propylon.errors import MetersFull, StoreUnavailable
from propylon.stores.lmdb import LmdbMeters, open_meters
from propylon.stores.ports import Charge, Claim, Kind, Now

MAP_BYTES = 1 << 20
SECOND = 10**9
START = Now(5_000 * SECOND, 1_800_000_000 * SECOND)


def opened(folder: Path, boot: str = "first") -> LmdbMeters:
    (folder / "boot_id").write_text(boot + "\n")
    return open_meters(
        folder,
        meters_map_bytes=MAP_BYTES,
        usage_map_bytes=MAP_BYTES,
        usage_lines_max=100,
        boot_id=folder / "boot_id",
    )


@pytest.fixture
def meters(tmp_path: Path) -> Iterator[LmdbMeters]:
    handle = opened(tmp_path)
    yield handle
    asyncio.run(handle.close())


def at(seconds: float) -> Now:
    return Now(START.monotonic_ns + round(seconds * SECOND), START.wall_ns + round(seconds * SECOND))


def charge_of(caller: int, period_s: int = 60) -> Charge:
    """A window and a quota of one caller; the numbers are spread over the tree."""
    meter = b"%032x" % (caller * 0x9E3779B97F4A7C15 % 2**64)
    return (Claim(meter, Kind.SLIDING, 100, period_s * SECOND), Claim(meter, Kind.QUOTA, 100, period_s * SECOND))


def admitted(meters: LmdbMeters, callers: Iterator[int] | range, now: Now) -> int:
    """How many different callers find room."""
    count = 0
    try:
        for caller in callers:
            asyncio.run(meters.admit(charge_of(caller), now))
            count += 1
    except MetersFull:
        pass
    return count


def test_in_a_full_map_known_callers_go_on(meters: LmdbMeters) -> None:
    known = admitted(meters, range(10_000), at(0))
    assert 1_000 < known < 10_000
    with pytest.raises(MetersFull, match="meters_map_bytes"):
        asyncio.run(meters.admit(charge_of(known), at(1)))
    assert admitted(meters, range(0, known, 3), at(2)) == len(range(0, known, 3))
    assert asyncio.run(meters.announce(5)) == 5


def test_a_new_caller_in_a_full_map_sweeps_what_is_over(meters: LmdbMeters) -> None:
    known = admitted(meters, range(10_000), at(0))
    assert admitted(meters, range(known, known + 500), at(600)) > 100


def test_restoring_into_a_full_map_says_so(meters: LmdbMeters) -> None:
    known = admitted(meters, range(10_000), at(0))
    states = asyncio.run(meters.quotas())
    assert len(states) == known
    with pytest.raises(MetersFull):
        asyncio.run(meters.restore_quotas([state._replace(meter=state.meter + b"x") for state in states]))


@pytest.mark.parametrize(("after_s", "gone"), [(59, 0), (61, 10), (119, 10), (130, 20)])
def test_the_sweep_removes_quotas_that_are_over_and_windows_idle_for_two_periods(
    meters: LmdbMeters, after_s: int, gone: int
) -> None:
    admitted(meters, range(10), at(0))
    assert meters.sweep(1000, at(after_s)) == gone


def test_short_windows_are_kept_for_ten_seconds(meters: LmdbMeters) -> None:
    asyncio.run(meters.admit(charge_of(1, period_s=1)[:1], at(0)))
    assert meters.sweep(10, at(9)) == 0
    assert meters.sweep(10, at(11.1)) == 1


def test_fixed_windows_are_swept_by_the_wall_clock(meters: LmdbMeters) -> None:
    asyncio.run(meters.admit((Claim(b"f", Kind.FIXED, 5, 60 * SECOND),), at(0)))
    assert meters.sweep(10, Now(START.monotonic_ns + 10**15, START.wall_ns)) == 0
    assert meters.sweep(10, at(181)) == 1


def test_the_sweep_goes_round_in_bounded_pieces(meters: LmdbMeters) -> None:
    admitted(meters, range(300), at(0))
    pieces = [meters.sweep(150, at(600)) for _ in range(5)]
    assert pieces == [150, 150, 150, 150, 0]


def test_quotas_that_never_renew_are_never_swept(meters: LmdbMeters) -> None:
    asyncio.run(meters.admit((Claim(b"q", Kind.QUOTA, 5, 0),), at(0)))
    assert meters.sweep(10, at(10**9)) == 0


def test_another_boot_empties_windows_and_keeps_quotas_and_head(tmp_path: Path) -> None:
    remaining = []
    for boot in ("first", "first", "second", "third"):
        meters = opened(tmp_path, boot)
        remaining.append(asyncio.run(meters.admit(charge_of(1, period_s=3600), at(0))).remaining)
        asyncio.run(meters.close())
    assert remaining == [(99, 99), (98, 98), (99, 97), (99, 96)]


def test_windows_of_another_boot_are_swept(tmp_path: Path) -> None:
    for boot in ("first", "second"):
        meters = opened(tmp_path, boot)
        admitted(meters, range(10 if boot == "first" else 0), at(0))
        swept = meters.sweep(100, at(1))
        asyncio.run(meters.close())
    assert swept == 10


def test_a_second_handle_in_one_process_is_refused(meters: LmdbMeters, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="already open"):
        opened(tmp_path)


def test_a_key_that_lmdb_cannot_hold_is_a_failure_of_ours(meters: LmdbMeters) -> None:
    with pytest.raises(StoreUnavailable):
        asyncio.run(meters.admit((Claim(b"m" * 600, Kind.QUOTA, 5, 0),), at(0)))


def test_what_was_synced_is_there_for_the_next_handle(meters: LmdbMeters, tmp_path: Path) -> None:
    asyncio.run(meters.announce(5))
    meters.sync()
    asyncio.run(meters.close())
    again = opened(tmp_path)
    assert asyncio.run(again.head()) == 5
    asyncio.run(again.close())


def die_inside_a_transaction(folder: Path) -> None:
    """What a child does: it is killed while it holds the write lock, with half of its writes made."""
    environment = lmdb.open(str(folder / "meters"), MAP_BYTES, sync=False, writemap=True)
    with environment.begin(write=True) as transaction:
        transaction.put(b"h", (999).to_bytes(8))
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_killed_inside_a_transaction_changes_and_blocks_nothing(meters: LmdbMeters, tmp_path: Path) -> None:
    asyncio.run(meters.announce(5))
    child = multiprocessing.get_context("spawn").Process(target=die_inside_a_transaction, args=(tmp_path,))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    assert asyncio.run(meters.admit(charge_of(1), at(0))).head == 5
