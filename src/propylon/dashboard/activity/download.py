"""A list as a file: CSV for a spreadsheet, or JSON."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Final

from starlette.responses import Response, StreamingResponse

from propylon.control.envelope import Refused
from propylon.control.usage_api.export import as_csv, as_json

KINDS: Final[Mapping[str, str]] = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


def wanted(query: Mapping[str, str]) -> str:
    """A name of KINDS, "" for the page itself. Raises Refused."""
    kind = query.get("format", "")
    if kind and kind not in KINDS:
        raise Refused(400, f"format: choose one of {', '.join(KINDS)}")
    return kind


def download(kind: str, name: str, rows: Sequence[Mapping[str, Any]]) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return StreamingResponse(_pieces(kind, rows), headers=headers, media_type=KINDS[kind])


async def _pieces(kind: str, rows: Sequence[Mapping[str, Any]]) -> AsyncIterator[bytes]:
    """Not in a thread, as Starlette would do with what is no coroutine: a piece takes microseconds."""
    for piece in _encoded(kind, rows):
        yield piece


def _encoded(kind: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[bytes]:
    return as_csv(rows) if kind == "csv" else as_json(rows)
