"""Access rights as written, and what is said about them."""

from typing import Any

import pytest

from propylon.model.access_definition import (
    AccessDefinition,
    ApiLimit,
    Rate,
    Smoothing,
    rate_warnings,
    rights_problems,
    rights_warnings,
)
from propylon.model.members import Findings, read_record


def rights(**members: Any) -> dict[str, AccessDefinition]:
    findings = Findings()
    definition = read_record(AccessDefinition, members, "", findings)
    assert not findings.problems
    return {"a": definition}


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (ApiLimit(), True),
        (ApiLimit(smoothing=Smoothing(enabled=True)), True),
        (ApiLimit(rate=1), False),
        (ApiLimit(per=1), False),
        (ApiLimit(throttle_interval=1), False),
        (ApiLimit(throttle_retry_limit=-1), False),
        (ApiLimit(max_query_depth=-1), False),
        (ApiLimit(quota_max=-1), False),
        (ApiLimit(quota_renews=1), False),
        (ApiLimit(quota_remaining=1), False),
        (ApiLimit(quota_renewal_rate=1), False),
    ],
)
def test_a_limit_is_empty_when_none_of_its_numbers_is_set(limit: ApiLimit, expected: bool) -> None:
    assert limit.is_empty is expected
    assert (AccessDefinition(limit=limit).own_limit is None) is expected


def test_patterns_that_do_not_compile_are_problems_with_their_place() -> None:
    found = rights_problems(
        rights(
            allowed_urls=[{"url": "/ok", "methods": ["GET"]}, {"url": "/(", "methods": ["GET"]}],
            endpoints=[{"path": "/["}, {"path": "/" + "a" * 300}],
        )
    )
    assert [problem.path for problem in found] == [
        "access_rights.a.allowed_urls[1].url",
        "access_rights.a.endpoints[0].path",
        "access_rights.a.endpoints[1].path",
    ]


@pytest.mark.parametrize(
    ("members", "path", "code"),
    [
        ({"api_id": "b"}, "access_rights.a.api_id", "api_id_differs"),
        (
            {"allowed_urls": [{"url": "/x", "methods": ["get"]}]},
            "access_rights.a.allowed_urls[0].methods",
            "method_case",
        ),
        ({"allowed_urls": [{"url": "/x"}]}, "access_rights.a.allowed_urls[0].methods", "no_methods"),
        ({"limit": {"rate": 5}}, "access_rights.a.limit.per", "rate_without_per"),
        ({"limit": {"smoothing": {"enabled": True}}}, "access_rights.a.limit.smoothing", "not_honoured"),
        (
            {"endpoints": [{"path": "/x", "methods": [{"name": "GET", "limit": {"rate": 5}}]}]},
            "access_rights.a.endpoints[0].methods[0].limit.per",
            "rate_without_per",
        ),
    ],
)
def test_what_is_hardly_meant_is_warned_of(members: dict[str, Any], path: str, code: str) -> None:
    assert [(warning.path, warning.code) for warning in rights_warnings(rights(**members))] == [(path, code)]


def test_ordinary_rights_are_not_warned_of() -> None:
    ordinary = rights(
        api_id="a",
        versions=["Default"],
        allowed_urls=[{"url": "/x", "methods": ["GET"]}],
        limit={"rate": 5, "per": 60, "quota_max": -1, "set_by_policy": True},
        endpoints=[{"path": "/x", "methods": [{"name": "GET", "limit": {"rate": 5, "per": 1}}, {"name": "PUT"}]}],
    )
    assert not list(rights_warnings(ordinary))
    assert not list(rights_problems(ordinary))


def test_a_rate_without_its_window_at_the_root_is_warned_of() -> None:
    assert [warning.path for warning in rate_warnings(Rate(rate=5), "")] == ["per"]
    assert not list(rate_warnings(Rate(rate=-1, per=-1), ""))
