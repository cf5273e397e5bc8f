"""An export is what is shown, and no cell of it runs in a spreadsheet."""

import csv
import io
import json

import pytest

from propylon.control.usage_api.export import as_csv, as_json
from propylon.control.usage_api.quota import burn_down
from propylon.stores.ports import QuotaState

ROWS = [
    {"id": {"alias": 'Acme, "the" firm', "tags": ["a", "b"]}, "hits": -3},
    {"id": {"alias": "two\nlines"}, "more": None},
]


def test_csv_reads_back_as_it_was_shown() -> None:
    text = b"".join(as_csv(ROWS)).decode()
    assert text.endswith("\r\n")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert rows[0] == {"id.alias": 'Acme, "the" firm', "id.tags": "a, b", "hits": "-3", "more": ""}
    assert rows[1]["id.alias"] == "two\nlines"


@pytest.mark.parametrize("alias", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_a_spreadsheet_would_run_is_text(alias: str) -> None:
    (row,) = csv.DictReader(io.StringIO(b"".join(as_csv([{"alias": alias}])).decode(), newline=""))
    assert row["alias"] == f"'{alias}"


def test_json_is_the_same_rows() -> None:
    assert json.loads(b"".join(as_json(ROWS))) == ROWS
    assert json.loads(b"".join(as_json([]))) == []


def test_a_quota_that_goes_on_like_this_runs_out_when_it_says() -> None:
    state = QuotaState(b"", used=50, renews_wall_ns=20_000 * 10**9)
    told = burn_down(100, 10_000, state, now=11_000.0)
    assert (told["remaining"], told["used_per_hour"], told["runs_out_at"]) == (50, 180.0, "1970-01-01T03:20:00Z")


def test_a_quota_that_lasts_until_it_renews_runs_out_never() -> None:
    state = QuotaState(b"", used=5, renews_wall_ns=10_000 * 10**9)
    assert burn_down(100, 10_000, state, now=1_000.0)["runs_out_at"] is None
