"""What must be had before anything runs: the folder's lock, the root secret, the listening sockets.

Each is there, or CannotStart says why not and what to do.
"""

import fcntl
import importlib
import logging
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from propylon.children import live
from propylon.gateway.traced import SPANS
from propylon.listening import bind
from propylon.settings import Address, Settings
from propylon.stores.lmdb_damage import check_pages, set_aside
from propylon.stores.root_secrets import RootSecrets
from propylon.stores.sealing import RootSecret, load_or_make
from propylon.stores.secret_command import CommandFailed, output_of

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


def root_secrets(settings: Settings) -> RootSecrets:
    """As given, else from its file in the data folder, made on the first start (design §3.5)."""
    current = _given("root_secret", settings.root_secret_text(), settings.root_secret_command)
    other = _given("root_secret_other", settings.other_root_secret_text(), settings.root_secret_other_command)
    if current is None:
        current = _in_file(settings.data_dir / "root_secret")
    if other is not None and other.fingerprint == current.fingerprint:
        raise CannotStart("root_secret_other is root_secret itself; unset it, or give the one before or the next")
    return RootSecrets(current, other)


def _given(setting: str, text: str, command: str) -> RootSecret | None:
    """None when there is neither."""
    if not text and not command:
        return None
    name = setting if text else f"{setting}_command"
    try:
        return RootSecret.from_text(text or output_of(command))
    except CommandFailed as why:
        raise CannotStart(f"{name} {why}") from None
    except ValueError as why:
        raise CannotStart(f"{name}: {why}") from None


def _in_file(path: Path) -> RootSecret:
    try:
        return load_or_make(path)
    except ValueError as why:
        raise CannotStart(f"root_secret in {why}") from None
    except OSError as error:
        raise CannotStart(f"the root secret {path} cannot be used: {error.strerror}") from error


def bind_all(address: Address, workers: int, kept: Sequence[socket.socket] = ()) -> list[socket.socket]:
    """One socket a worker slot; bound once without sharing first, so that a foreign listener is noticed.

    `kept` are those of a predecessor at this address, as many as there are; the rest of them are closed.
    """
    if kept and kept[0].getsockname()[1] != address.port and address.port:
        raise CannotStart(f"listen {address}: a gateway is replaced at the address it has; restart it to change that")
    for surplus in kept[workers:]:
        surplus.close()
    missing = workers - len(kept)
    return [*kept[:workers], *(_bind_some(address, missing, is_shared=bool(kept)) if missing > 0 else ())]


def _bind_some(address: Address, count: int, *, is_shared: bool) -> list[socket.socket]:
    host, port = address
    try:
        if not is_shared:
            probe = bind(host, port, shared=False)
            port = probe.getsockname()[1]
            probe.close()
        return [bind(host, port, shared=True) for _ in range(count)]
    except OSError as error:
        raise CannotStart(f"listen {address}: {error.strerror}; stop what uses it or set another listen") from error


def load_tracing(settings: Settings) -> None:
    """What workers need to trace, loaded here for all of them; nothing where they do not."""
    if settings.tracing_url and settings.role != "control":
        try:
            importlib.import_module(SPANS)
        except ModuleNotFoundError as missing:
            raise CannotStart(
                f"tracing_endpoint is set, and {missing.name} is not installed; run: pip install 'propylon[tracing]'"
            ) from None


def check_place(settings: Settings) -> None:
    """What children open and bind is fit for it; so a node says at once what would only be missed later."""
    check_meters(settings.meters_dir)
    address = settings.metrics_address
    if address is None or settings.role != "gateway":  # the control process binds it, and says so itself
        return
    try:
        bind(address.host, address.port, shared=False).close()
    except OSError as error:
        remedy = "stop what uses it or set another metrics_listen"
        raise CannotStart(f"metrics_listen {address}: {error.strerror}; {remedy}") from error


def ready_at(settings: Settings, listening: Sequence[socket.socket]) -> str:
    """Where the node answers, for its ready line."""
    if not listening:
        return f"http://{settings.control_address or settings.listen_address}"
    scheme = "https" if settings.tls_certificate else "http"
    host, port = listening[0].getsockname()[:2]
    return f"{scheme}://{Address(host, port)}"


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
