"""A gateway as those see it who use it: one machine, or a fleet. What holds for the one has to hold for the other.

@pytest.fixture(scope="module", params=FRONTS)
def gateway(request: pytest.FixtureRequest) -> Iterator[Front]:
    with running_front(request.param, [token_api(url)]) as running:
        yield running
"""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.kit.client import Response
from tests.kit.fleet import Fleet, running_fleet, shared_stores
from tests.kit.gateway import Definition, Gateway, running_gateway, write_definitions

FRONTS = ("machine", "fleet")
_REVISION = "SELECT max(revision) FROM changes"


class FleetFront:
    """Of a control node and two gateway nodes: the Gateway API is the one's, and traffic goes to the others in turn."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.secret = fleet.control.secret
        self.api_url = fleet.control.url
        self._turns = itertools.cycle(fleet.nodes)

    @property
    def url(self) -> str:
        """Of the node whose turn it is."""
        return next(self._turns).url

    @property
    def port(self) -> int:
        """The same."""
        return next(self._turns).port

    @property
    def pid(self) -> int:
        """Of the parent of control."""
        return self.fleet.control.pid

    def api(self, method: str, path: str, body: Any = None, secret: str | None = None) -> Response:
        return self.fleet.control.api(method, path, body, secret)


Front = Gateway | FleetFront


@contextlib.contextmanager
def running_front(
    kind: str,
    apis: Sequence[Definition] = (),
    policies: Sequence[Definition] = (),
    settings: Mapping[str, Any] | None = None,
) -> Iterator[Front]:
    """With these definitions as files, which control reads.

    Of a fleet, a node has one worker and looks for changes with every request, also of callers without any limit.
    """
    if kind == "machine":
        with running_gateway(apis, policies, settings) as gateway:
            yield gateway
        return
    with TemporaryDirectory(prefix="propylon-") as folder, shared_stores() as stores:
        paths = {
            "app_path": write_definitions(Path(folder) / "apps", apis, "api_id"),
            "policy_path": write_definitions(Path(folder) / "policies", policies, "id"),
        }
        of_a_fleet = {**(settings or {}), "workers": 1, "follow_interval_s": 0}
        with running_fleet(2, of_a_fleet, stores=stores, of_control=paths) as fleet:
            yield FleetFront(fleet)


def newest_revision(front: Front) -> int:
    """Of the records, past the gateway."""
    if isinstance(front, FleetFront):
        stores = front.fleet.stores
        return int(stores.postgres.sql(stores.records_url.rpartition("/")[2], _REVISION))
    with contextlib.closing(sqlite3.connect(f"file:{front.folder}/data/records.db?mode=ro", uri=True)) as records:
        newest: int = records.execute(_REVISION).fetchone()[0]
    return newest
