"""LMDB environments of the data folder: opened, allocated; and what LMDB's errors mean.

Knows nothing of what is stored. An environment is opened after the fork, once per process.

Opened with `sync=False, writemap=True`: a read-modify-write of two values costs 1.8 µs, with `map_async` 2.4 µs (a
system call per commit), without `writemap` 5.8 µs. A killed process loses nothing it committed, since the pages are the
kernel's. A power cut may lose or tear what was not synced; `lmdb_damage.py` finds that before the next start. Under
`writemap` a full disk is SIGBUS, hence all blocks are allocated at open.
"""

import errno
import mmap
import os
from pathlib import Path

import lmdb

from propylon.errors import MetersFull, StoreUnavailable

METERS = "meters"
USAGE = "usage"
MAP_BYTES_MIN = 1 << 20
READERS_MAX = 1024  # a slot per process and reading thread; 64 bytes each


class _LmdbErrors:
    """The one mapping from LMDB's errors to ours, as a context. 0.3 µs: `admit` and `head` catch for themselves."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, lmdb.Error):
            raise unavailable(error) from error


def unavailable(error: lmdb.Error) -> StoreUnavailable:
    return (MetersFull if isinstance(error, lmdb.MapFullError) else StoreUnavailable)(f"lmdb: {error}")


LMDB_ERRORS = _LmdbErrors()


def open_environment(path: Path, map_bytes: int) -> lmdb.Environment:
    """An environment whose every block is on disk; StoreUnavailable names the path and what it lacks."""
    map_bytes -= map_bytes % mmap.PAGESIZE
    if map_bytes < MAP_BYTES_MIN:
        raise StoreUnavailable(f"{path}: a map of {map_bytes} bytes is too small; give it at least {MAP_BYTES_MIN}")
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _demand_room(path, map_bytes)
        return _opened(path, map_bytes)
    except OSError as error:
        raise StoreUnavailable(f"{path}: {error.strerror}") from error
    except lmdb.Error as error:
        raise StoreUnavailable(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error


def _opened(path: Path, map_bytes: int) -> lmdb.Environment:
    environment = lmdb.open(
        os.fspath(path), map_bytes, mode=0o700, sync=False, writemap=True, max_readers=READERS_MAX, max_spare_txns=1
    )
    try:
        environment.reader_check()
        _allocate(path, map_bytes)
    except (OSError, StoreUnavailable):
        environment.close()
        raise
    return environment


def _missing_bytes(path: Path, map_bytes: int) -> int:
    data = path / "data.mdb"
    return max(0, map_bytes - (data.stat().st_blocks * 512 if data.exists() else 0))


def _demand_room(path: Path, map_bytes: int) -> None:
    disk = os.statvfs(path)
    if (missing := _missing_bytes(path, map_bytes)) > (free := disk.f_bavail * disk.f_frsize):
        raise _disk_full(path, missing, free)


def _disk_full(path: Path, needed_bytes: int, free_bytes: int) -> StoreUnavailable:
    return StoreUnavailable(
        f"{path}: the disk has {free_bytes} bytes free and the map needs {needed_bytes} more; "
        "make room or set a smaller map"
    )


def _allocate(path: Path, map_bytes: int) -> None:
    """Skipped when done before: where the file system only emulates it, it would write beside running writers."""
    if not _missing_bytes(path, map_bytes):
        return
    with (path / "data.mdb").open("r+b") as data:
        try:
            os.posix_fallocate(data.fileno(), 0, map_bytes)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise _disk_full(path, _missing_bytes(path, map_bytes), 0) from error
