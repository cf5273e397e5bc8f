"""Several control processes on one PostgreSQL: one change log without gaps, nothing acknowledged lost, one leader."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from propylon.errors import StoreUnavailable
from propylon.stores.records.leadership import Leadership
from propylon.stores.records.postgres_lookups import PostgresLookups
from propylon.stores.records.records import Records
from tests.kit.places import PostgresPlace, SqlitePlace, postgres_place, with_records
from tests.kit.postgres import SAFETY_S, PostgresServer, own_server
from tests.kit.records import TESTER, a_key, key_hash, put_key

# Each line of its output is a write that was acknowledged; it goes on when the records were away.
WRITER = """
import asyncio, sys
from propylon.errors import StoreUnavailable
from propylon.stores.records.opening import open_records
from tests.kit.records import ROOT_SECRET, TESTER, a_key, put_key

async def write(url, name, count):
    records = await open_records(url, ROOT_SECRET)
    for number in range(count):
        try:
            await put_key(records, a_key(f"{name}-{number}"))
        except StoreUnavailable:
            await asyncio.sleep(0.02)
        else:
            print(f"{name}-{number}", flush=True)

asyncio.run(write(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""
HOLDER = """
import asyncio, sys
from propylon.stores.records.opening import open_records
from tests.kit.records import ROOT_SECRET, TESTER, a_key

async def hold():
    records = await open_records(sys.argv[1], ROOT_SECRET)
    async with records.change(TESTER) as change:
        await change.put_key(a_key("held"))
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""
LEADER = """
import asyncio, sys
from propylon.stores.records.leadership import Leadership

async def ask():
    leadership, before = Leadership(sys.argv[1]), None
    while True:
        leads = await leadership.lead()
        if leads is not before:
            print(leads, flush=True)
        before = leads
        await asyncio.sleep(0.1)

asyncio.run(ask())
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with own_server() as own:
        yield own


@pytest.fixture
def place(server: PostgresServer) -> PostgresPlace:
    return postgres_place(server)


@contextlib.contextmanager
def running(code: str, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _next_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_two_processes_that_write_at_once_make_one_log_without_gaps_whose_order_is_that_of_its_numbers(
    place: PostgresPlace,
) -> None:
    """Who has seen a revision has seen every one before it."""
    seen: list[int] = []

    async def follow() -> None:
        lookups = PostgresLookups(place.url)
        while len(seen) < 200:
            changes = await lookups.changes_after(seen[-1] if seen else 0)
            assert changes is not None
            seen.extend(change.revision for change in changes)
        await lookups.close()

    with running(WRITER, place.url, "one", "100") as one, running(WRITER, place.url, "other", "100") as other:
        asyncio.run(asyncio.wait_for(follow(), SAFETY_S))
        outputs = [process.communicate()[0].split() for process in (one, other)]
    assert seen == list(range(1, 201))
    assert [len(lines) for lines in outputs] == [100, 100]
    assert place.sql("SELECT count(*), count(DISTINCT record_id) FROM keys") == "200|200"
    assert place.sql("SELECT count(DISTINCT names) FROM changes") == "200"


def test_what_was_acknowledged_outlives_the_death_of_the_server(place: PostgresPlace) -> None:
    server = place.server
    with running(WRITER, place.url, "one", "100000") as one, running(WRITER, place.url, "other", "100000") as other:
        acknowledged = []
        for _ in range(3):
            acknowledged += [_next_line(process) for _ in range(10) for process in (one, other)]
            server.kill()
            server.start()
        acknowledged += [_next_line(process) for _ in range(10) for process in (one, other)]
        for process in (one, other):
            process.kill()
            acknowledged += process.communicate()[0].splitlines()[:-1]  # the last one may be half of a line
    stored = set(place.sql("SELECT key_hash FROM keys").split())
    assert not [name for name in acknowledged if key_hash(name) not in stored]
    assert place.sql("SELECT count(*) = max(revision) FROM changes") == "t"
    assert len(acknowledged) >= 80


def test_a_transaction_that_the_server_died_in_never_happened(place: PostgresPlace) -> None:
    async def write_and_kill(records: Records) -> None:
        async with records.change(TESTER) as change:
            await change.put_key(a_key("lost"))
            await asyncio.to_thread(place.server.kill)

    async def work(records: Records) -> None:
        first = await put_key(records, a_key("kept"))
        with pytest.raises(StoreUnavailable):
            await write_and_kill(records)
        await asyncio.to_thread(place.server.start)
        assert [row.key_hash for row in await records.keys()] == [key_hash("kept")]
        assert await put_key(records, a_key("after")) > first
        assert await records.revision() == 2

    with_records(place, work)


def test_the_turn_of_a_writer_that_is_killed_goes_to_the_next_one(place: PostgresPlace) -> None:
    with running(HOLDER, place.url) as holder:
        assert _next_line(holder) == "held"
        holder.kill()
        with_records(place, lambda records: put_key(records, a_key("next")))
    assert place.sql("SELECT count(*) FROM keys") == "1"


def test_the_turn_of_a_writer_that_stands_still_goes_to_the_next_one(place: PostgresPlace) -> None:
    with running(HOLDER, place.url) as holder:
        assert _next_line(holder) == "held"
        holder.send_signal(signal.SIGSTOP)
        with_records(place, lambda records: put_key(records, a_key("next")))
    assert place.sql("SELECT count(*) FROM keys") == "1"


# -- leadership --------------------------------------------------------------------------------------------------------


async def _takes_over(leadership: Leadership) -> None:
    while not await leadership.lead():
        pass


def test_of_several_one_leads_and_another_takes_over_when_it_is_killed(place: PostgresPlace) -> None:
    async def run(leader: "subprocess.Popen[str]") -> None:
        leadership = Leadership(place.url)
        assert [await leadership.lead() for _ in range(5)] == [False] * 5
        leader.kill()
        await asyncio.wait_for(_takes_over(leadership), SAFETY_S)
        assert await asyncio.gather(*(leadership.lead() for _ in range(20))) == [True] * 20
        await leadership.close()

    with running(LEADER, place.url) as leader:
        assert _next_line(leader) == "True"
        asyncio.run(run(leader))


def test_a_leader_that_stands_still_leads_no_longer_and_knows_it_when_it_goes_on(place: PostgresPlace) -> None:
    async def run(leader: "subprocess.Popen[str]") -> None:
        leadership = Leadership(place.url)
        leader.send_signal(signal.SIGSTOP)
        await asyncio.wait_for(_takes_over(leadership), SAFETY_S)
        leader.send_signal(signal.SIGCONT)
        assert await asyncio.to_thread(_next_line, leader) == "False"
        assert await leadership.lead()
        await leadership.close()
        assert await asyncio.to_thread(_next_line, leader) == "True"

    with running(LEADER, place.url) as leader:
        assert _next_line(leader) == "True"
        asyncio.run(run(leader))


def test_nobody_leads_while_the_records_are_away_and_somebody_does_afterwards(place: PostgresPlace) -> None:
    async def run() -> None:
        one, other = Leadership(place.url), Leadership(place.url)
        assert (await one.lead(), await other.lead()) == (True, False)
        await asyncio.to_thread(place.server.stop)
        assert (await one.lead(), await other.lead()) == (False, False)
        await asyncio.to_thread(place.server.start)
        assert (await other.lead(), await one.lead()) == (True, False)
        await other.close()
        await asyncio.wait_for(_takes_over(one), SAFETY_S)
        await one.close()

    asyncio.run(run())


def test_with_sqlite_there_is_one_control_process_and_it_leads(tmp_path: object) -> None:
    place = SqlitePlace(tmp_path)  # type: ignore[arg-type]

    async def run() -> None:
        leadership = Leadership(place.url)
        assert await leadership.lead()
        await leadership.close()

    asyncio.run(run())
