"""Typed reads: the right type, or a Problem with its path."""

from math import inf, nan
from typing import Any

import pytest

from propylon.model.document_reader import DocumentReader, is_text, unwrap


@pytest.mark.parametrize(
    ("read", "right", "wrong"),
    [
        ("flag", True, ["true", 1, 0, [], {}]),
        ("text", "x", [1, True, ["x"], {}, "\ud800"]),
        ("number", 1.5, ["1", True, nan, inf, -inf, 10**400, 2**53]),
        ("seconds", 30, ["30", -1, 1.5, True, 10**400]),
        ("texts", ("a", "b"), ["a", [1], {"a": "b"}, [["a"]], ["\ud800"]]),
        ("text_map", {"a": "b"}, ["a", ["a"], {"a": 1}, {"a": None}]),
    ],
)
def test_a_value_of_the_wrong_type_is_a_problem_and_reads_as_absent(read: str, right: Any, wrong: list[Any]) -> None:
    good = DocumentReader({"a": {"b": list(right) if isinstance(right, tuple) else right}})
    assert (getattr(good, read)("a.b"), good.problems) == (right, [])
    absent = getattr(DocumentReader({"a": {"b": None}}), read)("a.b")
    for value in wrong:
        reader = DocumentReader({"a": {"b": value}})
        assert getattr(reader, read)("a.b") == absent
        assert [(problem.path, problem.code) for problem in reader.problems] == [("a.b", "wrong_type")]


def test_a_path_through_something_that_is_no_object_reads_as_absent() -> None:
    reader = DocumentReader({"a": [1]})
    assert (reader.text("a.b.c", "default"), reader.problems) == ("default", [])


def test_the_dashboards_envelope_is_taken_off() -> None:
    assert unwrap({"api_definition": {"api_id": "x"}, "hook_references": []}) == {"api_id": "x"}
    assert unwrap({"api_id": "x"}) == {"api_id": "x"}
    assert unwrap({"api_definition": None}) == {"api_definition": None}


def test_half_a_character_is_no_text() -> None:
    assert is_text("é😀")
    assert not is_text("\udc00")
