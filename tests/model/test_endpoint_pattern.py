"""Path patterns of access rights, strict at both ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.model.endpoint_pattern import (
    EndpointLimit,
    allowed_pattern,
    allows,
    endpoint_limit,
    endpoint_pattern,
    pattern_fault,
    prepared,
)


def admits(url: str, path: str, full_path: str = "/elsewhere") -> bool:
    return allows([allowed_pattern(url, ["GET"])], "GET", path, full_path)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("/users", "^(?:/users)$"),
        ("/users/{id}", "^(?:/users/([^/]+))$"),
        ("/users/{id:[0-9]+}", "^(?:/users/([0-9]+))$"),
        ("/users/{id:[0-9]{3}}/x", "^(?:/users/([0-9]{3})/x)$"),
        ("/users/[0-9]{3}", "^(?:/users/[0-9]{3})$"),
        ("/users/[0-9]{3,}", "^(?:/users/[0-9]{3,})$"),
        (r"/\p{Greek}", r"^(?:/\p{Greek})$"),
        (r"/\{id\}", r"^(?:/\{id\})$"),
        ("/users/{id", "^(?:/users/{id)$"),
        ("/a/*/b", "^(?:/a/[^/]+/b)$"),
        ("/a/*/*/b", "^(?:/a/[^/]+/[^/]+/b)$"),
        ("/a/*", "^(?:/a/.*)$"),
        ("users", "(?:users)$"),
    ],
)
def test_a_pattern_is_prepared_for_the_whole_path(pattern: str, expected: str) -> None:
    assert prepared(pattern) == expected


@pytest.mark.parametrize(
    ("url", "path", "expected"),
    [
        ("/users", "/users", True),
        ("/users", "/users-export", False),
        ("/users", "/x/users", False),
        ("/users", "/users/", False),
        ("/users/{id}", "/users/7", True),
        ("/users/{id}", "/users/7/orders", False),
        ("/users/[0-9]{3}", "/users/123", True),
        ("/users/[0-9]{3}", "/users/1234", False),
        ("/a/*/b", "/a/1/b", True),
        ("/a/*/b", "/a/1/2/b", False),
        ("/a/*", "/a/1/2", True),
        ("/a/*", "/a", False),
        ("/a|/b", "/b", True),
        ("/a|/b", "/a-z", False),
        ("/a|/b", "/x/b", False),
        ("users", "/x/users", True),
        ("users", "/users-export", False),
        ("^/users", "/users-export", False),
        (".*", "/anything", True),
        ("/a", "/a\n", False),
    ],
)
def test_a_path_is_admitted_only_whole(url: str, path: str, expected: bool) -> None:
    assert admits(url, path) is expected


def test_the_full_path_is_tried_after_the_stripped_one() -> None:
    assert admits("/app/users", "/users", "/app/users")


def test_no_patterns_admit_everything() -> None:
    assert allows([], "DELETE", "/x", "/app/x")


@pytest.mark.parametrize(("method", "expected"), [("GET", True), ("get", False), ("POST", False)])
def test_the_method_is_compared_exactly(method: str, expected: bool) -> None:
    assert allows([allowed_pattern("/x", ["GET"])], method, "/x", "/app/x") is expected


def test_one_of_several_patterns_is_enough() -> None:
    patterns = [allowed_pattern("/a", ["GET"]), allowed_pattern("/b", ["POST"])]
    assert allows(patterns, "POST", "/b", "/app/b")
    assert not allows(patterns, "POST", "/a", "/app/a")


@pytest.mark.parametrize(
    ("pattern", "part"),
    [
        ("/(", "missing )"),
        ("/a)|(?:/b", "unexpected )"),
        ("/a\\Q", ""),
        ("", "is empty"),
        ("/a b", "%20"),
        ("/café", "%C3%A9"),
        ("/(?=a)", "RE2"),
        ("/" + "a" * 3000, "longer than"),
        ("/(a{1,1000}){1,1000}", "RE2"),
    ],
)
def test_a_pattern_that_cannot_be_used_says_why(pattern: str, part: str) -> None:
    assert part in pattern_fault(pattern)
    assert pattern_fault(pattern)


@given(st.text("/ab{}()[]*.|\\^$é 1:,?", max_size=40))
def test_any_text_is_a_usable_pattern_or_a_fault(text: str) -> None:
    if not pattern_fault(text):
        admits(text, "/some/path")


@given(st.text("abc/.-_", min_size=1, max_size=12), st.text("abc/.-_", max_size=12))
def test_a_literal_pattern_admits_nothing_longer_than_itself(literal: str, rest: str) -> None:
    path = "/" + literal.replace(".", "")
    assert admits(path, path + rest) is (rest == "")


ENDPOINTS = [
    endpoint_pattern("/orders", [("GET", 5, 60), ("get", 9, 9)]),
    endpoint_pattern("/orders", [("POST", 1, 60)]),
    endpoint_pattern("/{any}", [("GET", 2, 60)]),
]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/orders", EndpointLimit("GET:/orders", 5, 60)),
        ("get", "/orders", EndpointLimit("GET:/orders", 5, 60)),
        ("POST", "/orders", EndpointLimit("POST:/orders", 1, 60)),
        ("GET", "/other", EndpointLimit("GET:/{any}", 2, 60)),
        ("DELETE", "/orders", None),
        ("GET", "/orders/1", None),
    ],
)
def test_the_first_endpoint_with_the_method_and_path_limits(
    method: str, path: str, expected: EndpointLimit | None
) -> None:
    assert endpoint_limit(ENDPOINTS, method, path) == expected
