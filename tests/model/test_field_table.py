"""The table names every field of the classic format, and its page says the same."""

from pathlib import Path

import pytest

from propylon.model.field_classes import class_of, field_table_markdown
from propylon.model.field_row import FieldClass
from propylon.model.field_table import FIELDS

NAMES = (Path(__file__).parent / "classic_fields.txt").read_text().split()
PAGE = Path(__file__).parents[2] / "docs" / "definition-fields.md"


@pytest.mark.parametrize("name", NAMES)
def test_every_classic_field_has_a_class(name: str) -> None:
    assert class_of(name) is not FieldClass.UNKNOWN


def test_a_field_outside_the_table_is_unknown() -> None:
    assert class_of("alowed_ips") is FieldClass.UNKNOWN
    assert class_of("proxy.listen_paths") is FieldClass.UNKNOWN


def test_what_is_not_honoured_says_what_it_is() -> None:
    assert all(field.what for field in FIELDS if field.field_class is not FieldClass.HONOURED)


def test_the_page_is_made_from_the_table() -> None:
    assert PAGE.read_text() == field_table_markdown(), "write field_table_markdown() to docs/definition-fields.md"
