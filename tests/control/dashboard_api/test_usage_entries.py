"""Usage and logs over the dashboard's REST API: each function of theirs has a route, and each list a table as well."""

import csv
import io

from propylon.control.dashboard_api.usage_entries import TOLD, USAGE
from propylon.control.usage_api.routes import ROUTES
from propylon.exchange import ApiFacts
from propylon.usage.drain import Drain
from propylon.usage.line import Cell, Line, LogEntry, encode
from tests.control.dashboard_api.conftest import Dashboard

DAYS = "15/1/2027/15/1/2027"  # of the clock's
PASSED = Cell("acme-api", "", 200, "", "", 3, 0, 0, {40: 3})
MINUTE = 1_800_000_000 // 60


def use(dashboard: Dashboard) -> None:
    gateway = dashboard.gateway
    line = Line(MINUTE, [PASSED], [], {}, apis={"acme-api": ApiFacts("acme", "v1", ())})
    gateway.run(gateway.meters.enqueue([encode(line)]))
    gateway.run(Drain(gateway.desk.records, gateway.meters).run_once())


def test_each_function_is_served_under_one_right_and_none_is_told_that_is_not() -> None:
    assert [(one.method, one.path) for one in USAGE] == [(method, path) for method, path, _ in ROUTES]
    assert set(TOLD) == {told.__name__ for _, _, told in ROUTES}
    assert {one.path for one in USAGE if one.area == "logs"} == {"/api/logs", "/api/logs/tail", "/api/logs/{entry}"}


def test_a_list_is_told_as_json_and_as_the_same_rows_of_a_table(dashboard: Dashboard) -> None:
    use(dashboard)
    told = dashboard.call("GET", f"/api/usage/apis/{DAYS}").json()["data"]
    assert [row["hits"] for row in told] == [3]
    table = dashboard.call("GET", f"/api/usage/apis/{DAYS}?type=csv")
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert [row["hits"] for row in csv.DictReader(io.StringIO(table.text))] == ["3"]
    assert (table.headers["X-Propylon-Rows"], table.headers["X-Propylon-Pages"]) == ("1", "1")
    assert dashboard.call("GET", f"/api/usage/apis/{DAYS}?type=xml").status_code == 400


def test_another_organisation_counts_nothing_of_it(dashboard: Dashboard) -> None:
    use(dashboard)
    theirs = dashboard.call("GET", f"/api/usage/apis/{DAYS}", who="otto-key").json()
    assert (theirs["data"], theirs["total"]["hits"]) == ([], 0)


def test_one_request_is_told_with_its_recording_as_json_alone_and_not_to_others(dashboard: Dashboard) -> None:
    gateway = dashboard.gateway
    entry = LogEntry(1_800_000_000.0, "acme-api", "", "", "", "GET", "/a", 200, "", 900, 200, "203.0.113.7", 1)
    facts = {"acme-api": ApiFacts("acme", "v1", ())}
    line = Line(MINUTE, [PASSED], [entry], {}, apis=facts, recordings={0: {"not_kept": "too much"}})
    gateway.run(gateway.meters.enqueue([encode(line)]))
    gateway.run(Drain(gateway.desk.records, gateway.meters).run_once())
    told = dashboard.call("GET", "/api/logs/1").json()
    assert (told["path"], told["recording"]) == ("/a", {"not_kept": "too much"})
    assert "recording" not in dashboard.call("GET", "/api/logs?start=1").json()["data"][0]
    assert [dashboard.call("GET", "/api/logs/1", who=who).status_code for who in ("otto-key", "nils-key")] == [404, 403]
    assert dashboard.call("GET", "/api/logs/2").status_code == 404
    assert dashboard.call("GET", "/api/logs/1?type=csv").status_code == 400
