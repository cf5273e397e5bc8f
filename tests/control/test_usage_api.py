"""The usage API of the dashboard: rows named by what is known today, in Tyk's shape, and bounded by organisation."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from propylon.control.envelope import Refused
from propylon.control.usage_api.callers import FOUND_MAX, callers_by
from propylon.control.usage_api.routes import ROUTES
from propylon.stores.records.identities import Seen
from propylon.usage.drain import Drain
from propylon.usage.figures import GROUPS_MAX
from tests.control.conftest import GatewayApi
from tests.kit.definitions import keyless_api, session

NOW = 1_800_000_000  # 15 January 2027, 08:00 UTC
MINUTE = NOW // 60
DAYS = {"from_day": "14", "from_month": "1", "from_year": "2027", "to_day": "15", "to_month": "1", "to_year": "2027"}
TODAY = DAYS | {"from_day": "15"}
BY_PATH = {
    path.replace("/{from_day}/{from_month}/{from_year}/{to_day}/{to_month}/{to_year}", ""): one
    for _, path, one in ROUTES
}
SUBJECT = "s" + "a" * 32


def ask(
    api: GatewayApi, path: str, query: Mapping[str, str] = {}, org_id: str | None = "default", **values: str
) -> dict[str, Any]:
    return api.run(BY_PATH[path](api.desk, org_id, DAYS | values, query))


def drain(api: GatewayApi, line: Mapping[str, Any]) -> None:
    api.run(api.meters.enqueue([json.dumps(line).encode()]))
    api.run(Drain(api.desk.records, api.meters).run_once())


def _entry(at: float, identity: str, status: int, reason: str, trace: str = "") -> list[object]:
    return [at, "orders", identity, "", "then", "GET", "/orders/1", status, reason, 900, 0, "203.0.113.7", 4, trace]


@pytest.fixture
def used(api: GatewayApi) -> GatewayApi:
    """Key k1 called three times and was refused once; k99 is gone, somebody had no key, and a stranger has an API."""
    api.call("POST", "/tyk/apis", keyless_api("http://127.0.0.1:1", "orders", name="Orders"))
    made = api.call(
        "POST", "/tyk/keys/plain-id", session("orders", alias="Acme", quota_max=100, quota_renewal_rate=3600)
    )
    assert made.status_code == 200
    cells = [
        ["orders", "k1", 200, "", "", 3, 10, 100, {"40": 3}],
        ["orders", "k1", 429, "key_rate", "", 1, 0, 0, {"8": 1}],
        ["orders", "k99", 200, "", "", 5, 0, 0, {"40": 5}],
        ["orders", "", 403, "key_unknown", "", 2, 0, 0, {}],
        ["theirs", "k7", 200, "", "", 9, 0, 0, {}],
    ]
    line = {
        "minute": MINUTE,
        "cells": cells,
        "log": [
            _entry(NOW + 0.5, "k1", 200, ""),
            _entry(NOW + 1.5, "k1", 429, "key_rate", "t-1"),
            _entry(NOW + 1.5, "", 403, "key_unknown"),
        ],
        "gauges": {},
        "apis": {"orders": ["default", "v1", []], "theirs": ["another", "v1", []]},
        "tagged": [[["gold"], [0]]],
    }
    drain(api, line)
    return api


def hits(document: Mapping[str, Any], name: str) -> dict[object, int]:
    return {row["id"][name]: row["hits"] for row in document["data"]}


def test_callers_are_named_and_those_without_a_key_and_deleted_ones_are_said_to_be(used: GatewayApi) -> None:
    told = ask(used, "/api/activity/keys")
    rows = {row["id"]["alias"]: row for row in told["data"]}
    acme, gone, nobody = rows["Acme"], rows[""], rows["no key"]
    assert (acme["hits"], acme["success"], acme["error"]) == (4, 3, 1)
    assert acme["id"]["key_exists"]
    assert acme["id"]["kind"] == "token"
    assert len(acme["id"]["key"]) == 64
    assert (gone["id"]["key"], gone["id"]["key_exists"], gone["hits"]) == ("k99", False, 5)
    assert (nobody["id"]["key"], nobody["hits"]) == ("00000000", 2)
    assert (told["rows"], told["total"]["hits"]) == (3, 11)


def test_a_name_given_today_names_what_was_counted_before(used: GatewayApi) -> None:
    used.call("PUT", "/tyk/keys/plain-id", session("orders", alias="Renamed"))
    assert hits(ask(used, "/api/activity/keys"), "alias")["Renamed"] == 4
    used.call("DELETE", "/tyk/keys/plain-id")
    marked = {row["id"]["key"]: row["id"]["key_exists"] for row in ask(used, "/api/activity/keys")["data"]}
    assert marked["k1"] is False


def test_totals_by_key_by_api_and_over_time_are_the_same(used: GatewayApi) -> None:
    paths = ("keys", "endpoint", "versions", "tags")
    sums = {sum(row["hits"] for row in ask(used, f"/api/activity/{path}")["data"]) for path in paths}
    sums.add(sum(row["hits"] for row in ask(used, "/api/usage/apis")["data"]))
    for resolution in ("hour", "day", "month", "minute"):
        sums.add(sum(row["hits"] for row in ask(used, "/api/usage", {"res": resolution})["data"]))
    assert sums == {11}


def test_a_series_of_more_points_than_are_read_is_refused(used: GatewayApi) -> None:
    """What was beyond would be told as zeros."""
    january = {"from_day": "1", "to_day": "7"}
    assert sum(row["hits"] for row in ask(used, "/api/usage", {"res": "minute"}, from_day="10")["data"]) == 11
    with pytest.raises(Refused, match="res: 10080 points by minute, at most 10000"):
        ask(used, "/api/usage", {"res": "minute"}, **january)
    assert len(ask(used, "/api/usage", {"res": "hour"}, **january)["data"]) == 168


def test_words_that_mean_more_callers_than_are_looked_for_are_refused(used: GatewayApi) -> None:
    """Figures of some of them would look like those of all."""
    used.run(used.desk.records.save_sightings([seen(number) for number in range(FOUND_MAX)]))
    assert len(used.run(callers_by(used.desk, "default", "user-"))) == FOUND_MAX
    used.run(used.desk.records.save_sightings([seen(FOUND_MAX)]))
    with pytest.raises(Refused, match=f"More than {FOUND_MAX} callers"):
        ask(used, "/api/activity/keys", {"q": "user-"})


def seen(number: int) -> Seen:
    return Seen(f"{number:032x}{0:032x}", "default", "https://idp.example", f"user-{number}", ["gold"], 60.0)


def test_a_list_of_everything_says_by_its_pages_when_it_is_not(used: GatewayApi) -> None:
    cells = [["orders", f"k{number}", 200, "", "", 1, 0, 0, {}] for number in range(1000, 1000 + GROUPS_MAX - 2)]
    line = {"minute": MINUTE, "log": [], "gauges": {}, "apis": {"orders": ["default", "v1", []]}}
    for first in range(0, len(cells), 1000):
        drain(used, {**line, "cells": cells[first : first + 1000]})
    told = ask(used, "/api/activity/keys", {"p": "-1"})
    assert (len(told["data"]), told["rows"], told["pages"]) == (GROUPS_MAX, GROUPS_MAX + 1, 2)


def test_a_series_has_each_stretch_once_and_zeros_where_nobody_called(used: GatewayApi) -> None:
    rows = ask(used, "/api/usage", {"res": "hour"})["data"]
    assert len(rows) == 48
    assert [(row["id"]["day"], row["id"]["hour"], row["hits"]) for row in rows if row["hits"]] == [(15, 8, 11)]
    assert len(ask(used, "/api/usage", {"res": "month"})["data"]) == 1


@pytest.mark.parametrize("words", ["plain-id", "Acme", "k1", "Ac"])
def test_a_caller_is_found_by_whatever_is_known_of_it(used: GatewayApi, words: str) -> None:
    assert list(hits(ask(used, "/api/activity/keys", {"q": words}), "alias")) == ["Acme"]


def test_the_hash_of_a_row_leads_to_its_key_and_an_unknown_one_is_not_there(used: GatewayApi) -> None:
    key = next(row["id"]["key"] for row in ask(used, "/api/activity/keys", {"q": "Acme"})["data"])
    series = ask(used, "/api/activity/keys/{key}", {"res": "day"}, key=key)["data"]
    assert [row["hits"] for row in series] == [0, 4]
    assert ask(used, "/api/activity/keys/{key}", key="k99")["data"][0]["hits"] == 5
    with pytest.raises(Refused):
        ask(used, "/api/activity/keys/{key}", key="f" * 64)


def test_what_belongs_to_another_organisation_is_not_there(used: GatewayApi) -> None:
    theirs = ask(used, "/api/activity/keys", org_id="another")
    assert [(row["id"]["key"], row["hits"]) for row in theirs["data"]] == [("k7", 9)]
    assert ask(used, "/api/logs", org_id="another")["data"] == []
    with pytest.raises(Refused):
        ask(used, "/api/activity/keys/{key}", org_id="another", key="plain-id")
    assert ask(used, "/api/usage/apis", org_id=None)["total"]["hits"] == 20


def test_filters_combine(used: GatewayApi) -> None:
    assert hits(
        ask(used, "/api/activity/keys", {"tags": "gold", "api_version": "v1", "api_id": "orders"}), "alias"
    ) == {"Acme": 3}
    assert hits(ask(used, "/api/activity/keys", {"reason": "key_rate", "errors": "1"}), "alias") == {"Acme": 1}


def test_errors_are_told_with_what_their_reason_means(used: GatewayApi) -> None:
    rows = ask(used, "/api/activity/errors")["data"]
    assert [(row["id"]["code"], row["id"]["reason"], row["hits"]) for row in rows] == [
        (403, "key_unknown", 2),
        (429, "key_rate", 1),
    ]
    assert all(row["id"]["because"] for row in rows)


def test_lists_come_in_pages_sorted_as_asked(used: GatewayApi) -> None:
    first = ask(used, "/api/activity/keys", {"page_size": "2"})
    second = ask(used, "/api/activity/keys", {"page_size": "2", "p": "2"})
    assert (first["pages"], [row["hits"] for row in first["data"] + second["data"]]) == (2, [5, 4, 2])
    assert [row["hits"] for row in ask(used, "/api/activity/keys", {"p": "-1", "sort": "-1"})["data"]] == [2, 4, 5]


def test_the_log_is_narrowed_and_its_pages_do_not_shift(used: GatewayApi) -> None:
    first = ask(used, "/api/logs", {"page_size": "2"})
    assert [row["response_code"] for row in first["data"]] == [403, 429]
    assert {row["one_in"] for row in first["data"]} == {4}
    rest = ask(used, "/api/logs", {"page_size": "2", "before": first["next"]})
    assert [(row["response_code"], row["alias"]) for row in rest["data"]] == [(200, "Acme")]
    for narrowed in ({"errors": "1", "token": "Acme"}, {"trace": "t-1"}, {"code": "429"}, {"reason": "key_rate"}):
        assert [row["trace"] for row in ask(used, "/api/logs", narrowed)["data"]] == ["t-1"]
    assert (
        ask(used, "/api/logs", {"path": "/bills"})["data"] == ask(used, "/api/logs", {"method": "POST"})["data"] == []
    )


def test_whoever_follows_the_log_gets_what_came_since(used: GatewayApi) -> None:
    start = ask(used, "/api/logs/tail")["after"]
    assert ask(used, "/api/logs/tail", {"after": str(start)})["data"] == []
    since = ask(used, "/api/logs/tail", {"after": str(start - 2)})
    assert (len(since["data"]), since["after"]) == (2, start)


def test_one_entry_is_told_with_its_recording_and_to_its_own_organisation_alone(used: GatewayApi) -> None:
    start = ask(used, "/api/logs/tail")["after"]
    told = ask(used, "/api/logs/{entry}", entry=str(start))
    assert told == {**ask(used, "/api/logs", {"page_size": "1"})["data"][0], "recording": None}
    for number in ("0", "x", "-1", "9" * 30, str(start + 1)):
        with pytest.raises(Refused) as refused:
            ask(used, "/api/logs/{entry}", entry=number)
        assert refused.value.status == 404


def test_percentiles_are_told_where_there_was_traffic(used: GatewayApi) -> None:
    told = ask(used, "/api/activity/latency", {"res": "hour"})
    assert [(row["hits"], sorted(row["latency_us"])) for row in told["data"]] == [(9, ["p50", "p90", "p95", "p99"])]


def test_a_quota_says_what_is_left(used: GatewayApi) -> None:
    (told,) = ask(used, "/api/activity/quota/{key}", key="plain-id")["data"]
    assert (told["quota_max"], told["used"], told["remaining"], told["runs_out_at"]) == (100, 0, 100, None)


@pytest.mark.parametrize(
    ("path", "query", "values", "named"),
    [
        ("/api/usage", {"res": "week"}, {}, "res"),
        ("/api/usage", {}, {"from_day": "31", "from_month": "2"}, "dates"),
        ("/api/usage", {}, {"from_year": "2028"}, "dates"),
        ("/api/activity/keys", {"by": "colour"}, {}, "by"),
        ("/api/activity/keys", {"sort": "up"}, {}, "sort"),
        ("/api/activity/keys", {"p": "one"}, {}, "p"),
        ("/api/activity/keys", {"page_size": "0"}, {}, "page_size"),
        ("/api/activity/keys", {"code": "many"}, {}, "code"),
        ("/api/logs", {"before": "then"}, {}, "before"),
        ("/api/logs", {"p": "2"}, {}, "p"),
    ],
)
def test_a_question_that_makes_no_sense_names_its_field(
    api: GatewayApi, path: str, query: dict[str, str], values: dict[str, str], named: str
) -> None:
    with pytest.raises(Refused, match=named):
        ask(api, path, query, **values)
