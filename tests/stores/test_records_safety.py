"""What is lost, and what is shown, when the file is all that is left: nothing, and nothing."""

import asyncio
import base64
import signal
import subprocess
import sys
from pathlib import Path

from propylon.stores.ports import QuotaState
from propylon.stores.records.records import Records
from tests.kit.records import a_definition, a_key, key_hash, with_records

CANARY = "canary-Zq8vN3xT7pLw-5fGh"
KEY_ID = "credential-Yc4kRb9sD1mQ"
WRITER = """
import asyncio, pathlib, sys
from tests.kit.records import a_key, put_key, records_in

async def write():
    async with records_in(pathlib.Path(sys.argv[1])) as records:
        for number in range(5):
            await put_key(records, a_key(f"key-{number}", secrets={"hmac_string": "hush"}))
        async with records.change() as change:
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
    return [path.name for path in sorted(folder.iterdir()) if any(form in path.read_bytes() for form in _forms(text))]


def test_no_secret_and_no_credential_is_in_the_files_also_while_they_are_open(tmp_path: Path) -> None:
    async def work(records: Records) -> None:
        async with records.change() as change:
            secrets = {"jwt_data.secret": CANARY}
            await change.put_key(a_key(KEY_ID, secrets=secrets, alias="in clear"))
            await change.put_api(a_definition(secrets=secrets))
            await change.put_policy(a_definition(secrets=secrets))
            await change.replace_file_owned([a_definition("two", secrets=secrets, origin="file:a")], [])
        assert (tmp_path / "records.db-wal").stat().st_size > 0
        assert _found(tmp_path, "in clear") == ["records.db-wal"]
        assert _found(tmp_path, CANARY) == _found(tmp_path, KEY_ID) == []

    with_records(tmp_path, work)
    assert _found(tmp_path, "in clear") == ["records.db"]
    assert _found(tmp_path, CANARY) == _found(tmp_path, KEY_ID) == []


def test_a_killed_writer_loses_nothing_it_committed_and_leaves_nothing_it_did_not(tmp_path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "committed\n"
    writer.send_signal(signal.SIGKILL)
    writer.communicate()

    async def read(records: Records) -> None:
        assert [row.key_hash for row in await records.keys()] == [key_hash(f"key-{number}") for number in range(5)]
        assert await records.revision() == 5

    with_records(tmp_path, read)


def test_a_checkpoint_of_quotas_is_replaced_whole_and_is_no_revision(tmp_path: Path) -> None:
    rests, moves, ends = QuotaState(b"k1.0", 1, 0), QuotaState(b"k2.0", 2, 5), QuotaState(b"k3.0", 3, 5)

    async def work(records: Records) -> None:
        assert await records.load_quotas() == []
        await records.save_quotas([rests, moves, ends])
        await records.save_quotas([rests, moves._replace(used=7)])
        assert sorted(await records.load_quotas()) == [rests, moves._replace(used=7)]
        assert await records.revision() == 0

    with_records(tmp_path, work)


def test_a_cancelled_edit_never_happened_and_the_next_one_has_its_turn(tmp_path: Path) -> None:
    async def work(records: Records) -> None:
        written = asyncio.Event()

        async def write_and_wait() -> None:
            async with records.change() as change:
                await change.put_key(a_key())
                written.set()
                await asyncio.Event().wait()

        writing = asyncio.ensure_future(write_and_wait())
        await written.wait()
        writing.cancel()
        await asyncio.wait([writing])
        async with records.change() as change:
            assert await change.key(key_hash("aaa")) is None

    with_records(tmp_path, work)
