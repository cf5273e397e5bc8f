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


def test_objects_in_a_list_are_read_with_their_place() -> None:
    reader = DocumentReader({"list": [{"a": {"b": 1}}, "x"]})
    inner = list(reader.objects("list"))
    assert [one.text("a.b") for one in inner] == ["", ""]
    assert [problem.path for problem in reader.problems] == ["list.1", "list.0.a.b"]


def test_a_misspelt_member_is_named_with_what_it_may_be() -> None:
    reader = DocumentReader({"o": {"n": {"polcy": 1, "type": "x"}}})
    for _, inner in reader.named_objects("o"):
        inner.only("policy", "type")
        assert inner.choice("type", "a", "x") == "x"
    (problem,) = reader.problems
    assert (problem.path, problem.code) == ("o.n.polcy", "unknown_field")
    assert "policy" in problem.message
