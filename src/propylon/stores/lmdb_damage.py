"""Finds a damaged environment before a worker meets it, and puts it out of the way.

Knows the shape of the stored values, no more. For a short-lived child of the parent, before any process has the
environment open: garbage is not seen when it is opened, and liblmdb may crash on it later.
"""

import os
from pathlib import Path

import lmdb
from lmdb.verify import VerifyError, verify

from propylon.errors import StoreUnavailable
from propylon.stores import lmdb_key_sets, lmdb_quotas, lmdb_windows
from propylon.stores.lmdb_environment import METERS
from propylon.stores.lmdb_sweep import QUOTA_PREFIX, WINDOW_PREFIX

_VALUE_BYTES = {
    QUOTA_PREFIX: (lmdb_quotas.VALUE_BYTES,),
    WINDOW_PREFIX: lmdb_windows.VALUES_BYTES,
    **lmdb_key_sets.VALUE_BYTES,
}


def check_pages(folder: Path, name: str = METERS) -> None:
    """Reads every page and every meter; StoreUnavailable says what is wrong. 290,000 meters in 64 MiB: 0.6 s."""
    path = folder / name
    data = path / "data.mdb"
    if not data.exists() or not data.stat().st_size:
        return
    try:
        problems = _damaged_pages(data) or _damaged_values(path)
    except (VerifyError, lmdb.Error, OSError) as error:
        raise StoreUnavailable(f"{path}: {error}") from error
    if problems:
        raise StoreUnavailable(f"{path}: {len(problems)} problems, first: {problems[0]}")


def _damaged_pages(data: Path) -> list[str]:
    """Walks the file without liblmdb."""
    return list(verify(os.fspath(data)))  # type: ignore[no-untyped-call]  # lmdb has no stub for this module


def _damaged_values(path: Path) -> list[str]:
    with lmdb.open(os.fspath(path), readonly=True, lock=False) as environment, environment.begin() as transaction:
        return [f"value of {key!r}" for key, value in transaction.cursor() if not _fits(key[:1], value)]


def _fits(prefix: bytes, value: bytes) -> bool:
    return prefix not in _VALUE_BYTES or len(value) in _VALUE_BYTES[prefix]


def set_aside(folder: Path, name: str = METERS) -> Path:
    """Renames a damaged environment, so that the next open makes an empty one; answers where it went."""
    number = 1
    while (aside := folder / f"{name}.damaged-{number}").exists():
        number += 1
    return (folder / name).rename(aside)
