"""Which API a path belongs to; the table must agree with the plainest possible matcher."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.snapshot.origin import origin
from propylon.snapshot.route import Route
from propylon.snapshot.table import Match, RouteTable

ORIGIN = origin("u", 80, tls=False)
SEGMENTS = st.sampled_from(["a", "b", "ab", "a.b", "%C3%A9"])
LITERAL_PATHS = st.lists(SEGMENTS, max_size=4).map(lambda segments: "/" + "/".join(segments))
PATHS = st.tuples(st.lists(SEGMENTS, max_size=6), st.sampled_from(["", "/"])).map(
    lambda pair: ("/" + "/".join(pair[0]) + pair[1]).replace("//", "/")
)


def route(listen_path: str, pattern: str = "") -> Route:
    made = Route(listen_path, listen_path, ORIGIN, ())
    made.listen_pattern = pattern
    return made


def naive(listen_paths: list[str], path: str) -> tuple[str, str] | None:
    """Whole segments, longest first."""
    segments = [segment for segment in path.split("/") if segment]
    for listen_path in sorted(listen_paths, key=len, reverse=True):
        wanted = [segment for segment in listen_path.split("/") if segment]
        if segments[: len(wanted)] == wanted:
            return listen_path, path[len(listen_path.rstrip("/")) :] or "/"
    return None


def plain(match: Match | None) -> tuple[str, str] | None:
    return None if match is None else (match[0].api_id, match[1])


@given(st.lists(LITERAL_PATHS, unique_by=lambda path: path.rstrip("/"), max_size=8), st.booleans(), PATHS)
def test_the_longest_listen_path_of_whole_segments_wins(listen_paths: list[str], slash: bool, path: str) -> None:
    written = [f"{one.rstrip('/')}/" if slash else one for one in listen_paths]
    assert plain(RouteTable([route(one) for one in written]).match(path)) == naive(written, path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/app", ("/app/", "/")),
        ("/app/", ("/app/", "/")),
        ("/app/x/", ("/app/", "/x/")),
        ("/apple", None),
        ("/APP", None),
        ("/app/v2", ("/app/v2", "/")),
        ("/app/v2x", ("/app/", "/v2x")),
        ("/u/7/orders", ("/u/{id}/orders", "/")),
        ("/u/7/orders/9", ("/u/{id}/orders", "/9")),
        ("/u/7/ordersx", None),
        ("/u//orders", None),
        ("/u/me/orders/1", ("/u/me/orders", "/1")),
        ("/aa/b/cc", ("/{x}/b/cc", "/")),
        ("/aaa/b/cc", ("/aaa/b", "/cc")),
    ],
)
def test_literal_and_templated_listen_paths_stand_side_by_side(path: str, expected: tuple[str, str] | None) -> None:
    table = RouteTable(
        [
            route("/app/"),
            route("/app/v2"),
            route("/u/{id}/orders", r"/u/[^/]+/orders"),
            route("/u/me/orders"),
            route("/aa/b"),
            route("/aaa/b"),
            route("/{x}/b/cc", r"/[^/]+/b/cc"),
        ]
    )
    assert plain(table.match(path)) == expected


def test_a_path_of_very_many_segments_costs_no_more_than_the_deepest_listen_path() -> None:
    table = RouteTable([route("/a/b")])
    assert plain(table.match("/a/b" + "/c" * 100_000)) == ("/a/b", "/c" * 100_000)
    assert table.match("/x" * 100_000) is None


def test_an_empty_table_matches_nothing() -> None:
    assert RouteTable(()).match("/") is None
