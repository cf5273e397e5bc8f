"""The form of a policy: what is not changed in it stays, and unsaid, unlimited and limited are told apart."""

from typing import Any

import pytest

from propylon.dashboard.policy_form import STARTING, PolicyValues, document_of, place_of, values_of
from tests.kit.definitions import policy

NAMES = {"api": "Payments"}
LIMIT = {"rate": 5, "per": 1, "quota_max": -1, "quota_renewal_rate": 0, "throttle_interval": 3}
KINDS: dict[str, dict[str, Any]] = {
    "least": policy("gold"),
    "limits": policy("gold", "api", rate=1.5, per=60, quota_max=100, quota_renewal_rate=77, throttle_interval=2),
    "unlimited": policy("gold", "api", rate=-1, per=60, quota_max=-1),
    "draft": policy("gold", "api", active=False),
    "denied": policy("gold", "api", is_inactive=True, active=False),
    "parts": policy("gold", "api", partitions={"acl": True, "quota": False, "per_api": False}),
    "each": policy("gold", "api", partitions={"per_api": True}),
    "rights": policy(
        "gold",
        access_rights={
            "api": {
                "limit": LIMIT,
                "allowed_urls": [{"url": "/a b", "methods": ["GET"]}],
                "versions": None,
                "other": 1,
            },
            "gone.api": {"endpoints": [{"path": "/x"}]},
        },
    ),
    "meta": policy("gold", "api", meta_data={"team": "payments", "tier": 2}, tags=["a"], key_expires_in=99),
}


def changed(base: dict[str, Any], **fields: str) -> tuple[dict[str, Any], dict[str, str]]:
    now = values_of(base)
    made = document_of(base, now._replace(root={**now.root, **fields}), NAMES)
    return made.document, made.errors


def with_right(base: dict[str, Any], **fields: str) -> tuple[dict[str, Any], dict[str, str]]:
    now = values_of(base)
    rights = {"api": {**now.rights["api"], **fields}}
    made = document_of(base, now._replace(rights=rights), NAMES)
    return made.document, made.errors


@pytest.mark.parametrize("name", KINDS)
def test_a_form_that_is_sent_as_it_stands_changes_nothing(name: str) -> None:
    assert changed(KINDS[name]) == (KINDS[name], {})


@pytest.mark.parametrize(
    ("fields", "written"),
    [
        ({"rate_kind": "limited", "rate": "10", "per": "60"}, {"rate": 10, "per": 60}),
        ({"rate_kind": "unlimited"}, {"rate": -1, "per": 0}),
        ({"rate_kind": ""}, {"rate": 0, "per": 0}),
        (
            {"quota_kind": "limited", "quota_max": "9", "quota_renewal_rate": "0"},
            {"quota_max": 9, "quota_renewal_rate": 0},
        ),
        ({"quota_kind": "unlimited"}, {"quota_max": -1, "quota_renewal_rate": 0}),
        ({"state": "denied"}, {"is_inactive": True}),
        ({"state": "draft"}, {"active": False, "is_inactive": False}),
        (
            {"enforces": "parts", "acl": "1"},
            {"partitions": {"acl": True, "rate_limit": False, "quota": False, "complexity": False, "per_api": False}},
        ),
        (
            {"enforces": "each", "acl": "1"},
            {"partitions": {"acl": False, "rate_limit": False, "quota": False, "complexity": False, "per_api": True}},
        ),
        ({"key_expires_in": "3600"}, {"key_expires_in": 3600}),
        ({"tags": "a\n\n b "}, {"tags": ["a", "b"]}),
    ],
    ids=str,
)
def test_a_changed_field_is_written_as_the_gateway_reads_it(fields: dict[str, str], written: dict[str, Any]) -> None:
    document, errors = changed(KINDS["limits"], **fields)
    assert errors == {}
    assert document == {**KINDS["limits"], **written}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"rate_kind": "limited", "rate": ""}, "rate"),
        ({"rate_kind": "limited", "rate": "5", "per": ""}, "per"),
        ({"rate_kind": "limited", "rate": "-5"}, "rate"),
        ({"quota_kind": "limited", "quota_max": "lots"}, "quota_max"),
        ({"throttle_interval": "nan"}, "throttle_interval"),
    ],
    ids=str,
)
def test_what_is_no_number_is_told_at_its_field(fields: dict[str, str], field: str) -> None:
    assert list(changed(KINDS["limits"], **fields)[1]) == [field]


def test_paths_are_written_a_line_each() -> None:
    document, errors = with_right(KINDS["limits"], paths="GET,POST /charges\nDELETE /charges/[0-9]+$")
    assert errors == {}
    assert document["access_rights"]["api"]["allowed_urls"] == [
        {"url": "/charges", "methods": ["GET", "POST"]},
        {"url": "/charges/[0-9]+$", "methods": ["DELETE"]},
    ]
    assert list(with_right(KINDS["limits"], paths="/charges")[1]) == ["paths:api"]


def test_an_api_has_limits_of_its_own_and_errors_too() -> None:
    document, _ = with_right(KINDS["limits"], rate_kind="limited", rate="3", per="1")
    assert document["access_rights"]["api"]["limit"] == {"rate": 3, "per": 1}
    assert list(with_right(KINDS["limits"], rate_kind="limited", rate="x", per="1")[1]) == ["rate:api"]


def test_an_api_that_is_added_carries_its_name() -> None:
    added = PolicyValues(
        values_of(STARTING).root | {"name": "New"}, {"api": values_of(KINDS["limits"]).rights["api"]}, []
    )
    right = document_of(STARTING, added, NAMES).document["access_rights"]["api"]
    assert right.items() >= {"api_id": "api", "api_name": "Payments", "versions": ["Default"]}.items()


def test_metadata_that_is_no_text_is_kept() -> None:
    now = values_of(KINDS["meta"])
    made = document_of(KINDS["meta"], now._replace(meta=[("team", "orders")]), NAMES)
    assert made.document["meta_data"] == {"tier": 2, "team": "orders"}
    twice = document_of(KINDS["meta"], now._replace(meta=[("a", "1"), ("a", "2")]), NAMES)
    assert list(twice.errors) == ["meta_data"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("name", "name"),
        ("quota_max", "quota_max"),
        ("partitions", "enforces"),
        ("id", "id"),
        ("access_rights.an.api.allowed_urls[0].url", "paths:an.api"),
        ("access_rights.api.limit.per", "per:api"),
        ("access_rights.api.limit.smoothing", "rate:api"),
        ("unheard_of", ""),
    ],
)
def test_a_problem_of_the_policy_has_its_field(path: str, field: str) -> None:
    assert place_of(path) == field
