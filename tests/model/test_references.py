"""References are replaced at load, or say why not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.errors import Problem
from propylon.model.references import DEPTH_MAX, is_reference, references_in, resolve

ENVIRONMENT = {"URL": "http://u", "TYK_SECRET_KEY": "prefixed", "KEY": "plain", "PROPYLON_ROOT_SECRET": "ours"}
FILES = {"/run/secret": "from a file"}


def read(path: str) -> str:
    if path not in FILES:
        raise FileNotFoundError(path)
    return FILES[path]


def resolved(document: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    return resolve(document, ENVIRONMENT, read, {"k": "from the settings"})


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("env://URL", "http://u"),
        ("env://key", "prefixed"),
        ("$secret_env.KEY", "prefixed"),
        ("$secret_env.URL", "http://u"),
        ("file:///run/secret", "from a file"),
        ("secrets://k", "from the settings"),
        ("$secret_conf.k", "from the settings"),
        ("see env://URL", "see env://URL"),
        ("http://u/$secret_env.URL", "http://u/$secret_env.URL"),
    ],
)
def test_a_reference_is_a_whole_string_wherever_it_stands(reference: str, value: str) -> None:
    document = {"a": reference, "b": [{"c": reference}], "d": 1}
    assert resolved(document) == ({"a": value, "b": [{"c": value}], "d": 1}, [])


@pytest.mark.parametrize(
    "reference",
    ["env://NONE", "file:///none", "secrets://none", "$secret_conf.none", "vault://a", "consul://a", "kv://a", "$kv{a}"]
    + ["env://PROPYLON_ROOT_SECRET", "$secret_env.propylon_root_secret", "$secret_vault.a"],
)
def test_a_reference_that_leads_nowhere_is_a_problem_and_no_value(reference: str) -> None:
    document, problems = resolved({"a": {"b": [reference]}})
    assert document == {"a": {"b": [""]}}
    assert [(problem.path, problem.code) for problem in problems] == [("a.b.0", "reference_unresolved")]
    assert "ours" not in problems[0].message


@pytest.mark.parametrize(
    "error", [OSError("denied"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, ""), ValueError("null")]
)
def test_a_file_that_cannot_be_read_is_a_problem(error: Exception) -> None:
    def fail(path: str) -> str:
        raise error

    _, problems = resolve({"a": "file:///x"}, {}, fail, {})
    assert [problem.path for problem in problems] == ["a"]


def test_the_document_that_was_given_keeps_its_references() -> None:
    document = {"a": {"b": "env://URL"}}
    resolved(document)
    assert document == {"a": {"b": "env://URL"}}
    assert is_reference("env://URL")


def test_a_document_nested_beyond_reason_is_a_problem() -> None:
    nested: Any = "env://URL"
    for _ in range(DEPTH_MAX * 10):
        nested = [nested]
    _, problems = resolved({"a": nested})
    assert [problem.path for problem in problems] == ["a"]


@given(st.dictionaries(st.text(), st.text(st.sampled_from("env:/$secrt_.kv{fil")) | st.lists(st.text())))
def test_what_holds_no_reference_comes_back_equal(document: dict[str, Any]) -> None:
    texts = [text for value in document.values() for text in (value if isinstance(value, list) else [value])]
    if not any(map(is_reference, texts)):
        assert resolved(document) == (document, [])


def test_references_are_found_at_any_depth_by_the_path_of_their_place() -> None:
    document = {"a": "env://X", "b": [{"c": "file://y"}, "plain"], "d": {"e": "$secret_env.Z"}, "f": 3}
    assert references_in(document) == {"a": "env://X", "b.0.c": "file://y", "d.e": "$secret_env.Z"}
