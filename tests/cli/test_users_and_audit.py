"""`propylon users` and `propylon audit`, on the records themselves."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from propylon.stores.records.engines import sqlite_url
from propylon.stores.records.opening import open_records
from propylon.stores.sealing import load_or_make
from tests.kit.command import Ended, propylon
from tests.kit.records import a_key, put_key


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data folder of a node that has run."""
    secret = load_or_make(tmp_path / "root_secret")

    async def work() -> None:
        records = await open_records(sqlite_url(tmp_path / "records.db"), secret)
        await put_key(records, a_key())
        await records.close()

    asyncio.run(work())
    return tmp_path


def run(folder: Path, *arguments: str) -> Ended:
    return propylon(*arguments, env={"PROPYLON_DATA_DIR": str(folder), "PROPYLON_SECRET": "x" * 40})


def test_a_user_is_made_listed_reset_and_deactivated(folder: Path) -> None:
    made = run(folder, "users", "create", "Anna@example.org", "--admin")
    assert made.code == 0, made.err
    said = dict(line.split(None, 1) for line in made.out.splitlines())
    assert said.keys() == {"email", "org_id", "id", "password", "access_key"}
    run(folder, "users", "create", "bert@example.org", "--allow", "keys=write", "--allow", "apis=read")
    listed = run(folder, "users", "list").out
    assert [line.split()[0] for line in listed.splitlines()] == ["email", "anna@example.org", "bert@example.org"]
    reset = run(folder, "users", "reset-password", "anna@example.org")
    assert reset.code == 0
    assert reset.out.split()[1] != said["password"]
    assert run(folder, "users", "deactivate", "bert@example.org").code == 0
    last = run(folder, "users", "deactivate", "anna@example.org")
    assert (last.code, "administrator" in last.err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("users", "reset-password", "nobody@example.org"), 1, "no user has the address"),
        (("users", "create", "no address", "--admin"), 1, "email_address"),
        (("users", "create", "a@example.org"), 1, "at least one permission"),
        (("users", "create", "a@example.org", "--allow", "keys"), 2, "AREA=read"),
        (("audit", "verify", "--expect", "7"), 2, "NUMBER:CHAIN"),
    ],
)
def test_what_cannot_be_done_says_why(folder: Path, arguments: tuple[str, ...], code: int, text: str) -> None:
    ended = run(folder, *arguments)
    assert (ended.code, text in ended.err) == (code, True), ended


def test_without_records_nothing_is_made(tmp_path: Path) -> None:
    ended = run(tmp_path, "users", "list")
    assert (ended.code, "there are no records" in ended.err, list(tmp_path.iterdir())) == (2, True, [])


def test_the_log_is_verified_against_an_end_that_was_noted(folder: Path) -> None:
    verified = run(folder, "audit", "verify")
    assert (verified.code, verified.out.startswith("1 entries")) == (0, True)
    end = verified.out.splitlines()[-1]
    run(folder, "users", "create", "anna@example.org", "--admin")
    assert run(folder, "audit", "verify", "--expect", end).code == 0
    with closing(sqlite3.connect(folder / "records.db")) as connection, connection:
        connection.execute("UPDATE audit SET actor_kind = 'user' WHERE number = 2")
    broken = run(folder, "audit", "verify")
    assert (broken.code, "broken at entry 2" in broken.err) == (1, True)


def test_the_log_is_exported_whole_and_the_export_is_in_it(folder: Path) -> None:
    lines = [json.loads(line) for line in run(folder, "audit", "export").out.splitlines()]
    assert [(one["number"], one["action"], one["object"][:4]) for one in lines] == [
        (1, "create", "key:"),
        (2, "export", "audi"),
    ]
    table = run(folder, "audit", "export", "--form", "csv").out.splitlines()
    assert table[0].startswith("number,time,actor_kind,actor,")
    assert len(table) == 4
