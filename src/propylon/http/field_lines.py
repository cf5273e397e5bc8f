"""The field lines of one head, read by llhttp in its strict form, and their index by lower-case name.

llhttp is given whole heads only and asked for nothing but syntax: which bytes end a head, how long its body is and
whether the connection survives is decided by us. It must never see a `lenient_*` flag.
"""

from collections.abc import Callable
from typing import Final

import httptools

from propylon.http.messages import Field

NAMES_MAX: Final = 4096  # spellings remembered; with names of usual length about 0.5 MiB
NAME_REMEMBERED_MAX_BYTES: Final = 64
NONE_REPEATED: Final[frozenset[bytes]] = frozenset()

_Parser = httptools.HttpRequestParser | httptools.HttpResponseParser


class LowerNames(dict[bytes, bytes]):
    """Spelling -> lower case. Looking up costs 0.05 µs, `lower()` with its call 0.08 µs."""

    def __missing__(self, name: bytes) -> bytes:
        lower = name.lower()
        if len(self) < NAMES_MAX and len(name) <= NAME_REMEMBERED_MAX_BYTES:
            self[name] = lower
        return lower


class FieldLines:
    """One per reader; reads one head after the other."""

    __slots__ = ("_make_parser", "_parser", "fields")

    fields: list[Field]  # of the last head; after an objection what llhttp had read by then

    def __init__(self, make_parser: "Callable[[FieldLines], _Parser]") -> None:
        self._make_parser = make_parser
        self._parser = make_parser(self)

    def read(self, head: bytes) -> list[Field]:
        """The fields in order; raises HttpParserError when llhttp objects to any byte of the head."""
        self.fields = []
        try:
            self._parser.feed_data(head)
        except httptools.HttpParserUpgrade:
            self.forget()  # llhttp would take what follows for another protocol: that is not its decision
        except httptools.HttpParserError:
            self.forget()
            raise
        if len(self.fields) != head.count(b"\n") - 2:  # every line is one field: nothing was joined, folded or skipped
            self.forget()
            raise httptools.HttpParserError("lines and fields differ in number")
        return self.fields

    def forget(self) -> None:
        """A head that announced a body leaves llhttp waiting for it; a new parser costs 0.3 µs."""
        self._parser = self._make_parser(self)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value.rstrip()))  # llhttp takes off the leading blanks only


def index_fields(fields: list[Field], names: LowerNames) -> tuple[dict[bytes, bytes], frozenset[bytes]]:
    """First value by lower-case name, and the names that came more than once."""
    values = {names[name]: value for name, value in fields}
    if len(values) == len(fields):
        return values, NONE_REPEATED
    values = {}
    repeated = set()
    for name, value in fields:
        lower = names[name]
        if lower in values:
            repeated.add(lower)
        else:
            values[lower] = value
    return values, frozenset(repeated)


def all_values(name: bytes, fields: list[Field]) -> list[bytes]:
    """Every value of a field, by lower-case name, in order."""
    return [value for field, value in fields if field.lower() == name]
