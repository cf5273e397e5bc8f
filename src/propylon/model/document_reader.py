"""Typed reads of a definition's JSON: what has the wrong type becomes a Problem, and a default stands in its place.

Knows no field by name. Objects in the wrong place are reported by `field_classes`, so here they read as absent.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, TypeVar

from propylon.errors import Problem

WRONG_TYPE: Final = "wrong_type"
NUMBER_MAX: Final = 2**53  # beyond it a float is no longer exact

Choice = TypeVar("Choice", bound=str)

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
    """One document, or an object inside it, and the problems found in reading it. Null reads as absent, as in Go."""

    def __init__(self, document: Mapping[str, Any], at: str = "", problems: list[Problem] | None = None) -> None:
        self._document = document
        self._at = at  # where in the whole document this is
        self.problems: list[Problem] = [] if problems is None else problems

    def value(self, path: str) -> Any:
        node: Any = self._document
        for name in path.split("."):
            node = node.get(name) if isinstance(node, Mapping) else None
        return node

    def report(self, path: str, code: str, message: str) -> None:
        self.problems.append(Problem(self.place(path), code, message))

    def place(self, path: str) -> str:
        """A member's path in the whole document; "" is this document itself."""
        return ".".join(part for part in (self._at, path) if part)

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

    def choice(self, path: str, *words: Choice, default: Choice | None = None) -> Choice:
        """One of the words exactly; absent is the default, or a problem where there is none."""
        written = self.text(path)
        for word in words:
            if word == (written or default):
                return word
        self.report(path, "unknown_word", f"must be one of {', '.join(words)}, exactly so")
        return words[0]

    def list_of_any(self, path: str) -> tuple[Any, ...]:
        value = self.value(path)
        if value is None or isinstance(value, list):
            return tuple(value or ())
        self.report(path, WRONG_TYPE, 'must be a list, such as ["a", 1]')
        return ()

    def objects(self, path: str) -> Iterator["DocumentReader"]:
        """One reader for each entry of a list of objects."""
        for index, entry in enumerate(self.list_of_any(path)):
            yield self._inside(f"{path}.{index}", entry)

    def named_objects(self, path: str) -> Iterator[tuple[str, "DocumentReader"]]:
        """One reader for each member of an object of objects."""
        value = self.value(path)
        if value is not None and not isinstance(value, Mapping):
            self.report(path, WRONG_TYPE, "must be an object of objects")
        elif value:
            for name, entry in value.items():
                yield name, self._inside(f"{path}.{name}", entry)

    def members(self, path: str) -> Mapping[str, Any]:
        value = self.value(path)
        if value is None or isinstance(value, Mapping):
            return value or {}
        self.report(path, WRONG_TYPE, "must be an object")
        return {}

    def only(self, *names: str) -> None:
        """Reports other members: where one may be misspelt, leaving it out would serve wider than written."""
        for name in self._document:
            if name not in names:
                near = get_close_matches(name, names, n=1)
                hint = f"did you mean {near[0]}?" if near else f"it may be one of {', '.join(names)}"
                self.report(name, "unknown_field", f"is not a known field; {hint}")

    def _inside(self, at: str, entry: Any) -> "DocumentReader":
        if not isinstance(entry, Mapping):
            self.report(at, WRONG_TYPE, "must be an object")
            entry = {}
        return DocumentReader(entry, self.place(at), self.problems)


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
