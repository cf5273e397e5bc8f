"""Which servers counters are kept in, and what a fresh connection finds out about them."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from propylon.errors import StoreUnavailable
from propylon.stores.redis_connect import RETRY_S, Link
from propylon.stores.redis_fitness import UnfitMeters, demand_fit, durability_problems
from propylon.stores.redis_meters import open_redis_meters
from propylon.stores.redis_url import parse_redis_url
from tests.kit.certificates import Authority
from tests.kit.clock import FakeClock
from tests.kit.ports import free_port
from tests.kit.redis_server import RedisServer, running, running_redis
from tests.stores.redis_scenes import meters_at, quota, run, used

FIT = {"redis_version": "7.0.15", "role": "master", "aof_enabled": "1", "maxmemory_policy": "noeviction"}
LINK: Mapping[str, Any] = {"timeout_s": 5.0, "require_durable": False}
TARGET = parse_redis_url("redis://user:canary@meters.example")


async def refusal(url: str, **options: object) -> StoreUnavailable:
    with pytest.raises(StoreUnavailable) as raised:
        async with meters_at(url, **options):
            pass
    return raised.value


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        ((), []),
        (("--appendonly", "no"), ["meters_not_durable"]),
        (("--maxmemory-policy", "allkeys-lru"), ["meters_may_be_evicted"]),
        (("--appendonly", "no", "--maxmemory-policy", "volatile-ttl"), ["meters_not_durable", "meters_may_be_evicted"]),
    ],
    ids=["fit", "no file", "evicts", "both"],
)
def test_what_may_be_forgotten_is_listed_and_refused_where_it_must_last(
    options: tuple[str, ...], codes: list[str]
) -> None:
    async def scenario() -> None:
        with running_redis(*options) as server:
            async with meters_at(server.url()) as meters:
                assert [problem.code for problem in meters.durability_problems()] == codes
            if codes:
                assert isinstance(await refusal(server.url(), require_durable=True), UnfitMeters)
            else:
                async with meters_at(server.url(), require_durable=True) as meters:
                    assert await meters.head() == 0

    run(scenario())


def test_a_connection_made_anew_is_checked_anew() -> None:
    async def scenario() -> None:
        with running_redis() as server:
            async with meters_at(server.url(), require_durable=True) as meters:
                server.ask("CONFIG", "SET", "appendonly", "no")
                assert meters.durability_problems() == []
                server.ask("CLIENT", "KILL", "TYPE", "normal")
                with pytest.raises(StoreUnavailable):
                    await meters.admit((quota(5),))

    run(scenario())


def test_a_replica_is_refused_with_the_remedy() -> None:
    async def scenario() -> None:
        with running_redis() as master, running_redis("--replicaof", "127.0.0.1", str(master.port)) as replica:
            assert "name its master" in (await refusal(replica.url())).detail

    run(scenario())


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"redis_version": "6.2.14"}, UnfitMeters),
        ({"redis_version": "5.0.7", "role": "slave"}, UnfitMeters),
        ({"cluster_enabled": "1"}, UnfitMeters),
        ({"loading": "1"}, StoreUnavailable),
        ({"role": "slave"}, StoreUnavailable),
    ],
)
def test_what_a_server_says_of_itself_decides(change: dict[str, str], kind: type[StoreUnavailable]) -> None:
    with pytest.raises(StoreUnavailable) as raised:
        demand_fit(FIT | change, TARGET, require_durable=False)
    assert type(raised.value) is kind
    assert "canary" not in raised.value.detail


@pytest.mark.parametrize("version", ["7.0.0", "7.2.4", "8.0.1", "10.0.0"])
def test_servers_of_newer_versions_are_fit(version: str) -> None:
    demand_fit(FIT | {"redis_version": version}, TARGET, require_durable=True)
    assert durability_problems(FIT) == []


def test_user_password_and_database_are_those_of_the_url() -> None:
    async def scenario() -> None:
        acl = ("--user", "gate", "on", ">p@ss/canary", "~{propylon}:*", "+@all")
        with running_redis(*acl) as server:
            url = f"redis://gate:p%40ss%2Fcanary@127.0.0.1:{server.port}/3"
            async with meters_at(url) as meters:
                await meters.admit((quota(5),))
                assert await used(meters) == 1
                assert server.ask("DBSIZE", database=3) == 1
                assert server.ask("DBSIZE", database=0) == 0
            failure = await refusal(url.replace("p%40ss", "wrong"))
            assert "canary" not in str(failure)
            assert "canary" not in repr(failure.__cause__)
            assert "WRONGPASS" in failure.detail

    run(scenario())


def test_tls_is_spoken_with_a_server_whose_certificate_holds(tmp_path: Path) -> None:
    async def scenario() -> None:
        authority = Authority(tmp_path)
        certificate, key = authority.issue()
        port = free_port()
        options = ("--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key))
        options += ("--tls-ca-cert-file", str(authority.path), "--tls-auth-clients", "no")
        with running(RedisServer(tmp_path, *options)):
            url = f"rediss://127.0.0.1:{port}"
            async with meters_at(f"{url}?ssl_ca_certs={authority.path}") as meters:
                assert (await meters.admit((quota(5),))).remaining == (4,)
            assert "certificate verify failed" in (await refusal(url)).detail

    run(scenario())


def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    async def scenario() -> None:
        port = free_port()
        failure = await refusal(f"redis://user:canary@127.0.0.1:{port}/0")
        assert f"127.0.0.1:{port}" in failure.detail
        assert "canary" not in failure.detail

    run(scenario())


def test_a_url_that_is_none_is_refused_before_anything_is_opened() -> None:
    async def scenario() -> None:
        with pytest.raises(ValueError, match="meters_url"):
            await open_redis_meters("redis://", usage_lines_max=1)

    run(scenario())


def test_of_a_server_that_is_away_nobody_asks_before_it_is_time() -> None:
    async def scenario() -> None:
        clock = FakeClock()
        link = Link(parse_redis_url(f"redis://127.0.0.1:{free_port()}"), **LINK, clock=clock)
        with pytest.raises(StoreUnavailable, match="could not be reached"):
            await link.connect(link.make_connection())
        with pytest.raises(StoreUnavailable, match="is away"):
            link.demand()
        clock.jump(RETRY_S)
        link.demand()

    run(scenario())


def test_while_one_tries_to_reach_a_server_that_was_away_no_other_waits() -> None:
    async def scenario() -> None:
        with running_redis() as server:
            clock = FakeClock()
            link = Link(parse_redis_url(server.url()), **LINK, clock=clock)
            connection = link.make_connection()
            link.away("a test says so")
            clock.jump(RETRY_S)
            trying = asyncio.ensure_future(link.connect(connection))
            await asyncio.sleep(0)
            with pytest.raises(StoreUnavailable, match="is away"):
                link.demand()
            await trying
            link.demand()
            await connection.disconnect()

    run(scenario())
