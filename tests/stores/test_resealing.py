"""Sealing anew, a piece at a time: all of it, once, whatever else is written or killed meanwhile."""

import asyncio
import subprocess
import sys

import pytest

from propylon.stores.records.opening import open_records
from propylon.stores.records.records import Records
from propylon.stores.records.resealing import COUNTED, PIECE, Cursor, piece_at, reseal
from propylon.stores.root_secrets import RootSecrets
from propylon.stores.sealing import RootSecret
from tests.kit.places import Place
from tests.kit.records import TESTER, a_definition, a_key
from tests.kit.waiting import SAFETY_S, eventually
from tests.stores.test_root_secrets import at, reseal_all

OLD, NEW = RootSecret.from_text("0123456789abcdef" * 4), RootSecret.from_text("fedcba9876543210" * 4)
FIRST, SECOND = RootSecrets(OLD, NEW), RootSecrets(NEW, OLD)
MANY = PIECE + 7
ALL = 2 * MANY + 6


async def put_many(records: Records) -> None:
    async with records.change(TESTER) as edit:
        for number in range(MANY):
            await edit.put_key(a_key(f"key-{number}", secrets={"jwt_data.secret": f"of {number}"}))
            await edit.put_api(a_definition(f"d-{number:04}", secrets={"s": f"of {number}"}))
        for number in range(3):
            for org_id in ("acme", "other"):
                await edit.put_policy(a_definition(f"d-{number:04}", org_id, secrets={"s": f"of {number}"}))


async def all_open(records: Records) -> int:
    """How many there are; each holds what was put there."""
    opened = 0
    after = 0
    while keys := await records.keys(after=after, limit=500):
        opened += len(keys)
        assert [records.unseal_key(row)["jwt_data.secret"] for row in keys] == [
            f"of {number}" for number in range(after, after + len(keys))
        ]
        after = keys[-1].record_id
    for row in await records.apis():
        assert records.unseal_api(row) == {"s": f"of {int(row.id[2:])}"}
        opened += 1
    for row in await records.policies():
        assert records.unseal_policy(row) == {"s": f"of {int(row.id[2:])}"}
        opened += 1
    return opened


def test_every_row_of_every_table_is_sealed_anew_however_many_there_are(place: Place) -> None:
    at(place, FIRST, put_many)
    assert at(place, SECOND, lambda records: records.resealing.count_left()) == ALL
    assert at(place, SECOND, reseal_all) == 0
    assert at(place, RootSecrets(NEW), all_open) == ALL


def test_keys_are_found_whatever_numbers_they_have(place: Place) -> None:
    at(place, FIRST, all_open)
    edges = [1, PIECE, PIECE + 1, COUNTED - 1, COUNTED, COUNTED + 1, 2 * COUNTED + 1]
    for number in edges:
        sealed = OLD.seal("hush", f"keys:{number}:jwt_data.secret")
        values = f"""({number}, 'acme', 'hash-{number}', '{{"jwt_data.secret": "{sealed}"}}', 1, 1)"""
        place.sql(f"INSERT INTO keys (record_id, org_id, key_hash, secrets, created_at, updated_at) VALUES {values}")
    assert at(place, SECOND, lambda records: records.resealing.count_left()) == len(edges)
    assert at(place, SECOND, reseal_all) == 0


def test_a_row_that_was_written_after_it_was_read_stays_as_it_was_written(place: Place) -> None:
    async def put(records: Records, secret: str) -> None:
        async with records.change(TESTER) as edit:
            await edit.put_key(a_key("a-key", secrets={"jwt_data.secret": secret}))
            await edit.put_api(a_definition("an-api", secrets={"s": secret}))

    async def race(records: Records) -> None:
        await put(records, "before")
        pieces = []
        async with records._reading() as connection:
            cursor: Cursor | None = Cursor()
            while cursor is not None:
                pieces.append(await piece_at(connection, cursor, OLD.fingerprint))
                cursor = pieces[-1].next
        await put(records, "after")
        revision = await records.revision()
        renewed = await open_records(place.url, NEW, other=OLD, timeout_s=SAFETY_S)
        async with renewed._writing() as connection:
            for piece in pieces:
                if piece.rows:
                    await reseal(connection, piece, renewed.sealing)
        assert [renewed.unseal_key(row) for row in await renewed.keys()] == [{"jwt_data.secret": "after"}]
        assert [renewed.unseal_api(row) for row in await renewed.apis()] == [{"s": "after"}]
        assert await renewed.resealing.count_left() == 2
        assert await renewed.revision() == revision
        await renewed.close()

    at(place, FIRST, race)


def test_what_does_not_open_stands_in_no_others_way_and_is_named(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    async def two(records: Records) -> None:
        async with records.change(TESTER) as edit:
            for name in ("damaged", "whole"):
                await edit.put_key(a_key(name, secrets={"jwt_data.secret": name}))

    at(place, FIRST, two)
    damaged = OLD.seal("x", "keys:9:jwt_data.secret")
    place.sql(f"""UPDATE keys SET secrets = '{{"jwt_data.secret": "{damaged}"}}' WHERE record_id = 1""")
    assert at(place, SECOND, reseal_all) == 1
    assert "keys:1:jwt_data.secret does not open" in caplog.text


def test_a_process_with_the_older_of_two_that_seal_changes_nothing_back(place: Place) -> None:
    async def in_between(records: Records) -> int:
        async def put(renewed: Records) -> None:
            async with renewed.change(TESTER) as edit:
                await edit.put_key(a_key("a-key", secrets={"jwt_data.secret": "new"}))

        await asyncio.to_thread(at, place, SECOND, put)
        return await reseal_all(records)

    assert at(place, FIRST, in_between) == 1


CHILD = """
import asyncio, sys
from propylon.stores.records.opening import open_records
from tests.stores.test_resealing import NEW, OLD
from tests.stores.test_root_secrets import reseal_all

async def run():
    records = await open_records(sys.argv[1], NEW, other=OLD)
    print("open", flush=True)
    await reseal_all(records)
    await records.close()

asyncio.run(run())
"""


def test_a_process_that_is_killed_on_the_way_loses_nothing_and_the_next_one_ends_it(place: Place) -> None:
    at(place, FIRST, put_many)
    child = subprocess.Popen([sys.executable, "-c", CHILD, place.url], stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        eventually(lambda: sealed_anew(place) > 0 or child.poll() is not None)
        child.kill()
    assert at(place, SECOND, reseal_all) == 0
    assert at(place, RootSecrets(NEW), all_open) == ALL


TABLES = ("keys", "apis", "policies")


def sealed_anew(place: Place) -> int:
    head = NEW.fingerprint.removeprefix("sha256:")
    counts = [place.sql(f"SELECT count(*) FROM {table} WHERE secrets LIKE '%{head}%'") for table in TABLES]
    return sum(map(int, counts))
