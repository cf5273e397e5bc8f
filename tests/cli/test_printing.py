"""What commands print is harmless to the terminal it is printed on, and whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from propylon.cli.printing import document, plain, table


@given(st.text())
def test_no_text_of_others_reaches_the_terminal_as_a_control_character(text: str) -> None:
    assert plain(text).isprintable()


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"])))
def test_a_readable_text_is_printed_as_it_is(text: str) -> None:
    assert plain(text) == text


def test_a_document_is_its_paths_without_what_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    document({"a": {"b": 1, "c": 0, "d": ["x", "y"]}, "e": [{"f": True}], "g": "", "h": None, "i": {}})
    assert [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()] == [
        ["a.b", "1"],
        ["a.d", "x, y"],
        ["e[0].f", "yes"],
    ]


def test_a_table_into_a_pipe_has_one_line_for_each_row(capsys: pytest.CaptureFixture[str]) -> None:
    table(("name", "value"), [("a" * 500, "[red]\n"), ("b", "c")])
    header, first, second = capsys.readouterr().out.splitlines()
    assert header.split() == ["name", "value"]
    assert first.split() == ["a" * 500, "[red]\\n"]
    assert second.split() == ["b", "c"]
