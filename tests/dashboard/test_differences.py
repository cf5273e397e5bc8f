"""Two documents compared for people."""

from propylon.dashboard.differences import SHOWN_MAX, Difference, differences


def test_only_what_differs_is_told_by_its_path() -> None:
    before = {"name": "a", "proxy": {"listen_path": "/a/", "target_url": "t"}, "tags": ["x"], "active": True}
    after = {"name": "a", "proxy": {"listen_path": "/b/", "target_url": "t"}, "tags": ["x", "y"], "active": False}
    assert differences(before, after) == [
        Difference("proxy.listen_path", "/a/", "/b/"),
        Difference("tags", '["x"]', '["x", "y"]'),
        Difference("active", "true", "false"),
    ]


def test_what_is_not_there_and_what_is_empty_are_alike() -> None:
    assert differences({"a": "", "b": [], "c": {"d": None}}, {"c": {}, "e": {}}) == []
    assert differences({}, {"rate": 5}) == [Difference("rate", "not there", "5")]
    assert differences({"rate": 5}, {}) == [Difference("rate", "5", "not there")]


def test_a_long_value_is_cut_and_many_differences_end() -> None:
    assert len(differences({}, {"a": "x" * 1000})[0].after) == 201
    assert len(differences({}, {str(number): 1 for number in range(1000)})) == SHOWN_MAX
