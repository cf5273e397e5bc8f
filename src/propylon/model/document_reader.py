"""Typed reads of a definition's JSON: what has the wrong type becomes a Problem, and a default stands in its place.

Knows no field by name. Objects in the wrong place are reported by `field_classes`, so here they read as absent.
"""

from collections.abc import Mapping
from typing import Any, Final

from propylon.errors import Problem

WRONG_TYPE: Final = "wrong_type"
NUMBER_MAX: Final = 2**53  # beyond it a float is no longer exact

_ENVELOPE: Final = frozenset({"api_definition", "is_site", "sort_by", "user_group_owners", "user_owners", "created_at"})


def unwrap(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The definition inside a dashboard's envelope `{"api_definition": {…}}`, or the document itself."""
    inner = document.get("api_definition")
    return inner if isinstance(inner, Mapping) else document


def beside_envelope(document: Mapping[str, Any]) -> list[Problem]:
    """Warnings of what an envelope carries beside the definition."""
    if unwrap(document) is document:
        return []
    text = "stands beside api_definition and is not read; move it inside or remove it"
    return [Problem(name, "unknown_field", text) for name, value in document.items() if value and name not in _ENVELOPE]


class DocumentReader:
    """One document and the problems found in reading it. Null reads as absent, as in Go."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self.problems: list[Problem] = []

    def value(self, path: str) -> Any:
        node: Any = self._document
        for name in path.split("."):
            node = node.get(name) if isinstance(node, Mapping) else None
        return node

    def report(self, path: str, code: str, message: str) -> None:
        self.problems.append(Problem(path, code, message))

    def flag(self, path: str, *, default: bool = False) -> bool:
        value = self.value(path)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.report(path, WRONG_TYPE, "must be true or false, without quotes")
        return default

    def text(self, path: str, default: str = "") -> str:
        value = self.value(path)
        if value is None:
            return default
        if is_text(value):
            return str(value)
        self.report(path, WRONG_TYPE, "must be a string of whole Unicode characters")
        return default

    def number(self, path: str) -> float:
        value = self.value(path)
        if value is None:
            return 0
        if is_number(value):
            return float(value)
        self.report(path, WRONG_TYPE, "must be a number below 2^53, without quotes")
        return 0

    def seconds(self, path: str) -> int:
        """Whole and not negative."""
        value = self.value(path)
        if value is None:
            return 0
        if isinstance(value, int) and is_number(value) and value >= 0:
            return value
        self.report(path, WRONG_TYPE, "must be a whole number of seconds, 0 or more")
        return 0

    def texts(self, path: str) -> tuple[str, ...]:
        value = self.value(path)
        if value is None:
            return ()
        if isinstance(value, list) and all(map(is_text, value)):
            return tuple(value)
        self.report(path, WRONG_TYPE, 'must be a list of strings, such as ["a", "b"]')
        return ()

    def text_map(self, path: str) -> dict[str, str]:
        value = self.value(path)
        if value is None:
            return {}
        if isinstance(value, Mapping) and all(map(is_text, value.values())):
            return dict(value)
        self.report(path, WRONG_TYPE, 'must be an object of strings, such as {"a": "b"}')
        return {}


def is_text(value: object) -> bool:
    """A string that can be written as UTF-8: JSON can carry half a character (a lone surrogate), bytes cannot."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_number(value: object) -> bool:
    """JSON's true is no number, and Python's reader lets NaN, Infinity and integers of any size in."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < NUMBER_MAX
