"""What must be had before anything runs: the folder's lock, the root secret, the listening sockets.

Each is there, or CannotStart says why not and what to do.
"""

import fcntl
import logging
import os
import socket
from pathlib import Path

from propylon.children import live
from propylon.gateway.listener import bind
from propylon.settings import Address, Settings
from propylon.stores.lmdb_damage import check_pages, set_aside
from propylon.stores.sealing import RootSecret, load_or_make

log = logging.getLogger("propylon.startup")


class CannotStart(Exception):
    """Why the gateway does not start, with the remedy; exit code 2."""


def lock(data_dir: Path) -> int:
    """The descriptor that holds the folder as long as it is open: one gateway a folder."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotStart(
            f"data_dir {data_dir} is used by another gateway; stop it or choose another data_dir"
        ) from None
    except OSError as error:
        raise CannotStart(f"data_dir {data_dir} cannot be used: {error.strerror}; choose another data_dir") from error
    return lock


def root_secret(settings: Settings) -> RootSecret:
    """As given, else from its file in the data folder, made on the first start (design §3.5)."""
    given = settings.root_secret_text()
    file = settings.data_dir / "root_secret"
    try:
        return RootSecret.from_text(given) if given else load_or_make(file)
    except ValueError as why:
        raise CannotStart(f"root_secret {'' if given else f'in {file} '}{why}") from None
    except OSError as error:
        raise CannotStart(f"the root secret {file} cannot be used: {error.strerror}") from error


def bind_all(address: Address, workers: int) -> list[socket.socket]:
    """One socket a worker slot; bound once without sharing first, so that a foreign listener is noticed."""
    host = "127.0.0.1" if address.host == "localhost" else address.host
    try:
        probe = bind(host, address.port, shared=False)
        port = probe.getsockname()[1]
        probe.close()
        return [bind(host, port, shared=True) for _ in range(workers)]
    except OSError as error:
        raise CannotStart(f"listen {address}: {error.strerror}; stop what uses it or set another listen") from error


def check_meters(folder: Path) -> None:
    """Garbage is not seen when LMDB opens a file, only when a page is read: a child reads them all first."""
    for name in ("meters", "usage"):
        pid = os.fork()
        if pid == 0:
            live(lambda: check_pages(folder, name))  # noqa: B023 - forked at once
        _, status = os.waitpid(pid, 0)
        if status != 0:
            where = set_aside(folder, name)
            log.error("%s was damaged and set aside as %s; quotas are restored from their checkpoint", name, where)
