"""Records in PostgreSQL: what is refused at the door, what an error means, and what bounds a call."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest
from sqlalchemy.exc import DBAPIError

from propylon.errors import StoreUnavailable
from propylon.stores.records.engines import READERS_MAX
from propylon.stores.records.leadership import Leadership
from propylon.stores.records.opening import migrate, open_records
from propylon.stores.records.postgres_engines import RECORDS_TURN
from propylon.stores.records.postgres_lookups import CONNECTIONS_MAX, PostgresLookups
from propylon.stores.records.records import Records
from propylon.stores.records.schema import CannotOpen
from propylon.stores.records.tables import NEWEST_RECORDS
from propylon.stores.records.usage_tables import NEWEST_USAGE
from propylon.stores.records.writes import Unstorable
from propylon.usage.queries import Step, totals
from tests.kit.places import PostgresPlace, fresh_place, postgres_place, records_at, with_records
from tests.kit.postgres import SAFETY_S, PostgresServer, own_server, shared_server
from tests.kit.records import ROOT_SECRET, TESTER, a_key, key_hash, put_key

RAISES = (
    "CREATE FUNCTION fail() RETURNS trigger AS $$ BEGIN RAISE 'as asked' USING ERRCODE = '{}'; END $$ LANGUAGE plpgsql;"
    "CREATE TRIGGER fails BEFORE INSERT ON changes FOR EACH ROW EXECUTE FUNCTION fail()"
)


@pytest.fixture
def database(tmp_path: object) -> Iterator[PostgresPlace]:
    """With the newest schema, on the shared server."""
    with fresh_place("postgres", tmp_path) as place:  # type: ignore[arg-type]  # no folder is needed
        assert isinstance(place, PostgresPlace)
        yield place


@pytest.fixture
def bare_database() -> Iterator[PostgresPlace]:
    server = shared_server()
    place = PostgresPlace(server, server.new_database())
    yield place
    server.drop_database(place.database)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One that may be ended and frozen."""
    with own_server() as own:
        yield own


# -- at the door -------------------------------------------------------------------------------------------------------


def test_a_database_without_tables_is_refused_with_the_command_to_run(bare_database: PostgresPlace) -> None:
    with pytest.raises(CannotOpen, match="has no tables for records yet.*; run: propylon migrate"):
        asyncio.run(open_records(bare_database.url, ROOT_SECRET))
    assert bare_database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == "0"


@pytest.mark.parametrize(
    ("table", "name", "needed"),
    [("schema_version", "records", NEWEST_RECORDS), ("usage_schema_version", "usage", NEWEST_USAGE)],
)
def test_another_schema_is_refused_with_the_command_to_run(
    database: PostgresPlace, table: str, name: str, needed: str
) -> None:
    database.sql(f"UPDATE {table} SET version_num = '0001'")
    says = f"has the schema 0001 of {name}, .* needs {needed}; run: propylon migrate"
    with pytest.raises(CannotOpen, match=says) as caught:
        asyncio.run(open_records(database.url, ROOT_SECRET))
    assert f"127.0.0.1:{database.server.port}/{database.database} has" in str(caught.value)
    assert database.sql(f"SELECT version_num FROM {table}") == "0001"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql+asyncpg://hush:hush@127.0.0.1:1/x", "127.0.0.1:1/x: .*refused|Connect call failed"),
        ("postgresql+asyncpg://propylon:hush@127.0.0.1:{port}/nowhere", 'database "nowhere" does not exist'),
        ("postgresql+asyncpg://stranger:hush@127.0.0.1:{port}/postgres", 'role "stranger" does not exist'),
        (
            "postgresql+asyncpg://propylon@127.0.0.1:{port}/postgres?sslmode=verify-full&sslrootcert=/none",
            "sslrootcert",
        ),
        ("postgresql+asyncpg://propylon@127.0.0.1:{port}/postgres?sslmode=perhaps", "`sslmode` parameter must be"),
        ("postgresql+asyncpg://propylon@127.0.0.1:{port}/postgres?option=1", 'parameter "option"'),
    ],
)
def test_a_url_that_leads_nowhere_says_why_and_no_password(url: str, why: str) -> None:
    url = url.format(port=shared_server().port)

    async def run() -> None:
        with pytest.raises(StoreUnavailable, match=why) as caught:
            await open_records(url, ROOT_SECRET)
        assert "hush" not in caught.value.detail
        with pytest.raises(StoreUnavailable, match=why):
            await PostgresLookups(url).revision()

    asyncio.run(run())


def test_a_database_that_could_not_hold_every_text_is_refused(bare_database: PostgresPlace) -> None:
    server = bare_database.server
    server.sql("postgres", "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0")
    for call in (open_records(server.url("latin"), ROOT_SECRET), migrate(server.url("latin"))):
        with pytest.raises(CannotOpen, match="has the encoding LATIN1; make a database with ENCODING 'UTF8'"):
            asyncio.run(call)
    server.drop_database("latin")


