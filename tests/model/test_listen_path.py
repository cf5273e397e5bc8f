"""Listen paths in their one normal form."""

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from propylon.errors import Problem
from propylon.http.target import parse_target
from propylon.model.listen_path import ListenPath, parse_listen_path


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("/x", "/x"),
        ("/x/", "/x"),
        ("x/y", "/x/y"),
        ("/", "/"),
        ("//a/./b/../c//", "/a/c"),
        ("/../..", "/"),
        ("/café", "/caf%C3%A9"),
        ("/caf%c3%a9", "/caf%C3%A9"),
        ("/%7Euser", "/~user"),
        ("/tykes", "/tykes"),
        ("/a/tyk", "/a/tyk"),
    ],
)
def test_a_listen_path_has_one_normal_form(written: str, path: str) -> None:
    assert parse_listen_path(written) == ListenPath(path, "")


@pytest.mark.parametrize(
    "written",
    ["", "/a b", "/a\n", "/a?b", "/a#b", "/a%2fb", "/a%2Fb", "/a%5cb", "/a%00", "/a%zz", "/a\\b", "/a\ud800", "/..;/a"]
    + ["/tyk", "/tyk/x", "/hello", "/ready/", "//tyk", "/a/../tyk", "/%74yk"]
    + ["/{", "/}", "/{a}}", "/{}", "/{:x}", "/{a:}", "/{a}/{a}", "/{a:(}", "/{a:x)(y}", "/{a:(?=x)}"],
)
def test_a_listen_path_that_cannot_be_served_is_a_problem_with_a_remedy(written: str) -> None:
    problem = parse_listen_path(written)
    assert isinstance(problem, Problem)
    assert (problem.path, problem.code) == ("proxy.listen_path", "invalid_listen_path")
    assert problem.message


@pytest.mark.parametrize(
    ("written", "served", "other"),
    [
        ("/{id}/x", "/7/x", "/7/8/x"),
        ("/{id:[0-9]+}/x/", "/7/x", "/a/x"),
        ("/v{n:[0-9]{2}}/x", "/v12/x", "/v1/x"),
        ("/a.b/{id}", "/a.b/7", "/aXb/7"),
        ("/{a:x|yz}", "/yz", "/z"),
        ("/{rest:a/b}", "/a/b", "/a"),
    ],
)
def test_a_path_with_parameters_becomes_a_pattern(written: str, served: str, other: str) -> None:
    parsed = parse_listen_path(written)
    assert isinstance(parsed, ListenPath)
    assert re2.fullmatch(parsed.pattern, served)
    assert not re2.fullmatch(parsed.pattern, other)


@given(st.text(st.sampled_from("/.;%2f7Ea~!'|*[]^é")))
def test_the_form_is_the_one_that_a_request_for_it_is_brought_to(written: str) -> None:
    parsed = parse_listen_path(written)
    if isinstance(parsed, ListenPath):
        assert parse_target(parsed.path.encode()) == (parsed.path, None, "")


@given(st.text(st.sampled_from("/.{}:%2f7aé ~\\?[]+")) | st.text(st.characters()))
def test_normalising_twice_changes_nothing(written: str) -> None:
    parsed = parse_listen_path(written)
    if isinstance(parsed, ListenPath):
        assert parse_listen_path(parsed.path) == parsed
