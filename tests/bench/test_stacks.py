"""What py-spy sampled, read into shares by room and by function."""

import pytest

from bench.stacks import Share, function, profile_table, read_profile, room

COLLAPSED = """\
run (uvloop/__init__.py:92);handle (propylon/gateway/handle.py:40);admit (propylon/stores/lmdb.py:90) 30
run (uvloop/__init__.py:92);handle (propylon/gateway/handle.py:55);dumps (json/__init__.py:231) 10
run (uvloop/__init__.py:92) 60
"""


@pytest.mark.parametrize(
    ("frame", "named"),
    [
        ("handle (propylon/gateway/handle.py:40)", "propylon.gateway"),
        ("read (propylon/stores/records/lookups.py:7)", "propylon.stores"),
        ("spawn (propylon/tasks.py:12)", "propylon.tasks"),
        ("dumps (json/__init__.py:231)", "json"),
        ("digest (hmac.py:9)", "hmac"),
        ("something unusual", "something unusual"),
    ],
)
def test_frame_belongs_to_a_room_or_to_the_package_of_others(frame: str, named: str) -> None:
    assert room(frame) == named


def test_lines_of_one_function_are_added_up() -> None:
    assert function("run.<locals>.wrapper (uvloop/__init__.py:48)") == "run.<locals>.wrapper (uvloop/__init__.py)"


def test_time_of_others_counts_through_the_room_that_called_them() -> None:
    rooms = read_profile(COLLAPSED).rooms
    assert rooms["propylon.gateway"] == Share(own=0, through=40)
    assert rooms["json"] == Share(own=10, through=10)


def test_recursion_counts_a_sample_once() -> None:
    recursive = "walk (propylon/http/a.py:1);walk (propylon/http/a.py:2) 5\n"
    assert read_profile(recursive).functions == {"walk (propylon/http/a.py)": Share(5, 5)}


def test_what_keeps_most_time_for_itself_comes_first() -> None:
    assert list(read_profile(COLLAPSED).rooms) == ["uvloop", "propylon.stores", "json", "propylon.gateway"]


def test_table_gives_shares_of_all_samples() -> None:
    assert "| propylon.stores | 30.0 % | 30.0 % |" in profile_table(read_profile(COLLAPSED))


def test_profile_without_samples_has_no_shares() -> None:
    assert profile_table(read_profile("")).startswith("0 samples.")
