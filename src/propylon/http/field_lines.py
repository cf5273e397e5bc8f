"""The field lines of a head: their grammar, and llhttp's word on those that decide about framing or hops.

Most heads say nothing about either and are known to be good by one expression. The others llhttp reads too, in its
strict form: it must never see a `lenient_*` flag. It is given whole heads only and asked for its objection; which
bytes end a head, how long its body is and whether the connection survives is decided by us.
"""

import re
from typing import Final

import httptools

_ParserKind = type[httptools.HttpRequestParser] | type[httptools.HttpResponseParser]

# RFC 9112 §5: a token, a colon without blank, a value of blanks, visible characters and obs-text; never folded.
# Names with `_` are left to the careful: some upstreams take it for `-`.
PLAIN_LINES: Final = re.compile(rb"(?:[!#$%&'*+\-.^`|~0-9A-Za-z]+:[\t -~\x80-\xff]*\r\n)*\r\n")
_LINES: Final = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t -~\x80-\xff]*\r\n)*\r\n")


def special_lines(names: bytes) -> "re.Pattern[bytes]":
    """Matches, in `FieldLines.lower`, each line of these names (an expression): group 1 its name, group 2 its value."""
    return re.compile(rb"\n(%b):[ \t]*([^\r]*)\r" % names)


class _Collected:
    """What llhttp calls back. It does not know its parser: a cycle would be left to the collector on every message."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self.count += 1


def llhttp_objection(raw: bytes, field_lines: int, parser_kind: _ParserKind) -> tuple[str, bool]:
    """What llhttp has against a whole head, "" for nothing; and whether it read every line as one field.

    A new parser for each head costs 0.4 µs and leaves nothing of one message that could touch the next.
    """
    collected = _Collected()
    objection = ""
    try:
        parser_kind(collected).feed_data(raw)
    except httptools.HttpParserUpgrade:
        pass  # llhttp would take what follows for another protocol: that is not its decision
    except httptools.HttpParserError as error:
        objection = str(error)
    read_all = collected.count == field_lines
    return objection or ("" if read_all else "a line is not one field"), read_all


def are_field_lines(raw: bytes, start: int) -> bool:
    """Whether everything from `start` is field lines and the empty line."""
    return _LINES.fullmatch(raw, start) is not None
