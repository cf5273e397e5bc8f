"""JSON as it comes in, from a body or a file: read strictly, so that nothing is understood in two ways.

Knows no HTTP and no definition. RFC 8259 leaves duplicate names, NaN and half characters to the reader; here they are
refused, because another reader of the same text may take it otherwise.
"""

import json
from math import isfinite
from typing import Any, Final

DEPTH_MAX: Final = 64


class MalformedJson(ValueError):
    """Its text says what is wrong and where."""


def read_json(raw: bytes) -> Any:
    """Raises MalformedJson."""
    try:
        text = raw.decode("utf-8-sig")
        document = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_bounded
        )
        if "\\u" in text:
            json.dumps(document, ensure_ascii=False).encode()  # half of a surrogate pair cannot be written again
    except UnicodeDecodeError as error:
        raise MalformedJson(f"is not UTF-8 at byte {error.start}") from None
    except UnicodeEncodeError:
        raise MalformedJson("holds half of a surrogate pair; write whole characters") from None
    except json.JSONDecodeError as error:
        raise MalformedJson(f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise MalformedJson(f"nests deeper than {DEPTH_MAX} levels") from None
    if _depth(document) > DEPTH_MAX:
        raise MalformedJson(f"nests deeper than {DEPTH_MAX} levels")
    return document


def read_object(raw: bytes) -> dict[str, Any]:
    """Raises MalformedJson, also for any other kind of value."""
    document = read_json(raw)
    if not isinstance(document, dict):
        raise MalformedJson("must be a JSON object")
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for index, name in enumerate(names) if name in names[:index])
        raise MalformedJson(f"names {twice!r} twice in one object")
    return found


def _refuse_constant(name: str) -> None:
    raise MalformedJson(f"holds {name}, which is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise MalformedJson("holds a number too large to be kept")
    return number


def _bounded(text: str) -> int:
    """Python would take up to 4,300 digits, in quadratic time."""
    if len(text) > 20:
        raise MalformedJson("holds a whole number of more than 64 bits")
    return int(text)


def _depth(document: Any) -> int:
    depth, level = 0, [document]
    while level := [value for value in level if isinstance(value, dict | list)]:
        depth += 1
        level = [inner for value in level for inner in (value.values() if isinstance(value, dict) else value)]
    return depth
