"""Limits are exact over processes and kills: nothing over, and under overload nearly all of what is allowed."""

import os
import signal
from collections.abc import Iterator

import pytest

from tests.kit.client import get
from tests.kit.definitions import keyless_api, session, token_api
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.origin import Origin
from tests.kit.scenarios import exact_rate, quota_over_kills, wait_for_children
from tests.kit.waiting import eventually


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with Origin() as origin:
        limited = keyless_api(origin.url, "limited", global_rate_limit={"rate": 5, "per": 60})
        with running_gateway([token_api(origin.url), limited], settings={"workers": 2}) as running:
            yield running


def test_no_window_admits_more_than_the_rate(gateway: Gateway) -> None:
    figures = exact_rate(gateway, rate=100, per_s=1.0, seconds=4.0)
    assert figures.sent >= 10 * figures.rate
    assert figures.most_in_a_window <= figures.rate
    assert figures.admitted >= 0.9 * figures.rate * (figures.windows - 1)


def test_a_fractional_rate_admits_no_more(gateway: Gateway) -> None:
    figures = exact_rate(gateway, rate=1, per_s=0.5, seconds=3.0, connections=8)
    assert figures.most_in_a_window <= 1
    assert figures.admitted >= 4


def test_the_quota_is_exact_over_worker_kills(gateway: Gateway) -> None:
    figures = quota_over_kills(gateway, quota=400, kills=3, seed=7)
    assert figures.errors == {}
    assert figures.quota - figures.unanswered <= figures.admitted <= figures.quota


def test_an_api_wide_limit_counts_all_callers_of_all_workers(gateway: Gateway) -> None:
    answers = [get(f"{gateway.url}/limited/x") for _ in range(8)]
    assert [answer.status for answer in answers].count(200) == 5
    assert answers[-1].json() == {"error": "API Rate Limit Exceeded"}


def test_a_refused_request_costs_no_quota(gateway: Gateway) -> None:
    body = session("token", rate=2, per=60, quota_max=50, quota_renewal_rate=3600)
    assert gateway.api("POST", "/tyk/keys/thrifty", body).status == 200
    statuses = [get(f"{gateway.url}/token/x", {"Authorization": "thrifty"}).status for _ in range(10)]
    assert statuses.count(200) == 2
    assert gateway.api("GET", "/tyk/keys/thrifty").json()["quota_remaining"] == 48


def test_a_stopped_worker_is_replaced_and_the_others_go_on(gateway: Gateway) -> None:
    stopped = wait_for_children(gateway, "worker 1", "worker 2")["worker 1"]
    os.kill(stopped, signal.SIGSTOP)
    body = session("token", rate=1000, per=1)
    assert gateway.api("POST", "/tyk/keys/patient", body).status == 200

    def is_replaced() -> bool:
        assert get(f"{gateway.url}/token/x", {"Authorization": "patient"}).status == 200
        return wait_for_children(gateway, "worker 1", "worker 2")["worker 1"] != stopped

    eventually(is_replaced)
