"""Generations are retired at their date, or when quiet for as long as was said and everything is known."""

import pytest

from propylon.control.key_retirement import PAGE, retire_due
from propylon.model.key_ring import USE_GRAIN_S
from propylon.stores.records.key_rings import LastUse
from tests.control.conftest import GatewayApi
from tests.kit.definitions import jwt_api, session

NOW = 1_800_000_000
KEY = "/tyk/keys/signer"
SECRET = "canary-jwt-secret-of-thirty-two-characters"
QUIET = {"retire_when_unused_for_s": 3600, "retire_latest_at": NOW + 10 * 3600}


@pytest.fixture
def given(api: GatewayApi) -> GatewayApi:
    api.call("POST", "/tyk/apis", jwt_api("http://upstream.example/"))
    api.call("POST", KEY, session("jwt", jwt_data={"secret": SECRET}))
    return api


def stored_state(api: GatewayApi) -> str:
    """Of the first generation, by whether its material is still there."""
    row = api.run(api.desk.records.key(api.desk.sealing.key_hash("default", "signer")))
    secrets = api.desk.records.unseal_key(row)
    return "retiring" if "ring.1" in secrets else "retired"


def test_a_date_that_is_past_is_swept_and_announced(given: GatewayApi) -> None:
    given.call("POST", f"{KEY}/rotate", {"retire_old_at": NOW + 60})
    given.run(retire_due(given.desk, NOW))
    assert stored_state(given) == "retiring"
    given.run(given.clock.advance(60))
    given.run(retire_due(given.desk, NOW))
    assert stored_state(given) == "retired"
    assert given.head() == given.revision()


@pytest.mark.parametrize(
    ("used_after_s", "known_after_s", "expected"),
    [
        (None, 3600 + USE_GRAIN_S, "retiring"),  # it began a fraction of a second after NOW
        (None, 3601 + USE_GRAIN_S, "retired"),
        (1000, 3601 + USE_GRAIN_S, "retiring"),
        (1000, 4600 + USE_GRAIN_S, "retired"),
        (None, 0, "retiring"),  # nothing was drained since the start
    ],
)
def test_one_that_nobody_uses_goes_when_that_is_known(
    given: GatewayApi, used_after_s: float | None, known_after_s: float, expected: str
) -> None:
    given.call("POST", f"{KEY}/rotate", QUIET)
    if used_after_s is not None:
        given.run(given.desk.records.save_last_used([LastUse(1, 1, NOW + used_after_s)]))
    given.run(given.clock.advance(5 * 3600))
    given.run(retire_due(given.desk, NOW + known_after_s))
    assert stored_state(given) == expected


def test_one_in_use_goes_at_its_latest_date(given: GatewayApi) -> None:
    given.call("POST", f"{KEY}/rotate", QUIET)
    given.run(given.clock.advance(10 * 3600))
    given.run(given.desk.records.save_last_used([LastUse(1, 1, given.clock.wall())]))
    given.run(retire_due(given.desk, given.clock.wall()))
    assert stored_state(given) == "retired"


def test_one_without_a_plan_stays(given: GatewayApi) -> None:
    given.call("POST", f"{KEY}/rotate")
    given.run(given.clock.advance(10**8))
    given.run(retire_due(given.desk, given.clock.wall()))
    assert stored_state(given) == "retiring"


def test_more_than_a_page_is_done_in_one_go(given: GatewayApi) -> None:
    names = [f"/tyk/keys/plain-{n}" for n in range(PAGE + 3)]
    for name in names:
        given.call("POST", name, session("jwt"))
        given.call("POST", f"{name}/rotate", {"retire_old_at": NOW + 60})
    given.run(given.clock.advance(60))
    given.run(retire_due(given.desk, NOW))
    assert given.run(given.desk.records.retiring_keys(0)) == []


def test_without_anything_due_nothing_is_written(given: GatewayApi) -> None:
    given.call("POST", f"{KEY}/rotate")
    revision = given.revision()
    given.run(retire_due(given.desk, given.clock.wall()))
    assert given.revision() == revision
