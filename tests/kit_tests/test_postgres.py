"""The PostgreSQL of the kit: a real one, whose ends and pauses are what they say."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.postgres import own_server, process_states, shared_server
from tests.kit.waiting import eventually


def test_what_was_committed_outlives_each_kind_of_end() -> None:
    with own_server() as server:
        server.sql("postgres", "CREATE TABLE kept AS SELECT 1 AS n")
        for end in (server.stop, server.kill):
            end()
            with pytest.raises(AssertionError, match="Connection refused"):
                server.sql("postgres", "SELECT 1")
            server.start()
        assert server.sql("postgres", "SELECT n FROM kept") == "1"


def test_a_frozen_one_does_nothing_until_it_is_thawed_and_may_be_killed_meanwhile() -> None:
    with own_server() as server:
        server.freeze()
        eventually(lambda: process_states(server) == {"T"})  # the kernel does it when it comes to it
        server.thaw()
        eventually(lambda: "T" not in process_states(server))
        assert server.sql("postgres", "SELECT 1") == "1"
        server.freeze()
        server.kill()
        server.start()


def test_a_standby_follows() -> None:
    with own_server() as server, server.standby() as standby:
        assert standby.sql("postgres", "SELECT pg_is_in_recovery()") == "t"


def test_databases_of_the_shared_one_are_apart() -> None:
    server = shared_server()
    one, other = server.new_database(), server.new_database()
    server.sql(one, "CREATE TABLE t ()")
    assert server.sql(other, "SELECT to_regclass('t') IS NULL") == "t"
    for name in (one, other):
        server.drop_database(name)


def test_a_statement_that_fails_fails_the_test() -> None:
    with pytest.raises(AssertionError, match="syntax error"):
        shared_server().sql("postgres", "SELEKT 1")


def test_the_shared_one_ends_with_its_process_and_leaves_no_folder() -> None:
    code = "from tests.kit.postgres import shared_server; one = shared_server(); print(one.port, one.folder)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    port, folder = ended.stdout.split()
    assert not Path(folder).exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(port)))
