"""What the forms of a key are made of, without a page: limits, ends, problems at their fields, paces."""

from typing import Any

import pytest

from propylon.dashboard.forms import Form
from propylon.dashboard.key_choices import Choices
from propylon.dashboard.key_form import fields_of, read_key_form
from propylon.dashboard.key_life import date_text, end_of_life
from propylon.dashboard.problems import by_field
from propylon.dashboard.quota_pace import paces
from propylon.dashboard.words import span
from tests.kit.definitions import session

NOBODY = Choices({}, {})
NOW = 1_800_000_000.0


def read(document: dict[str, Any], **changed: str) -> dict[str, Any]:
    """A stored session through the form and back, with these fields changed."""
    typed = read_key_form(fields_of(document).having(**changed), NOBODY, document, NOW)
    assert not typed.errors
    return typed.document


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"rate": 2.5, "per": 1, "quota_max": 100, "quota_renewal_rate": 3600},
        {"quota_max": -1, "rate": 0, "throttle_interval": -1, "throttle_retry_limit": -1},
        {"tags": ["a, b", "c"], "meta_data": {"aaa": 1, "on": True, "list": [1], "text": "x"}},
        {"expires": 1_900_000_000, "is_inactive": True, "alias": "Acme"},
        {"enable_detail_recording": True},
    ],
    ids=["nothing", "limits", "Tyk's words for unlimited", "odd tags and metadata", "an end", "a recording"],
)
def test_a_form_that_nobody_touched_changes_nothing(members: dict[str, Any]) -> None:
    document = session("token", **members)
    read_back = read(document)
    assert {name: read_back[name] for name in document if name != "access_rights"} == {
        name: value for name, value in document.items() if name != "access_rights"
    }
    right = {"allowed_urls": [], "limit": None}
    assert read_back["access_rights"]["token"] == document["access_rights"]["token"] | right


@pytest.mark.parametrize("name", ["enable_detail_recording", "enable_detailed_recording"])
def test_a_recording_is_turned_on_under_one_name_and_off_under_the_one_it_has(name: str) -> None:
    assert read(session("token"), record_whole="1")["enable_detailed_recording"] is True
    assert "enable_detail_recording" not in read(session("token"), record_whole="1")
    assert read(session("token", **{name: True}), record_whole="")[name] is False


def test_what_is_typed_becomes_limits_paths_and_an_end() -> None:
    fields = {"rate:token": "1,000", "per:token": "60", "own:token": "1", "paths:token": "get,POST /orders/{id}\n"}
    made = read(session("token"), **fields, tags=" a, ,a,b ", life="3600", quota_max="10")
    assert made["access_rights"]["token"]["allowed_urls"] == [{"url": "/orders/{id}", "methods": ["GET", "POST"]}]
    assert made["access_rights"]["token"]["limit"]["rate"] == 1000
    assert (made["tags"], made["expires"], made["quota_max"]) == (["a", "b"], NOW + 3600, 10)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"rate": "x", "per": "1"}, "rate"),
        ({"rate": "-1", "per": "1"}, "rate"),
        ({"rate": "5"}, "per"),
        ({"rate": "1e400", "per": "1"}, "rate"),
        ({"quota_max": "1.5"}, "quota_max"),
        ({"quota_max": "5", "quota_renewal_rate": "x"}, "quota_renewal_rate"),
        ({"throttle_interval": "5"}, "throttle_retry_limit"),
        ({"paths:token": "/orders"}, "paths:token"),
        ({"paths:token": "BREW /orders"}, "paths:token"),
        ({"life": "date", "expires_date": "tomorrow"}, "expires_date"),
        ({"life": "17"}, "life"),
        ({"access": "policies"}, "access"),
        ({"access": ""}, "access"),
        ({"rate:token": "x", "own:token": "1"}, "rate:token"),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_said_at_its_field(fields: dict[str, str], field: str) -> None:
    document = session("token")
    typed = read_key_form(fields_of(document).having(**fields), NOBODY, document, NOW)
    assert field in typed.errors


def test_rights_of_its_own_stay_while_a_policy_is_applied() -> None:
    document = session("token", apply_policies=["gold"])
    assert read(document)["access_rights"] == document["access_rights"]


def test_a_date_is_utc_both_ways() -> None:
    assert end_of_life("date", "2027-01-15T08:00", 0) == 1_800_000_000
    assert date_text(1_800_000_000) == "2027-01-15T08:00"
    assert date_text(-1) == ""


def test_a_problem_of_a_right_stands_at_that_apis_field() -> None:
    listed = [
        {"path": "access_rights.a.b.allowed_urls[0].url", "message": "is no pattern"},
        {"path": "access_rights.a.b.limit.rate", "message": "must be a number"},
        {"path": "certificate", "message": "is not known"},
    ]
    errors = by_field(listed, {}, ["a.b"])
    assert errors == {
        "paths:a.b": "It is no pattern.",
        "rate:a.b": "It must be a number.",
        "": "certificate is not known.",
    }


def quota(**members: float) -> dict[str, Any]:
    access = {"quota_max": 100, "quota_remaining": 50, "quota_renewal_rate": 1000, "quota_renews": NOW + 500}
    return {"access": {"a": {"counters_of": "the key", **access, **members}, "b": {"counters_of": "the key", **access}}}


def test_a_quota_that_is_used_faster_than_it_is_given_runs_out_before_it_begins_anew() -> None:
    assert paces(quota(quota_remaining=25), NOW)[0].runs_out == pytest.approx(NOW + 25 * 500 / 75)
    assert paces(quota(quota_remaining=80), NOW)[0].runs_out == 0
    assert len(paces(quota(), NOW)) == 1, "both APIs count with the key"
    assert paces(quota(quota_renews=0), NOW)[0].runs_out == 0
    assert paces(None, NOW) == []


@pytest.mark.parametrize(("seconds", "text"), [(1, "second"), (90, "90 seconds"), (3600, "hour"), (604_800, "7 days")])
def test_a_length_of_time_is_told_in_its_largest_unit(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_a_field_of_several_values_gives_the_last_and_an_empty_one_nothing() -> None:
    assert Form({"a": ["1", "2"], "b": []}).text("a") == "2"
    assert Form({"b": []}).text("b") == ""
