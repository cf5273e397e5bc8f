"""Opening an environment: allocated as a whole, or refused with a remedy."""

from pathlib import Path

import lmdb
import pytest

from propylon.errors import MetersFull, StoreUnavailable
from propylon.stores.lmdb_environment import LMDB_ERRORS, open_environment


def test_every_block_of_the_map_is_on_disk_after_opening(tmp_path: Path) -> None:
    open_environment(tmp_path / "meters", 3 << 20).close()
    assert (tmp_path / "meters" / "data.mdb").stat().st_blocks * 512 >= 3 << 20


def test_a_larger_map_allocates_the_rest(tmp_path: Path) -> None:
    for map_bytes in (1 << 20, 4 << 20):
        open_environment(tmp_path / "meters", map_bytes).close()
    assert (tmp_path / "meters" / "data.mdb").stat().st_blocks * 512 >= 4 << 20


def test_files_are_private(tmp_path: Path) -> None:
    open_environment(tmp_path / "meters", 1 << 20).close()
    modes = [path.stat().st_mode & 0o077 for path in (tmp_path / "meters", *(tmp_path / "meters").iterdir())]
    assert modes == [0, 0, 0]


def test_a_disk_without_room_is_named_with_what_is_needed_and_free(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=r"meters: the disk has \d+ bytes free .* needs 1125899906842624 more"):
        open_environment(tmp_path / "meters", 1 << 50)
    assert list((tmp_path / "meters").iterdir()) == []


def test_a_map_that_is_too_small_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="at least 1048576"):
        open_environment(tmp_path / "meters", 1000)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="file/meters: Not a directory"):
        open_environment(tmp_path / "file" / "meters", 1 << 20)


def test_a_file_that_is_no_environment_is_refused(tmp_path: Path) -> None:
    (tmp_path / "meters").mkdir()
    (tmp_path / "meters" / "data.mdb").write_bytes(b"garbage" * 2000)
    with pytest.raises(StoreUnavailable, match="meters: "):
        open_environment(tmp_path / "meters", 1 << 20)


@pytest.mark.parametrize(
    ("error", "ours"),
    [(lmdb.MapFullError("put"), MetersFull), (lmdb.CorruptedError("get"), StoreUnavailable)],
)
def test_errors_of_lmdb_become_ours(error: lmdb.Error, ours: type[StoreUnavailable]) -> None:
    with pytest.raises(StoreUnavailable) as caught, LMDB_ERRORS:
        raise error
    assert type(caught.value) is ours
    assert caught.value.__cause__ is error


def test_other_errors_pass_through() -> None:
    with pytest.raises(ZeroDivisionError), LMDB_ERRORS:
        raise ZeroDivisionError