def test_migrating_what_is_current_changes_nothing_beside_a_running_node(database: PostgresPlace) -> None:
    async def work(records: Records) -> None:
        await put_key(records, a_key())
        assert await migrate(database.url) == []
        assert len(await records.keys()) == 1

    with_records(database, work)


# -- what an error means -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["53100", "53300", "25006", "42501", "57014", "57P01", "40001", "40P01", "XX001"])
def test_a_server_that_cannot_is_a_store_that_is_away(database: PostgresPlace, state: str) -> None:
    async def work(records: Records) -> None:
        database.sql(RAISES.format(state))
        with pytest.raises(StoreUnavailable, match="records: .*as asked"):
            await put_key(records, a_key())
        database.sql("DROP TRIGGER fails ON changes")
        assert await put_key(records, a_key()) > 0
        assert await records.revision() == 1

    with_records(database, work)


@pytest.mark.parametrize("state", ["23505", "22003", "42601"])
def test_what_only_a_bug_can_raise_stays_what_it_is(database: PostgresPlace, state: str) -> None:
    async def work(records: Records) -> None:
        database.sql(RAISES.format(state))
        with pytest.raises(DBAPIError):
            await put_key(records, a_key())

    with_records(database, work)


@pytest.mark.parametrize(("alias", "why"), [("a\0b", "NUL"), ("\u4e00".join(map(str, range(9_000))), "longer than")])
def test_what_postgresql_cannot_keep_is_said_and_not_kept_in_part(
    database: PostgresPlace, alias: str, why: str
) -> None:
    async def work(records: Records) -> None:
        with pytest.raises(Unstorable, match=why):
            await put_key(records, a_key(alias=alias))
        assert (await records.keys(), await records.revision()) == ([], 0)

    with_records(database, work)


def test_a_server_that_is_read_only_is_a_store_that_is_away_for_writes_alone(database: PostgresPlace) -> None:
    async def run() -> None:
        async with records_at(database) as records:
            await put_key(records, a_key())
        database.sql(f"ALTER DATABASE {database.database} SET default_transaction_read_only = on")
        records = await open_records(database.url, ROOT_SECRET)  # writes nothing when all is there
        with pytest.raises(StoreUnavailable, match="read-only transaction"):
            await put_key(records, a_key("bbb"))
        assert len(await records.keys()) == 1
        await records.close()

    asyncio.run(run())


# -- what bounds a call ------------------------------------------------------------------------------------------------


def test_a_pool_has_no_more_connections_than_it_may(database: PostgresPlace) -> None:
    async def work(records: Records) -> None:
        lookups = PostgresLookups(database.url)
        await asyncio.gather(*(records.revision() for _ in range(50)), *(lookups.revision() for _ in range(50)))
        await asyncio.gather(*(put_key(records, a_key(f"key-{number}")) for number in range(5)))
        counted = (
            "SELECT application_name, count(*) FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1"
        )
        held = dict(
            line.split("|") for line in database.sql(f"{counted} HAVING application_name <> 'psql'").splitlines()
        )
        await lookups.close()
        assert int(held["propylon lookups"]) == CONNECTIONS_MAX
        assert int(held["propylon reads"]) == READERS_MAX + 1  # of usage one, since opening
        assert int(held["propylon writes"]) == 2  # of records and of usage

    with_records(database, work)


def test_who_asks_again_and_again_overtakes_nobody_who_waits(database: PostgresPlace) -> None:
    async def work(_: Records) -> None:
        lookups = PostgresLookups(database.url, timeout_s=SAFETY_S)
        answered = [0] * (5 * CONNECTIONS_MAX)

        async def ask(number: int) -> None:
            while min(answered) < 3:
                await lookups.revision()
                answered[number] += 1

        async with asyncio.timeout(SAFETY_S):
            await asyncio.gather(*map(ask, range(len(answered))))
        assert max(answered) < 50  # those that overtook the others would have thousands
        await lookups.close()

    with_records(database, work)


