"""Rows of an answer as CSV (RFC 4180) or as JSON, piece by piece: exactly what the answer shows.

A cell that a spreadsheet would take for a formula (it begins with = + - @, a tab or a carriage return) is written
behind an apostrophe, as whoever names a key could otherwise run one on the machine of whoever opens the file.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")

Row = Mapping[str, Any]


def as_csv(rows: Sequence[Row]) -> Iterator[bytes]:
    """A line of names first; members of an object are named by both, `id.key`."""
    flat = [dict(_flat(row, "")) for row in rows]
    names = list(dict.fromkeys(name for one in flat for name in one))
    yield _line(names)
    for one in flat:
        yield _line([_cell(one.get(name)) for name in names])


def as_json(rows: Sequence[Row]) -> Iterator[bytes]:
    """One array."""
    yield b"["
    for place, row in enumerate(rows):
        yield (b",\n" if place else b"\n") + json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()
    yield b"\n]\n"


def _flat(row: Row, above: str) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


def _line(cells: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().encode()
