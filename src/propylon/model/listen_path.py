"""Listen paths: the normal form of the path an API is served at, and the pattern of one with parameters.

The form is that of a request's path after normalisation: ASCII, escapes in capital hex and only where needed, no empty
or dot segments. Which API a request belongs to is the route table's business.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes

import re2

from propylon.errors import Problem

FIELD: Final = "proxy.listen_path"
RESERVED: Final = {
    "tyk": "paths under /tyk/ belong to the Gateway API",
    "hello": "/hello answers the liveness of the gateway",
    "ready": "/ready answers the readiness of the gateway",
}

_PARAMETER: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)(?::(.+))?", re.DOTALL)
_REFUSED: Final = re.compile(r"[\s?#\\\x00-\x1f\x7f]|%(?![0-9A-Fa-f]{2})|%(?:2[fF]|5[cC]|00)|(?:^|/)\.\.?;")
_SAFE: Final = "/!$&'()*+,;=:@~%"  # pchar of RFC 3986 §3.3; "%" because escapes are kept


class ListenPath(NamedTuple):
    path: str  # "/" or without a trailing slash: whole segments are matched, so "/a" and "/a/" are one path
    pattern: str  # RE2 for a path with parameters, else ""


class _Malformed(Exception):
    """Its text is the remedy."""


def parse_listen_path(text: str) -> ListenPath | Problem:
    try:
        return _parse(text)
    except _Malformed as trouble:
        return Problem(FIELD, "invalid_listen_path", str(trouble))


def _parse(text: str) -> ListenPath:
    if not text:
        raise _Malformed("is empty; write the path the API is served at, such as /payments/")
    segments = _clean(list(_segments(text)))
    if segments and segments[0] in RESERVED:
        raise _Malformed(f"{RESERVED[segments[0]]}; choose another path")
    path = "/" + "/".join(segments)
    return ListenPath(path, _pattern(segments) if "{" in path else "")


def _segments(text: str) -> Iterator[str]:
    """Cut at the slashes outside braces; literal parts in normal form."""
    segment = ""
    for literal, parameter in _pieces(text):
        parts = _normal(literal).split("/")
        for part in parts[:-1]:
            yield segment + part
            segment = ""
        segment += parts[-1] + (f"{{{parameter}}}" if parameter is not None else "")
    yield segment


def _pieces(text: str) -> Iterator[tuple[str, str | None]]:
    """Literals and the parameters that follow them; braces may nest, as in `{id:[0-9]{3}}`."""
    depth = start = 0
    literal = ""
    for index, character in enumerate(text):
        if character == "{":
            if depth == 0:
                literal, start = text[start:index], index + 1
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                yield literal, text[start:index]
                start = index + 1
        if depth < 0:
            break
    if depth != 0:
        raise _Malformed("has a brace without its partner; write parameters as {name} or {name:pattern}")
    yield text[start:], None


def _normal(literal: str) -> str:
    if (refused := _REFUSED.search(literal)) is not None:
        raise _Malformed(f"must not contain {refused.group()!r}; write only the path, without blanks, ? and #")
    try:
        kept = re.sub(r"%[0-9A-Fa-f]{2}", _normal_escape, literal)
        return quote(kept, safe=_SAFE)
    except UnicodeEncodeError:
        raise _Malformed("holds half a character (a lone surrogate); write whole ones") from None


def _normal_escape(escape: re.Match[str]) -> str:
    """RFC 3986 §6.2.2: capital hex, and no escape where none is needed."""
    return quote(unquote_to_bytes(escape.group()), safe="~")


def _clean(segments: list[str]) -> list[str]:
    cleaned: list[str] = []
    for segment in segments:
        if segment == "..":
            del cleaned[-1:]
        elif segment not in ("", "."):
            cleaned.append(segment)
    return cleaned


def _pattern(segments: list[str]) -> str:
    names: set[str] = set()
    pattern = ""
    for literal, parameter in _pieces("/" + "/".join(segments)):
        pattern += re2.escape(literal)
        if parameter is not None:
            name, expression = _parameter(parameter)
            if name in names:
                raise _Malformed(f"names the parameter {name!r} twice; give each a name of its own")
            names.add(name)
            pattern += expression
    _check_pattern(pattern, "the whole path")
    return pattern


def _parameter(text: str) -> tuple[str, str]:
    parameter = _PARAMETER.fullmatch(text)
    if parameter is None:
        raise _Malformed(f"{{{text}}} is no parameter; write {{name}} or {{name:pattern}}")
    name, expression = parameter.groups()
    if expression is None:
        return name, "[^/]+"
    _check_pattern(expression, f"the parameter {name!r}")  # alone, so that it cannot close our bracket
    return name, f"(?:{expression})"


def _check_pattern(pattern: str, owner: str) -> None:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError):
        raise _Malformed(f"{owner} is no regular expression of RE2; correct it") from None
