"""What commands print: tables for people, lines of problems. Whatever came from elsewhere is shown harmless.

A terminal acts on control characters, and aliases, claims and messages are written by others.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH: Final = 100_000  # into a pipe nothing is wrapped, so that grep and cut find whole rows
EMPTY: Final[tuple[object, ...]] = ("", None, False, 0, [], {})


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(Text(plain(cell)) for cell in row))
    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else PIPE_WIDTH)
    console.print(made)


def pairs(rows: Iterable[tuple[str, object]]) -> None:
    """Name and value, one a line, names aligned."""
    given = list(rows)
    width = max((len(name) for name, _ in given), default=0)
    for name, value in given:
        line(f"{plain(name):<{width}}  {plain(value)}".rstrip())


def line(text: str) -> None:
    print(plain(text))


def document(value: Mapping[str, Any]) -> None:
    """What is set, one dotted path a line; what is empty is left out."""
    pairs(_leaves(value, ""))


def notes(kind: str, listed: object) -> None:
    """Problems or warnings of an answer, to stderr: `--json` has them on stdout."""
    for one in listed if isinstance(listed, list) else []:
        print(plain(f"{kind}: {problem_text(one)}"), file=sys.stderr)


def problem_text(problem: Any) -> str:
    if not isinstance(problem, Mapping):
        return str(problem)
    return f"{problem.get('path', '')} {problem.get('message', '')} [{problem.get('code', '')}]".strip()


def plain(value: object) -> str:
    """On one line, with every character that is not printable written out."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(plain(one) for one in value)
    text = "" if value is None else str(value)
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _leaves(value: object, path: str) -> Iterable[tuple[str, object]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and any(isinstance(one, Mapping | list) for one in value):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    elif value not in EMPTY:
        yield path, value
