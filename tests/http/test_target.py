"""One normal form of a path: judged, matched, sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.errors import MalformedRequest
from propylon.http.target import parse_target


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/", "/"),
        (b"/a/b", "/a/b"),
        (b"/a/b/", "/a/b/"),
        (b"//a///b//", "/a/b/"),
        (b"///", "/"),
        (b"/a/./b", "/a/b"),
        (b"/a/.", "/a/"),
        (b"/.", "/"),
        (b"/a/../b", "/b"),
        (b"/a/b/..", "/a/"),
        (b"/a/..", "/"),
        (b"/a/...", "/a/..."),
        (b"/.well-known/x", "/.well-known/x"),
        (b"/b/%2e%2E/%61", "/a"),
        (b"/%7e%41%2d", "/~A-"),
        (b"/caf%c3%a9", "/caf%C3%A9"),
        (b"/a%3ab:c", "/a%3Ab:c"),
        (b"/a%252f", "/a%252f"),
        (b"/admin;x=1/b;", "/admin;x=1/b;"),
        (b"/ADMIN", "/ADMIN"),
        (b'/a|b^{c}`[d]"<>', "/a%7Cb%5E%7Bc%7D%60%5Bd%5D%22%3C%3E"),
    ],
)
def test_a_path_has_one_normal_form(raw: bytes, path: str) -> None:
    assert parse_target(raw) == (path, None, "")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"*",
        b"a/b",
        b"?a",
        b"host:443",
        b"ftp://h/a",
        b"http:///a",
        b"/..",
        b"/a/../..",
        b"/%2e%2e/a",
        b"/a%2fb",
        b"/open/..%2Fadmin",
        b"/a%5cb",
        b"/a\\b",
        b"/admin%00",
        b"/a#b",
        b"/a?b#c",
        b"/a%",
        b"/a%4",
        b"/a%zz",
        b"/a b",
        b"/a\x00",
        b"/a\x7f",
        b"/a\t",
        b"/\xc3\xa9",
        b"/a?\xe9",
        b"/a?b\n",
        b"/a\n",
        b"/a/..;/b",
        b"/a/.;x/b",
    ],
)
def test_a_target_that_could_be_read_in_two_ways_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_target(raw)


@pytest.mark.parametrize(
    ("raw", "query"),
    [(b"/a", None), (b"/a?", ""), (b"/a?b=%2F%zz//..|", "b=%2F%zz//..|"), (b"/a//?b?c", "b?c")],
)
def test_the_query_passes_as_it_is(raw: bytes, query: str | None) -> None:
    assert parse_target(raw)[:2] == ("/a" + "/" * raw.startswith(b"/a//"), query)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"http://h.example:81/a//b?c", ("/a/b", "c", "h.example:81")),
        (b"HTTPS://H", ("/", None, "H")),
        (b"http://h?x", ("/", "x", "h")),
        (b"http://u@h/", ("/", None, "u@h")),
    ],
)
def test_an_absolute_form_is_taken_apart(raw: bytes, expected: tuple[str, str | None, str]) -> None:
    assert parse_target(raw) == expected


_pieces = st.sampled_from(
    [b"/", b"//", b".", b"..", b";", b"a", b"B", b"%2e", b"%41", b"%3a", b"%25", b"%2F", b"|", b"?", b"#", b"%", b"2e"]
)


@given(st.lists(_pieces, max_size=12).map(b"".join))
def test_the_normal_form_is_its_own_normal_form(tail: bytes) -> None:
    try:
        path, query, _ = parse_target(b"/" + tail)
    except MalformedRequest:
        return
    assert parse_target(path.encode()) == (path, None, "")
    assert "//" not in path
    assert not {".", ".."} & set(path.split("/"))
    assert query is None or query.encode() == tail.partition(b"?")[2]


@given(st.binary(max_size=40))
def test_any_bytes_give_a_path_of_visible_ascii_or_are_refused(raw: bytes) -> None:
    try:
        path, query, authority = parse_target(raw)
    except MalformedRequest:
        return
    assert path.startswith("/")
    assert all("!" <= character <= "~" for character in path + (query or ""))
