"""Targets: absolute, unambiguous, safe to put on a request line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.errors import Problem
from propylon.model.target_url import NOWHERE, Target, parse_target


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://u", Target("http", "u", 80, "", "")),
        ("https://u/base/", Target("https", "u", 443, "/base/", "")),
        ("ws://u:8080", Target("http", "u", 8080, "", "")),
        ("WSS://U.Example/a?b=c", Target("https", "u.example", 443, "/a", "b=c")),
        ("http://127.0.0.1:3000/", Target("http", "127.0.0.1", 3000, "/", "")),
        ("http://[::1]:81", Target("http", "::1", 81, "", "")),
        ("http://my_service:80/%7B", Target("http", "my_service", 80, "/%7B", "")),
        ("tyk://self/x", NOWHERE),
        ("H2C://u", NOWHERE),
    ],
)
def test_a_target_is_taken_apart(url: str, target: Target) -> None:
    assert parse_target(url) == target


@pytest.mark.parametrize(
    "url",
    ["", "u", "/base", "//u", "http:///a", "http://", "ftp://u", "file:///etc/passwd", "http:u"]
    + ["http://a:b@u", "http://@u", "http://u:0", "http://u:65536", "http://u:x", "http://u:-1"]
    + [
        "http://127.1",
        "http://0x7f.1",
        "http://1.2.3.4.5",
        "http://[::1",
        "http://[fe80::1%25eth0]",
        "http://-a",
        "http://a..b",
    ]
    + ["http://é", "http://a b", " http://u", "http://u\r\nHost: x", "http://u\t/", "http://u/#a"]
    + [
        "http://u/a b",
        "http://u/a\x00",
        'http://u/"',
        "http://u/%zz",
        "http://u/../a",
        "http://u/%2E%2e/a",
        "http://u/?a=<",
    ]
    + ["http://u/$secret_env.X", "http://u/?k=$tyk_meta.x"],
)
def test_a_target_in_doubt_is_a_problem_with_a_remedy(url: str) -> None:
    problem = parse_target(url)
    assert isinstance(problem, Problem)
    assert (problem.path, problem.code) == ("proxy.target_url", "invalid_target_url")
    assert "write it like" in problem.message


@given(st.text(st.characters()), st.sampled_from(["", "http://", "https://h", "http://h/", "http://["]))
def test_no_text_raises_and_no_target_carries_a_blank_or_control(text: str, prefix: str) -> None:
    parsed = parse_target(prefix + text)
    if isinstance(parsed, Target):
        assert all("!" <= character <= "~" for part in (parsed.host, parsed.path, parsed.query) for character in part)
        assert 0 < parsed.port < 65536
