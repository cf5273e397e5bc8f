"""A request target in its one normal form: the form judged is the form sent (design §5.2).

Two spellings of one path must not be two paths, here or at an upstream that decodes further. What cannot be brought
to one form safely is refused, not repaired.
"""

import re
from typing import Final

from propylon.errors import MalformedRequest

_PLAIN: Final = re.compile(rb"(/[A-Za-z0-9\-._~!$&'()*+,;=:@/]*)(?:\?([!\"$-~]*))?")
_ABSOLUTE: Final = re.compile(rb"[Hh][Tt][Tt][Pp][Ss]?://([^/?]+)(.*)")
_PATH: Final = re.compile(rb"/[!-~]*")
_QUERY: Final = re.compile(rb"[!-~]*")
_REFUSED: Final = re.compile(rb"[\\#]|%(?![0-9A-Fa-f]{2})|%(?:2[Ff]|5[Cc]|00)")
_ESCAPE: Final = re.compile(rb"%[0-9A-Fa-f]{2}")
_UNRESERVED: Final = re.compile(rb"[A-Za-z0-9\-._~]")
_NOT_A_PATH_CHARACTER: Final = re.compile(rb"[\"<>\[\]^`{|}]")  # RFC 3986 wants these escaped; clients often do not
_DOTS_WITH_PARAMETER: Final = re.compile(rb"\.\.?;")  # some servers drop ";…" first and then see a dot segment


def parse_target(raw: bytes) -> tuple[str, str | None, str]:
    """Path in normal form, query (None without one), authority of an absolute-form target or ""."""
    match = _PLAIN.fullmatch(raw)
    if match is not None:
        path, query = match.groups()
        if b"//" not in path and b"/." not in path:
            return path.decode("ascii"), None if query is None else query.decode("ascii"), ""
    return _normalised(raw)


def _normalised(raw: bytes) -> tuple[str, str | None, str]:
    authority = b""
    absolute = _ABSOLUTE.fullmatch(raw)
    if absolute is not None:
        authority, raw = absolute.groups()
    path, mark, query = raw.partition(b"?")
    if b"#" in query or _QUERY.fullmatch(query) is None:
        raise MalformedRequest("query with raw bytes or #")
    normal = _normal_path(path or b"/" if absolute is not None else path)
    return normal.decode("ascii"), query.decode("ascii") if mark else None, authority.decode("latin-1")


def _normal_path(path: bytes) -> bytes:
    if _PATH.fullmatch(path) is None:
        raise MalformedRequest("target is not a path of visible ASCII")
    if _REFUSED.search(path) is not None:
        raise MalformedRequest("path with a broken escape, a backslash, # or an escaped / \\ NUL")
    path = _ESCAPE.sub(_normal_escape, path)
    path = _NOT_A_PATH_CHARACTER.sub(lambda match: b"%%%02X" % ord(match[0]), path)
    return _without_dot_segments(path)


def _normal_escape(match: re.Match[bytes]) -> bytes:
    """RFC 3986 §6.2.2: unreserved characters stand for themselves, all other escapes are written in capitals."""
    character = bytes.fromhex(match[0][1:].decode("ascii"))
    return character if _UNRESERVED.fullmatch(character) else match[0].upper()


def _without_dot_segments(path: bytes) -> bytes:
    kept: list[bytes] = []
    segments = [segment for segment in path.split(b"/") if segment]
    for segment in segments:
        if segment == b"..":
            if not kept:
                raise MalformedRequest("path leads above its root")
            kept.pop()
        elif _DOTS_WITH_PARAMETER.match(segment) is not None:
            raise MalformedRequest("dot segment with a parameter")
        elif segment != b".":
            kept.append(segment)
    ends_open = path.endswith(b"/") or segments[-1] in (b".", b"..")
    return b"/" + b"/".join(kept) + (b"/" if kept and ends_open else b"")
