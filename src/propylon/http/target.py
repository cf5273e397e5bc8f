"""A request target in its one normal form: the form judged is the form sent (design §5.2).

Two spellings of one path must not be two paths, here or at an upstream that decodes further. What cannot be brought
to one form safely is refused, not repaired.
"""

import re
from typing import Final

from propylon.errors import MalformedRequest

_PLAIN: Final = re.compile(r"(/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*)(?:\?([!\"$-~]*))?")
_ABSOLUTE: Final = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?://([^/?]+)(.*)")
_PATH: Final = re.compile(r"/[!-~]*")
_QUERY: Final = re.compile(r"[!\"$-~]*")  # no fragment: it is never sent, so somebody else reads it
_REFUSED: Final = re.compile(r"[\\#]|%(?![0-9A-Fa-f]{2})|%(?:2[Ff]|5[Cc]|00)")
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_NOT_A_PATH_CHARACTER: Final = re.compile(r"[\"<>\[\]^`{|}]")  # RFC 3986 wants these escaped; clients often do not
_DOTS_WITH_PARAMETER: Final = re.compile(r"\.\.?;")  # some servers drop ";…" first and then see a dot segment


def parse_target(raw: bytes) -> tuple[str, str | None, str]:
    """Path in normal form, query (None without one), authority of an absolute-form target or ""."""
    text = raw.decode("latin-1")  # searching bytes costs twice what searching text does
    match = _PLAIN.fullmatch(text)
    if match is not None:
        path, query = match.groups()
        if "//" not in path and "/." not in path:
            return path, query, ""
    absolute = _ABSOLUTE.fullmatch(text)
    if absolute is None:
        return *_origin_form(text), ""
    authority, rest = absolute.groups()
    return *_origin_form(rest if rest.startswith("/") else "/" + rest), authority


def _origin_form(text: str) -> tuple[str, str | None]:
    path, mark, query = text.partition("?")
    if _PATH.fullmatch(path) is None or _QUERY.fullmatch(query) is None:
        raise MalformedRequest("target is not a path and query of visible ASCII")
    if _REFUSED.search(path) is not None:
        raise MalformedRequest("path with a broken escape, a backslash, # or an escaped / \\ NUL")
    path = _ESCAPE.sub(_normal_escape, path)
    path = _NOT_A_PATH_CHARACTER.sub(lambda match: f"%{ord(match[0]):02X}", path)
    return _without_dot_segments(path), query if mark else None


def _normal_escape(match: re.Match[str]) -> str:
    """RFC 3986 §6.2.2: unreserved characters stand for themselves, all other escapes are written in capitals."""
    character = chr(int(match[1], 16))
    return character if character in _UNRESERVED else match[0].upper()


def _without_dot_segments(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if not kept:
                raise MalformedRequest("path leads above its root")
            kept.pop()
        elif _DOTS_WITH_PARAMETER.match(segment) is not None:
            raise MalformedRequest("dot segment with a parameter")
        elif segment not in ("", "."):
            kept.append(segment)
    ends_open = segments[-1] in ("", ".", "..")
    return f"/{'/'.join(kept)}{'/' if kept and ends_open else ''}"
