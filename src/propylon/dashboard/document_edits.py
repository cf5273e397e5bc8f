"""Fields of a JSON document read and set by dotted path, for forms that change a few and leave the rest. Pure."""

from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]


def at(document: Mapping[str, Any], path: str) -> Any:
    """None when it is not there, or lies in what is no object."""
    node: Any = document
    for name in path.split("."):
        node = node.get(name) if isinstance(node, Mapping) else None
    return node


def put(document: Mapping[str, Any], path: str, value: Any) -> Document:
    """A copy with the field set; objects on the way are made. What lies beside it is shared."""
    name, _, rest = path.partition(".")
    if not rest:
        return {**document, name: value}
    inner = document.get(name)
    return {**document, name: put(inner if isinstance(inner, Mapping) else {}, rest, value)}


def without(document: Mapping[str, Any], path: str) -> Document:
    """A copy without the field."""
    name, _, rest = path.partition(".")
    inner = document.get(name)
    if not rest:
        return {key: value for key, value in document.items() if key != name}
    return {**document, name: without(inner, rest)} if isinstance(inner, Mapping) else dict(document)


def lines(text: str) -> list[str]:
    """What stands on the lines of a text area, without empty ones."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def number_text(value: Any) -> str:
    """A number as it is typed, "" for none and for 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value:
        return ""
    return str(int(value)) if value == int(value) else str(value)


def number_of(text: str) -> int | float | None:
    """What was typed, 0 for nothing; None when it is no number."""
    try:
        number = float(text or 0)
    except ValueError:
        return None
    if not abs(number) < 2**53:
        return None
    return int(number) if number == int(number) else number
