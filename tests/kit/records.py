"""Real records in a folder of the test, and short ways to say what is written to them."""

import asyncio
import functools
import json
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from propylon.stores.records.engines import sqlite_url
from propylon.stores.records.opening import migrate, open_records
from propylon.stores.records.records import Records
from propylon.stores.records.writes import Actor, DefinitionWrite, KeyWrite
from propylon.stores.sealing import RootSecret
from tests.kit.clock import FakeClock

Result = TypeVar("Result")
TESTER = Actor("test")
ROOT_SECRET = RootSecret.from_text("a root secret of tests, which nobody shall use elsewhere")


def lay_out(folder: Path) -> None:
    """Databases of the newest schema with nothing in them, unless there are some: half the time of making them anew."""
    if not (folder / "records.db").exists():
        for name, content in _empty_databases().items():
            (folder / name).write_bytes(content)


@functools.cache
def _empty_databases() -> dict[str, bytes]:
    made: dict[str, bytes] = {}

    def make() -> None:
        with tempfile.TemporaryDirectory(prefix="propylon-") as name:
            asyncio.run(migrate(sqlite_url(Path(name) / "records.db")))
            made.update({path.name: path.read_bytes() for path in Path(name).iterdir()})

    thread = threading.Thread(target=make)  # the caller's loop may be running
    thread.start()
    thread.join()
    return made


@asynccontextmanager
async def records_in(folder: Path, root_secret: RootSecret = ROOT_SECRET) -> AsyncIterator[Records]:
    """`folder/records.db`; closed at the end, so that no thread is left."""
    lay_out(folder)
    records = await open_records(sqlite_url(folder / "records.db"), root_secret, clock=FakeClock())
    try:
        yield records
    finally:
        await records.close()


def key_hash(key_id: str, org_id: str = "acme") -> str:
    return ROOT_SECRET.lasting_keys.key_hash(org_id, key_id)


def a_key(
    key_id: str = "aaa", org_id: str = "acme", /, session: Mapping[str, Any] | None = None, **rest: Any
) -> KeyWrite:
    return KeyWrite(org_id, key_hash(key_id, org_id), json.dumps(session or {"org_id": org_id}), **rest)


def a_definition(id_: str = "one", org_id: str = "acme", body: str = "{}", **rest: Any) -> DefinitionWrite:
    return DefinitionWrite(id_, org_id, body, **rest)


async def put_key(records: Records, write: KeyWrite) -> int:
    """In a revision of its own; the record id."""
    async with records.change(TESTER) as change:
        row = await change.put_key(write)
    return row.record_id


def with_records(folder: Path, work: Callable[[Records], Awaitable[Result]]) -> Result:
    """Runs a test's coroutine function on records that are opened before and closed after it."""

    async def run() -> Result:
        async with records_in(folder) as records:
            return await work(records)

    return asyncio.run(run())
