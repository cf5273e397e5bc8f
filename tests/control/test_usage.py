"""What the exchanges add up to, as the Gateway API shows it."""

import json

import pytest

from propylon.usage.drain import Drain
from tests.control.conftest import GatewayApi

NOW = 1_800_000_000
LINE = {
    "minute": NOW // 60,
    "cells": [
        ["orders", "k1", 200, "", "", 3, 10, 100, {"40": 3}],
        ["orders", "", 403, "key_unknown", "", 2, 0, 0, {}],
    ],
    "log": [],
    "gauges": {"worker": 0, "lookups": 5},
}


@pytest.fixture
def counted(api: GatewayApi) -> GatewayApi:
    api.run(api.meters.enqueue([json.dumps(LINE).encode()]))
    api.run(Drain(api.desk.records, api.meters, api.desk.metrics.observe).run_once())
    return api


def test_totals_are_told_apart_by_what_was_asked_for(counted: GatewayApi) -> None:
    rows = counted.call("GET", "/tyk/usage?step=day&by=status,reason").json()["usage"]
    assert [(row["status"], row["reason"], row["exchanges"]) for row in rows] == [(200, "", 3), (403, "key_unknown", 2)]


def test_totals_can_be_narrowed(counted: GatewayApi) -> None:
    rows = counted.call("GET", "/tyk/usage?identity=k1").json()["usage"]
    assert [row["exchanges"] for row in rows] == [3]


def test_totals_that_are_not_whole_say_where_they_go_on(counted: GatewayApi) -> None:
    first = counted.call("GET", "/tyk/usage?by=status&limit=1").json()
    second = counted.call("GET", f"/tyk/usage?by=status&limit=1&after={first['next']}").json()
    last = counted.call("GET", f"/tyk/usage?by=status&limit=1&after={second['next']}").json()
    assert [row["status"] for page in (first, second) for row in page["usage"]] == [200, 403]
    assert (last["usage"], "next" in last) == ([], False)
    assert first["latency_us"] == last["latency_us"]
    assert "next" not in counted.call("GET", "/tyk/usage?by=status").json()


@pytest.mark.parametrize("query", ["usage?limit=0", "usage?limit=10001", "logs?limit=0", "logs?limit=1001"])
def test_a_page_beyond_what_is_answered_is_refused_not_cut(api: GatewayApi, query: str) -> None:
    refused = api.call("GET", f"/tyk/{query}")
    assert (refused.status_code, refused.json()["message"].partition(":")[0]) == (400, "limit")


@pytest.mark.parametrize("query", ["step=week", "by=colour", "since=yesterday", "status=ok", "after=x"])
def test_a_question_that_makes_no_sense_names_its_field(api: GatewayApi, query: str) -> None:
    refused = api.call("GET", f"/tyk/usage?{query}")
    assert refused.status_code == 400
    assert query.partition("=")[0] in refused.json()["message"]


def test_metrics_count_exchanges_and_show_the_workers_own_numbers(counted: GatewayApi) -> None:
    text = counted.call("GET", "/tyk/metrics").text
    assert 'propylon_exchanges_total{api="orders",reason="key_unknown",status="403"} 2.0' in text
    assert 'propylon_worker_lookups_total{worker="0"} 5.0' in text
