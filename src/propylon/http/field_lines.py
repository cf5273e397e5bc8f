"""The field lines of one head, read by llhttp in its strict form, and their index by lower-case name.

llhttp is given whole heads only and asked for nothing but syntax: which bytes end a head, how long its body is and
whether the connection survives is decided by us. It must never see a `lenient_*` flag.
"""

from typing import Final

import httptools

from propylon.http.messages import Field

NAMES_MAX: Final = 4096  # spellings remembered; with names of usual length about 0.5 MiB
NAME_REMEMBERED_MAX_BYTES: Final = 64
NONE_REPEATED: Final[frozenset[bytes]] = frozenset()

_ParserKind = type[httptools.HttpRequestParser] | type[httptools.HttpResponseParser]


class LowerNames(dict[bytes, bytes]):
    """Spelling -> lower case. Looking up costs 0.05 µs, `lower()` with its call 0.08 µs."""

    def __missing__(self, name: bytes) -> bytes:
        lower = name.lower()
        if len(self) < NAMES_MAX and len(name) <= NAME_REMEMBERED_MAX_BYTES:
            self[name] = lower
        return lower


class _Collected:
    """What llhttp calls back. It does not know its parser: a cycle would be left to the collector on every message."""

    __slots__ = ("fields",)

    def __init__(self) -> None:
        self.fields: list[Field] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value.rstrip()))  # llhttp takes off the leading blanks only


def read_fields(raw: bytes, field_lines: int, parser_kind: _ParserKind) -> tuple[list[Field], str]:
    """The fields of a whole head in order and llhttp's objection to it, "" if it has none.

    With an objection the fields are those it had read. A new parser for each head costs 0.4 µs and leaves nothing of
    one message that could touch the next.
    """
    collected = _Collected()
    objection = ""
    try:
        parser_kind(collected).feed_data(raw)
    except httptools.HttpParserUpgrade:
        pass  # llhttp would take what follows for another protocol: that is not its decision
    except httptools.HttpParserError as error:
        objection = str(error)
    fields = collected.fields
    if len(fields) != field_lines and not objection:
        objection = "a line is not one field"  # none was joined, folded or skipped
    return fields, objection


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
