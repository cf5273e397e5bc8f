"""What is lost, and what is shown, when the files are all that is left: nothing, and nothing."""

import asyncio
import base64
import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from propylon.stores.ports import QuotaState
from propylon.stores.records.pieces import ROWS
from propylon.stores.records.records import Records
from tests.kit.places import Place, PostgresPlace, SqlitePlace, fresh_place, with_records
from tests.kit.records import TESTER, a_definition, a_key, key_hash

CANARY = "canary-Zq8vN3xT7pLw-5fGh"
KEY_ID = "credential-Yc4kRb9sD1mQ"
ALIAS = "in clear Hx5wQ2kT"
WRITER = """
import asyncio, sys
from propylon.stores.records.opening import open_records
from tests.kit.records import ROOT_SECRET, TESTER, a_key, put_key

async def write():
    records = await open_records(sys.argv[1], ROOT_SECRET)
    for number in range(5):
        await put_key(records, a_key(f"key-{number}", secrets={"hmac_string": "hush"}))
    async with records.change(TESTER) as change:
        await change.put_key(a_key("uncommitted"))
        print("committed", flush=True)
        sys.stdin.read()

asyncio.run(write())
"""


def _forms(text: str) -> list[bytes]:
    """As it stands, in hex, and in base64 wherever it may begin in a longer text."""
    raw = text.encode()
    shifted = [base64.b64encode(b"\0" * shift + raw)[4:-4] for shift in range(3)]
    return [raw, raw.hex().encode(), *shifted, *(form.translate(bytes.maketrans(b"+/", b"-_")) for form in shifted)]


def _found(folder: Path, text: str) -> list[str]:
    return [path.name for path in sorted(folder.rglob("*")) if any(form in _content(path) for form in _forms(text))]


def _content(path: Path) -> bytes:
    """Nothing of a folder, nor of a file that a server has removed meanwhile."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes() if path.is_file() else b""
    return b""


async def _write_secrets(records: Records) -> None:
    async with records.change(TESTER) as change:
        secrets = {"jwt_data.secret": CANARY}
        await change.put_key(a_key(KEY_ID, secrets=secrets, alias=ALIAS))
        await change.put_api(a_definition(secrets=secrets))
        await change.put_policy(a_definition(secrets=secrets))
        await change.replace_file_owned([a_definition("two", secrets=secrets, origin="file:a")], [])


def test_no_secret_and_no_credential_is_in_the_files_also_while_they_are_open(tmp_path: Path) -> None:
    async def work(records: Records) -> None:
        await _write_secrets(records)
        assert (tmp_path / "records.db-wal").stat().st_size > 0
        assert _found(tmp_path, ALIAS) == ["records.db-wal"]
        assert _found(tmp_path, CANARY) == _found(tmp_path, KEY_ID) == []

    with_records(SqlitePlace(tmp_path), work)
    assert _found(tmp_path, ALIAS) == ["records.db"]
    assert _found(tmp_path, CANARY) == _found(tmp_path, KEY_ID) == []


def test_no_secret_and_no_credential_is_in_the_files_of_postgresql(tmp_path: Path) -> None:
    with fresh_place("postgres", tmp_path) as place:
        assert isinstance(place, PostgresPlace)
        with_records(place, _write_secrets)
        place.sql("CHECKPOINT")
        folder = place.server.folder
        assert len(_found(folder, ALIAS)) >= 2  # a table and the log of writes
        assert _found(folder, CANARY) == _found(folder, KEY_ID) == []


def test_a_killed_writer_loses_nothing_it_committed_and_leaves_nothing_it_did_not(place: Place) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, place.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "committed\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate()

    async def read(records: Records) -> None:
        assert [row.key_hash for row in await records.keys()] == [key_hash(f"key-{number}") for number in range(5)]
        assert await records.revision() == 5

    with_records(place, read)


@pytest.mark.parametrize("count", [ROWS - 1, ROWS, 3 * ROWS + 1])
def test_a_checkpoint_may_be_of_any_size(place: Place, count: int) -> None:
    states = [QuotaState(f"k{number}.0".encode(), number, 2**62 + number) for number in range(count)]

    async def work(records: Records) -> None:
        await records.quotas.save(states)
        assert await records.quotas.load() == sorted(states)
        await records.quotas.save([])
        assert await records.quotas.load() == []

    with_records(place, work)


def test_a_checkpoint_of_quotas_is_replaced_whole_and_is_no_revision(place: Place) -> None:
    rests, moves, ends = QuotaState(b"k1.0", 1, 0), QuotaState(b"k2.0", 2, 5), QuotaState(b"k3.0", 3, 5)

    async def work(records: Records) -> None:
        assert await records.quotas.load() == []
        await records.quotas.save([rests, moves, ends])
        await records.quotas.save([rests, moves._replace(used=7)])
        assert sorted(await records.quotas.load()) == [rests, moves._replace(used=7)]
        assert await records.revision() == 0

    with_records(place, work)


def test_a_cancelled_edit_never_happened_and_the_next_one_has_its_turn(place: Place) -> None:
    async def work(records: Records) -> None:
        written = asyncio.Event()

        async def write_and_wait() -> None:
            async with records.change(TESTER) as change:
                await change.put_key(a_key())
                written.set()
                await asyncio.Event().wait()

        writing = asyncio.ensure_future(write_and_wait())
        await written.wait()
        writing.cancel()
        await asyncio.wait([writing])
        async with records.change(TESTER) as change:
            assert await change.key(key_hash("aaa")) is None

    with_records(place, work)