def test_connections_that_the_server_ended_are_replaced_and_nobody_notices(database: PostgresPlace) -> None:
    async def work(records: Records) -> None:
        lookups = PostgresLookups(database.url)
        for number in range(1, 4):
            await put_key(records, a_key(f"key-{number}"))
            assert await records.revision() == await lookups.revision() == number
            ended = await asyncio.to_thread(
                database.sql,
                "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            assert int(ended) >= 3
        await lookups.close()

    with_records(database, work)


def test_a_look_up_whose_caller_is_gone_leaves_its_connection_to_others(database: PostgresPlace) -> None:
    async def work(records: Records) -> None:
        lookups = PostgresLookups(database.url)
        for _ in range(10):
            asking = [asyncio.ensure_future(lookups.revision()) for _ in range(5)]
            await asyncio.sleep(0)  # they are on their way
            for one in asking:
                one.cancel()
            await asyncio.wait(asking)
        assert await lookups.revision() == 0
        await lookups.close()

    with_records(database, work)


def test_a_look_up_that_takes_too_long_fails_and_the_next_one_does_not_wait_behind_it(database: PostgresPlace) -> None:
    async def work(records: Records) -> None:
        lookups = PostgresLookups(database.url, timeout_s=0.5)
        assert await lookups.revision() == 0
        async with records._writing() as connection:
            await connection.exec_driver_sql("LOCK TABLE keys")
            for _ in range(2 * CONNECTIONS_MAX):
                with pytest.raises(StoreUnavailable, match="did not answer in time|statement timeout"):
                    await lookups.key_by_hash("x")
            assert await lookups.revision() == 0
        assert await lookups.key_by_hash("x") is None
        await lookups.close()

    with_records(database, work)


def test_a_writer_that_does_not_get_its_turn_is_told_so(database: PostgresPlace) -> None:
    async def work(records: Records) -> None:
        async with records_at(database) as other, other._usage.writing.connect() as holder:
            await holder.exec_driver_sql(f"SELECT pg_advisory_lock({RECORDS_TURN})")
            await holder.commit()
            with pytest.raises(StoreUnavailable, match="somebody else has been writing"):
                await put_key(records, a_key())
            await holder.exec_driver_sql(f"SELECT pg_advisory_unlock({RECORDS_TURN})")
            assert await put_key(records, a_key()) == 1

    with_records(database, work)


def test_counting_does_not_wait_for_a_control_write(database: PostgresPlace) -> None:
    async def work(records: Records) -> None:
        async with records.change(TESTER) as change:
            await change.put_key(a_key())
            async with records.usage_engine.begin() as connection:
                await connection.exec_driver_sql("INSERT INTO drained VALUES ('other', 'an epoch', 1)")
            assert await records.revision() == 0

    with_records(database, work)


def test_writers_take_turns_whatever_isolation_the_database_is_set_to(database: PostgresPlace) -> None:
    database.sql(f"ALTER DATABASE {database.database} SET default_transaction_isolation = 'repeatable read'")

    async def work(records: Records) -> None:
        async with records_at(database) as other:
            await asyncio.gather(*(put_key(one, a_key(f"{n}")) for n, one in enumerate([records, other] * 10)))
        assert await records.revision() == 20

    with_records(database, work)


@pytest.mark.parametrize(("default", "used"), [("off", "on"), ("remote_apply", "remote_apply")])
def test_an_acknowledged_write_is_on_the_disk_whatever_the_default_is(
    database: PostgresPlace, default: str, used: str
) -> None:
    database.sql(f"ALTER DATABASE {database.database} SET synchronous_commit = {default}")

    async def work(records: Records) -> None:
        for engine in (records._records.writing, records.usage_engine):
            async with engine.begin() as connection:
                shown = await connection.exec_driver_sql("SHOW synchronous_commit")
                assert shown.scalar() == used

    with_records(database, work)


# -- a server that ends, starts, stands still --------------------------------------------------------------------------


def test_while_it_is_stopped_calls_fail_and_afterwards_they_do_not(server: PostgresServer) -> None:
    place = postgres_place(server)

    async def run() -> None:
        async with records_at(place) as records:
            lookups = PostgresLookups(place.url)
            await put_key(records, a_key())
            assert await lookups.revision() == 1
            await asyncio.to_thread(server.stop)
            for call in _calls(records, lookups).values():
                with pytest.raises(StoreUnavailable, match="refused|Connect call failed"):
                    await call()
            await asyncio.to_thread(server.start)
            for call in _calls(records, lookups).values():
                await call()
            await lookups.close()

    asyncio.run(run())


def test_while_it_stands_still_calls_fail_in_time_and_the_loop_lives(server: PostgresServer) -> None:
    place = postgres_place(server)
    beats: list[str] = []

    async def beat() -> None:
        while True:
            beats.append("beat")
            await asyncio.sleep(0.01)

    async def failing(name: str, call: Callable[[], Awaitable[object]]) -> None:
        with pytest.raises(StoreUnavailable, match="in time"):
            await call()
        beats.append(name)

    async def run() -> None:
        async with records_at(place, timeout_s=1.0) as records:
            lookups, leadership = PostgresLookups(place.url, timeout_s=1.0), Leadership(place.url, timeout_s=1.0)
            calls = _calls(records, lookups)
            for call in calls.values():
                await call()
            assert await leadership.lead()
            beating = asyncio.ensure_future(beat())
            server.freeze()
            calls["open"] = lambda: open_records(place.url, ROOT_SECRET, timeout_s=1.0)
            calls["migrate"] = lambda: migrate(place.url, timeout_s=1.0)
            await asyncio.wait_for(asyncio.gather(*(failing(name, call) for name, call in calls.items())), SAFETY_S)
            assert not await leadership.lead()
            beating.cancel()
            server.thaw()
            for call in _calls(records, lookups).values():
                await call()
            assert await leadership.lead()
            await lookups.close()
            await leadership.close()

    asyncio.run(run())
    assert beats.index("look up") > 2


def test_closing_does_not_wait_for_a_server_that_stands_still(server: PostgresServer) -> None:
    place = postgres_place(server)

    async def run() -> None:
        records, lookups, leadership = await open_records(place.url, ROOT_SECRET), PostgresLookups(place.url), None
        calls = _calls(records, lookups)
        await asyncio.gather(*(call() for _ in range(4) for call in calls.values()))
        leadership = Leadership(place.url)
        assert await leadership.lead()
        server.freeze()
        for one in (lookups, leadership, records):
            await asyncio.wait_for(one.close(), SAFETY_S)

    asyncio.run(run())
    server.thaw()


def test_an_edit_that_meets_a_standstill_never_happened_and_holds_up_nobody(server: PostgresServer) -> None:
    place = postgres_place(server)

    async def write_and_freeze(records: Records) -> None:
        async with records.change(TESTER) as change:
            await change.put_key(a_key("lost"))
            server.freeze()

    async def run() -> None:
        async with records_at(place, timeout_s=1.0) as records:
            with pytest.raises(StoreUnavailable, match="in time"):
                await write_and_freeze(records)
            server.thaw()
            await put_key(records, a_key("kept"))
            assert [row.key_hash for row in await records.keys()] == [key_hash("kept")]
            assert await records.revision() == 1

    asyncio.run(run())


def test_a_standby_is_no_place_for_records(server: PostgresServer) -> None:
    place = postgres_place(server)
    with_records(place, lambda records: put_key(records, a_key()))
    with server.standby() as standby:
        url = standby.url(place.database)

        async def run() -> None:
            lookups, leadership = PostgresLookups(url), Leadership(url)
            for call in (lookups.revision, lambda: open_records(url, ROOT_SECRET), lambda: migrate(url)):
                with pytest.raises(StoreUnavailable, match="is a standby .pg_is_in_recovery.; name the primary"):
                    await call()
            assert not await leadership.lead()
            await lookups.close()

        assert standby.sql(place.database, "SELECT count(*) FROM keys") == "1"
        asyncio.run(run())


@pytest.mark.parametrize("end", ["kill", "freeze"])
def test_of_several_hosts_the_primary_is_used_also_when_it_is_another_one_now(end: str) -> None:
    async def run(first: PostgresServer, second: PostgresServer, url: str) -> None:
        records, lookups = await open_records(url, ROOT_SECRET), PostgresLookups(url)
        await put_key(records, a_key())
        assert await lookups.revision() == 1
        await asyncio.to_thread(getattr(first, end))
        with pytest.raises(StoreUnavailable):
            await put_key(records, a_key("meanwhile"))
        await asyncio.to_thread(second.sql, "postgres", "SELECT pg_promote()")
        await put_key(records, a_key("bbb"))
        if end == "freeze":
            with pytest.raises(StoreUnavailable, match="in time"):
                await lookups.revision()  # on the connection it has
        assert await lookups.revision() == 2
        await records.close()
        await lookups.close()

    with own_server() as first:
        place = postgres_place(first)
        first.sql("postgres", "ALTER SYSTEM SET synchronous_commit = remote_apply")
        with first.standby() as second:
            hosts = f"127.0.0.1:{second.port},127.0.0.1:{first.port}"
            asyncio.run(run(first, second, f"postgresql+asyncpg://propylon@{hosts}/{place.database}"))


def test_of_several_hosts_none_of_which_is_there_each_is_named() -> None:
    url = "postgresql+asyncpg://propylon:hush@127.0.0.1:1,127.0.0.1:2/x"
    with pytest.raises(StoreUnavailable, match="127.0.0.1:[12]/x: .*; records: 127.0.0.1:[12]/x: ") as caught:
        asyncio.run(open_records(url, ROOT_SECRET))
    assert "hush" not in caught.value.detail


def _calls(records: Records, lookups: PostgresLookups) -> dict[str, Callable[[], Awaitable[object]]]:
    return {
        "read": records.revision,
        "read usage": lambda: totals(records, Step.DAY),
        "write": lambda: put_key(records, a_key()),
        "look up": lambda: lookups.key_by_hash(key_hash("aaa")),
    }
