"""What an exchange is called in usage: by its endpoint, whether or not it is refused, or not at all."""

from typing import Any

import pytest

from propylon.exchange import UNTRACKED
from tests.kit.deciding import deciding
from tests.kit.definitions import keyless_api, session, token_api

LISTS = {
    "track_endpoints": [{"path": "/orders/{id}", "method": "GET"}, {"path": "/health", "method": "GET"}],
    "do_not_track_endpoints": [{"path": "/health", "method": "GET"}],
}
VERSION = {"name": "Default", "use_extended_paths": True, "extended_paths": LISTS}
TRACKING: dict[str, Any] = {"version_data": {"not_versioned": True, "versions": {"Default": VERSION}}}


@pytest.mark.parametrize(
    ("path", "endpoint", "is_told"),
    [("/orders/7", "GET:/orders/{id}", True), ("/orders", "", True), ("/health", "GET:/health", False)],
)
def test_an_endpoint_has_its_name_and_may_be_left_out(path: str, endpoint: str, is_told: bool) -> None:
    with deciding(keyless_api("http://u/", "open", **TRACKING)) as at:
        exchange = at.ask(f"/open{path}")
    assert (exchange.endpoint, exchange.api_facts is not UNTRACKED) == (endpoint, is_told)


def test_refusals_are_told_by_endpoint_too() -> None:
    with deciding(token_api("http://u/", "orders", **TRACKING)) as at:
        exchange = at.ask("/orders/orders/7", "no-such-key-at-all")
    assert exchange.denial is not None
    assert exchange.endpoint == "GET:/orders/{id}"


def test_a_definition_s_name_comes_before_that_of_a_limit() -> None:
    endpoints = [{"path": "/.*", "methods": [{"name": "GET", "limit": {"rate": 10, "per": 60}}]}]
    rights = {"access_rights": {"orders": {"api_id": "orders", "versions": ["Default"], "endpoints": endpoints}}}
    with deciding(token_api("http://u/", "orders", **TRACKING), keys={"a-key": session(**rights)}) as at:
        told = [at.ask(f"/orders{path}", "a-key") for path in ("/orders/7", "/else")]
    assert [(one.denial, one.endpoint) for one in told] == [(None, "GET:/orders/{id}"), (None, "GET:/.*")]
