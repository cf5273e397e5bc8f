"""Migrations: they lead where the tables are, lose nothing, happen whole or not at all, and only add."""

import ast
import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection

from propylon.stores.records import migrations
from propylon.stores.records.migrations.upgrade import configuration, upgrade
from propylon.stores.records.opening import _databases, migrate
from propylon.stores.records.records import Records
from propylon.stores.records.schema import Schema
from tests.kit.places import ENGINES, Place, PostgresPlace, SqlitePlace, fresh_place, with_records
from tests.kit.records import ROOT_SECRET, a_key, key_hash, put_key

VERSIONS = Path(migrations.__path__[0]) / "versions"
ADDING = {"create_table", "add_column", "create_index"}
RECORDS, USAGE = 0, 1


def _altered(place: Place, which: int, work: Callable[[Connection, Schema], object]) -> None:
    """In one transaction on the records or the usage of them."""

    async def run() -> None:
        databases = _databases(place.url, None, 2.0)
        try:
            async with databases[which].engines.writing.begin() as connection:
                await connection.run_sync(work, databases[which].schema)
        finally:
            for one in databases:
                await one.engines.dispose()

    asyncio.run(run())


def _described(place: Place) -> list[str]:
    """Tables, columns and indexes; Alembic makes its own table in its own words."""
    if isinstance(place, SqlitePlace):
        statement = "SELECT name, sql FROM sqlite_master WHERE tbl_name != 'schema_version'"
        rows = [*place.query(statement), *place.beside("usage.db").query(statement)]
        return sorted(f"{name} {' '.join((sql or '').split())}" for name, sql in rows)
    columns = place.sql(
        "SELECT table_name, ordinal_position, column_name, data_type, collation_name, is_nullable, column_default "
        "FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '%schema_version'"
    )
    indexes = place.sql("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE '%version'")
    return sorted([*columns.splitlines(), *indexes.splitlines()])


@pytest.mark.parametrize("engine", ENGINES)
def test_tables_and_migrations_lead_to_the_same_place(engine: str, tmp_path: Path) -> None:
    folders = [tmp_path / "made", tmp_path / "migrated"]
    for folder in folders:
        folder.mkdir()
    with (
        fresh_place(engine, folders[0], is_bare=True) as made,
        fresh_place(engine, folders[1], is_bare=True) as migrated,
    ):
        asyncio.run(migrate(made.url))
        for which in (RECORDS, USAGE):
            _altered(migrated, which, upgrade)
        assert _described(made) == _described(migrated) != []
        assert asyncio.run(migrate(migrated.url)) == []


def test_what_was_applied_is_told_and_the_second_time_there_is_nothing_to_do(bare_place: Place) -> None:
    _altered(bare_place, RECORDS, lambda connection, schema: _to_the_first(connection, schema))
    assert asyncio.run(migrate(bare_place.url)) == [
        "records: 0002, Rings and tokens of keys, hashes of other gateways, revocations, answers to repeated requests.",
        "records: 0003, Several root secrets at once.",
        "records: 0004, People: organisations, users, groups, who is signed in; and the audit log.",
        "records: 0005, What lists of keys go by.",
        "usage: made with the schema 0003",
    ]
    assert asyncio.run(migrate(bare_place.url)) == []


def _to_the_first(connection: Connection, schema: Schema, *statements: str) -> None:
    """A database as the first version left it, with those rows."""
    command.upgrade(configuration(connection, schema), "0001")
    for statement in statements:
        connection.exec_driver_sql(statement)


def test_records_of_the_first_schema_are_brought_up_to_date_without_loss(bare_place: Place) -> None:
    known = ROOT_SECRET.seal("made with this root secret", "settings_check")
    sealed = ROOT_SECRET.seal("hush", "keys:7:jwt_data.secret")
    key = f"""(7, 'acme', '{key_hash("aaa")}', '{{"alias":"x"}}', '{{"jwt_data.secret":"{sealed}"}}', 3, 1, 1)"""
    columns = "record_id, org_id, key_hash, session, secrets, generation, created_at, updated_at"
    identity = "record_id, org_id, issuer, subject, name, first_seen_at, last_seen_at"
    statements = [
        f"INSERT INTO settings_check (fingerprint, sealed) VALUES ('{ROOT_SECRET.fingerprint}', '{known}')",
        f"INSERT INTO keys ({columns}) VALUES {key}",
        f"INSERT INTO identities ({identity}) VALUES (5, 'acme', 'https://issuer', 'anna', 'anna', 1, 2)",
    ]
    if isinstance(bare_place, PostgresPlace):  # which numbers by a sequence beside the table
        statements.append("SELECT setval(pg_get_serial_sequence('keys', 'record_id'), 7)")
    _altered(bare_place, RECORDS, lambda connection, schema: _to_the_first(connection, schema, *statements))
    asyncio.run(migrate(bare_place.url))

    async def read(records: Records) -> None:
        (row,) = await records.keys()
        assert (row.record_id, row.generation, row.session) == (7, 3, '{"alias":"x"}')
        assert records.unseal_key(row) == {"jwt_data.secret": "hush"}
        assert await put_key(records, a_key("bbb")) == 8

    with_records(bare_place, read)
    assert bare_place.sql("SELECT record_id, subject, policies, state FROM identities") == "5|anna|[]|active"


def test_usage_of_the_first_schema_is_brought_up_to_date_without_loss(bare_place: Place) -> None:
    entry = "INSERT INTO request_log (at, path, status) VALUES (1, '/x', 200)"
    _altered(bare_place, USAGE, lambda connection, schema: _to_the_first(connection, schema, entry))
    asyncio.run(migrate(bare_place.url))
    usage = bare_place.beside("usage.db") if isinstance(bare_place, SqlitePlace) else bare_place
    assert usage.sql("SELECT path, trace FROM request_log") == "/x|"


def test_a_migration_that_fails_leaves_what_it_found(bare_place: Place) -> None:
    def migrate_and_fail(connection: Connection, schema: Schema) -> None:
        upgrade(connection, schema)
        raise LookupError

    with pytest.raises(LookupError):
        _altered(bare_place, RECORDS, migrate_and_fail)
    assert _described(bare_place) == []


@pytest.mark.parametrize("path", sorted(VERSIONS.rglob("*.py")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_migration_only_adds_so_that_processes_of_the_version_before_work_on(path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    altering = {one.func.attr: one for one in calls if _is_of(one, "op")}
    assert altering
    assert not altering.keys() - ADDING
    for column in (one.args[1] for one in calls if _is_of(one, "op") and _name(one) == "add_column"):
        assert isinstance(column, ast.Call)
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in column.keywords}
        assert "server_default" in given or given.get("nullable") == "True", ast.unparse(column)


def _is_of(call: ast.Call, module: str) -> bool:
    return isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == module


def _name(call: ast.Call) -> str:
    assert isinstance(call.func, ast.Attribute)
    return call.func.attr
