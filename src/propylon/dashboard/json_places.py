"""Where in a JSON text a field stands, so that a problem is shown at its line. Pure; the text has been read before.

Problems name fields by dotted paths, with list entries as `[0]` or `.0`; a place is told as a JSON pointer (RFC 6901).
"""

import re
from json import JSONDecoder
from typing import Final, NamedTuple

_INDEX: Final = re.compile(r"\[(\d+)\]")
_SCALAR: Final = re.compile(r'[^\s,\]}"]+')
_DECODER: Final = JSONDecoder()
_BLANK: Final = re.compile(r"[ \t\r\n\ufeff]*")


class Place(NamedTuple):
    pointer: str  # "" is the whole document
    line: int  # from 1


class Places:
    """Of every member and entry of one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at: dict[str, tuple[str, int]] = {}
        self._value(self._blank(0), "", "")

    def of(self, path: str) -> Place:
        """Of a problem's field; of one that is not there, of the nearest object around it."""
        dotted = _INDEX.sub(r".\1", path)
        while dotted not in self._at and "." in dotted:
            dotted = dotted.rpartition(".")[0]
        pointer, offset = self._at.get(dotted, ("", 0))
        return Place(pointer, self._text.count("\n", 0, offset) + 1)

    def _value(self, at: int, dotted: str, pointer: str) -> int:
        """Notes all that lies in the value at `at`; answers the offset behind it."""
        first = self._text[at]
        if first in "{[":
            return self._members(at + 1, dotted, pointer, is_object=first == "{")
        if first == '"':
            return self._string(at)[1]
        scalar = _SCALAR.match(self._text, at)
        assert scalar is not None, "the text was read as JSON before"
        return scalar.end()

    def _members(self, at: int, dotted: str, pointer: str, *, is_object: bool) -> int:
        at, index = self._blank(at), 0
        while self._text[at] not in "}]":
            start, name = at, str(index)
            if is_object:
                name, at = self._string(at)
                at = self._blank(self._blank(at) + 1)
            here = f"{dotted}.{name}" if dotted else name
            inner = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            self._at.setdefault(here, (inner, start))
            at = self._blank(self._value(at, here, inner))
            at, index = self._blank(at + 1) if self._text[at] == "," else at, index + 1
        return at + 1

    def _string(self, at: int) -> tuple[str, int]:
        """What it says, and the offset behind it."""
        text, end = _DECODER.raw_decode(self._text, at)
        return str(text), end

    def _blank(self, at: int) -> int:
        blank = _BLANK.match(self._text, at)
        assert blank is not None, "it may be empty"
        return blank.end()
