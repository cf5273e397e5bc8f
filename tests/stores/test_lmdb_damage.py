"""Damage is found before a worker meets it, and put out of the way."""

import asyncio
from pathlib import Path

import lmdb
import pytest

from propylon.errors import StoreUnavailable
from propylon.stores.lmdb import LmdbMeters, open_meters
from propylon.stores.lmdb_damage import check_pages, set_aside
from propylon.stores.ports import Claim, Kind

PAGE_BYTES = 4096


def opened(folder: Path) -> LmdbMeters:
    return open_meters(folder, meters_map_bytes=1 << 20, usage_map_bytes=1 << 20, usage_lines_max=100)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with meters on several pages, that nobody has open."""

    async def fill(meters: LmdbMeters) -> None:
        for number in range(300):
            meter = b"%032d" % number
            kinds = (Kind.SLIDING, Kind.QUOTA) if number % 2 else (Kind.FIXED,)
            await meters.admit(tuple(Claim(meter, kind, 5, 10**9) for kind in kinds))
        await meters.enqueue([b"line"] * 50)
        await meters.announce(3)
        await meters.close()

    asyncio.run(fill(opened(tmp_path)))
    return tmp_path


@pytest.mark.parametrize("name", ["meters", "usage"])
def test_sound_environments_pass(folder: Path, name: str) -> None:
    check_pages(folder, name)


def test_there_is_nothing_to_check_before_the_first_start(tmp_path: Path) -> None:
    check_pages(tmp_path)


def is_damaged(folder: Path, name: str) -> bool:
    try:
        check_pages(folder, name)
    except StoreUnavailable:
        return True
    return False


@pytest.mark.parametrize("name", ["meters", "usage"])
def test_garbage_in_any_page_in_use_is_found(folder: Path, name: str) -> None:
    with lmdb.open(str(folder / name), 1 << 20) as environment:
        stat, last = environment.stat(), environment.info()["last_pgno"]
    data = folder / name / "data.mdb"
    sound, found = data.read_bytes(), 0
    for start in range(2 * PAGE_BYTES, (last + 1) * PAGE_BYTES, PAGE_BYTES):
        data.write_bytes(sound[:start] + b"\xa5" * PAGE_BYTES + sound[start + PAGE_BYTES :])
        found += is_damaged(folder, name)
    assert found >= stat["leaf_pages"] + stat["branch_pages"] + 1  # and a page of the list of free pages


def test_a_file_cut_short_is_found(folder: Path) -> None:
    data = folder / "meters" / "data.mdb"
    data.write_bytes(data.read_bytes()[: 5 * PAGE_BYTES])
    with pytest.raises(StoreUnavailable):
        check_pages(folder)


def test_a_file_without_a_valid_beginning_is_found(folder: Path) -> None:
    data = folder / "meters" / "data.mdb"
    data.write_bytes(bytes(2 * PAGE_BYTES) + data.read_bytes()[2 * PAGE_BYTES :])
    with pytest.raises(StoreUnavailable, match="meters: "):
        check_pages(folder)


def test_a_value_of_another_shape_is_found(folder: Path) -> None:
    with lmdb.open(str(folder / "meters"), 1 << 20) as environment, environment.begin(write=True) as transaction:
        transaction.put(b"qodd", b"short")
    with pytest.raises(StoreUnavailable, match="value of b'qodd'"):
        check_pages(folder)


def test_what_is_set_aside_keeps_its_bytes_and_the_next_start_is_empty(folder: Path) -> None:
    before = (folder / "meters" / "data.mdb").read_bytes()
    assert set_aside(folder) == folder / "meters.damaged-1"
    assert (folder / "meters.damaged-1" / "data.mdb").read_bytes() == before
    meters = opened(folder)
    assert asyncio.run(meters.head()) == 0
    assert len(asyncio.run(meters.peek(100)).lines) == 50
    asyncio.run(meters.close())


def test_each_one_set_aside_has_a_number_of_its_own(folder: Path) -> None:
    set_aside(folder)
    asyncio.run(opened(folder).close())
    assert set_aside(folder) == folder / "meters.damaged-2"
