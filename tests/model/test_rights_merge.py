"""How lists of several policies unite on one API; with numbers and partitions it is `test_policy_merge.py`."""

from typing import Any

import pytest

from propylon.model.access_definition import AccessDefinition, AllowedUrl, Endpoint, EndpointMethod, Rate
from propylon.model.rights_merge import is_faster, merged_allowed_urls, merged_endpoints, united


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([], [("/a", ["GET"])], [("/a", ["GET"])]),
        ([("/a", ["GET"])], [], [("/a", ["GET"])]),
        ([("/a", ["GET"])], [("/a", ["POST"])], [("/a", ["GET", "POST"])]),
        ([("/a", ["GET"])], [("/b", ["GET"])], [("/a", ["GET"]), ("/b", ["GET"])]),
        ([("/a", ["GET"]), ("/a", ["POST"])], [], [("/a", ["GET", "POST"])]),
    ],
)
def test_methods_are_united_per_identical_url(first: Any, second: Any, expected: Any) -> None:
    merged_urls = merged_allowed_urls([AllowedUrl(*each) for each in first], [AllowedUrl(*each) for each in second])
    assert [(allowed.url, list(allowed.methods)) for allowed in merged_urls] == expected


def test_lists_keep_their_order_and_hold_each_item_once() -> None:
    first, second = AccessDefinition(versions=("b", "a")), AccessDefinition(versions=("c", "a", "c"))
    assert united(first, second).versions == ("b", "a", "c")
    assert united(None, second) is second


@pytest.mark.parametrize(
    ("offered", "held", "expected"),
    [
        (Rate(2, 1), Rate(1, 1), True),
        (Rate(1, 1), Rate(2, 2), False),
        (Rate(0, 1), Rate(1, 1), False),
        (Rate(1, 9), Rate(), True),
        (Rate(-1, -1), Rate(1, 1), True),
    ],
)
def test_the_more_frequent_rate_is_the_faster_one(offered: Rate, held: Rate, expected: bool) -> None:
    assert is_faster(offered, held) is expected


def test_an_endpoint_keeps_the_faster_rate_of_each_method() -> None:
    slow, fast = Rate(1, 1), Rate(2, 1)
    first = [Endpoint("/a", (EndpointMethod("GET", slow), EndpointMethod("POST", fast)))]
    second = [Endpoint("/a", (EndpointMethod("get", fast), EndpointMethod("post", slow)))]
    (merged,) = merged_endpoints(first, second)
    assert {method.name: method.limit for method in merged.methods} == {"GET": fast, "POST": fast}
