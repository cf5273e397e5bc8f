"""Whoever follows the request log by its newest id misses nothing: ids are committed in the order of their rise."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from propylon.stores.records.records import Records
from propylon.tasks import spawn
from propylon.usage.aggregates import add_lines
from propylon.usage.entries import EntryFilter, entries_after, newest_id
from propylon.usage.line import Line, LogEntry
from propylon.usage.retention import Kept, expire
from tests.kit.places import ENGINES, Place, fresh_place, records_at, with_records
from tests.kit.waiting import eventually

EVERYTHING = EntryFilter()
WAITING = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Place]:
    with fresh_place("postgres", tmp_path) as there:
        yield there


def a_line(path: str) -> Line:
    return Line(2, [], [LogEntry(120.5, "", "", "", "", "GET", path, 403, "expired", 5, 0, "203.0.113.7", 1)], {})


async def add(records: Records, *paths: str) -> None:
    async with records.usage_engine.begin() as connection:
        await add_lines(connection, [a_line(path) for path in paths], {})


async def paths_after(records: Records, after: int) -> list[str]:
    return [one.log.path for one in await entries_after(records, EVERYTHING, after)]


def test_a_second_drain_gets_ids_only_when_those_of_the_first_are_committed(postgres: Place) -> None:
    """For some moments two may believe that they lead. A follower who saw the higher id first would lose the lower."""

    async def run() -> None:
        async with records_at(postgres) as one, records_at(postgres) as other:
            async with one.usage_engine.begin() as connection:
                await add_lines(connection, [a_line("/first")], {})
                later = spawn(add(other, "/second"), "the second drain")
                await asyncio.to_thread(eventually, lambda: later.done() or postgres.sql(WAITING) == "1")
                assert not later.done()
                assert await newest_id(other) == 0
            await later
            assert await paths_after(one, 0) == ["/first", "/second"]

    asyncio.run(run())


def test_a_drain_that_ends_without_a_commit_leaves_a_gap_and_no_entry_below_it(postgres: Place) -> None:
    async def run() -> None:
        async with records_at(postgres) as records:
            await add(records, "/first")
            async with records.usage_engine.connect() as connection, connection.begin() as transaction:
                await add_lines(connection, [a_line("/never")], {})
                await transaction.rollback()
            seen = await newest_id(records)
            await add(records, "/second")
            assert await paths_after(records, seen) == ["/second"]
            assert await newest_id(records) == seen + 2

    asyncio.run(run())


@pytest.mark.parametrize("engine", ENGINES)
def test_what_comes_after_everything_was_forgotten_has_higher_ids(engine: str, tmp_path: Path) -> None:
    async def run(records: Records) -> None:
        await add(records, "/first", "/second")
        before = await newest_id(records)
        assert await expire(records, Kept(0.0, 0.0, 0.0, 1_000.0, 100), 100) == 2
        await add(records, "/third")
        assert await paths_after(records, before) == ["/third"]

    with fresh_place(engine, tmp_path) as there:
        with_records(there, run)
