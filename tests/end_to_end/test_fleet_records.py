"""PostgreSQL that is a standby for a while, and records that come back from an older backup."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.definitions import session, token_api
from tests.kit.fault_proxy import FaultProxy
from tests.kit.fleet import Fleet, own_stores, running_fleet
from tests.kit.fleet_view import asked
from tests.kit.origin import Origin
from tests.kit.postgres_backup import back_up, restore
from tests.kit.waiting import eventually

LIMITS = {"rate": 10**6, "per": 60}


@pytest.fixture
def records() -> Iterator[tuple[Fleet, FaultProxy]]:
    """A fleet whose way to PostgreSQL leads through a proxy."""
    with Origin() as origin, own_stores() as stores, FaultProxy(stores.postgres.port) as proxy:
        url = stores.records_url.replace(f":{stores.postgres.port}/", f":{proxy.port}/")
        settings = {"records_url": url, "store_timeout_s": 5}
        with running_fleet(settings=settings, stores=stores) as fleet:
            assert fleet.control.api("POST", "/tyk/apis", token_api(origin.url)).status == 200
            yield fleet, proxy


def write(fleet: Fleet, key: str) -> None:
    assert fleet.control.api("POST", f"/tyk/keys/{key}", session("token", **LIMITS)).status == 200
    assert asked(fleet, key) == [200, 200]


def test_a_standby_in_the_place_of_the_primary_is_records_that_are_away(records: tuple[Fleet, FaultProxy]) -> None:
    fleet, proxy = records
    write(fleet, "known")
    with fleet.postgres.standby() as standby:
        proxy.turn_to(standby.port)
        proxy.cut()
        assert [asked(fleet, key) for key in ("known", "nobody")] == [[200, 200], [503, 503]]
        assert fleet.control.api("POST", "/tyk/keys/new", session("token")).status == 503
        proxy.turn_to(fleet.postgres.port)
        proxy.cut()
    eventually(lambda: asked(fleet, "nobody") == [403, 403])
    eventually(lambda: fleet.control.api("POST", "/tyk/keys/new", session("token")).status == 200)
    assert asked(fleet, "new") == [200, 200]


def test_behind_an_older_backup_every_node_reads_everything_again(
    records: tuple[Fleet, FaultProxy], tmp_path: Path
) -> None:
    """Redis knows of revisions that the records have lost: what was written by them holds for nobody any more."""
    fleet, _ = records
    database = fleet.stores.records_url.rpartition("/")[2]
    for key in ("kept", "leaving"):
        write(fleet, key)
    back_up(fleet.postgres, database, tmp_path / "backup")
    assert fleet.control.api("DELETE", "/tyk/keys/leaving").status == 200
    for key in ("lost", "lost-too"):
        write(fleet, key)
    assert asked(fleet, "leaving") == [403, 403]
    fleet.control.stop()
    restore(fleet.postgres, database, tmp_path / "backup")
    fleet.control.start()
    assert [asked(fleet, key) for key in ("kept", "leaving")] == [[200, 200]] * 2
    assert [asked(fleet, key) for key in ("lost", "lost-too")] == [[403, 403]] * 2
    write(fleet, "made-anew")
    assert fleet.control.api("DELETE", "/tyk/keys/kept").status == 200
    assert asked(fleet, "kept") == [403, 403]
