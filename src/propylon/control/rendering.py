"""Answers as bytes: compact JSON that is safe within HTML, as Tyk writes it (gateway-api.md §1.3).

What is asked over HTTP and told over HTTP comes through here, whichever API it is of.
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from fastapi.telemetry import TelemetryConfig
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse

from propylon.control.call import Answer
from propylon.control.envelope import Refused

NO_TELEMETRY: Final[TelemetryConfig] = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
BODY_MAX_BYTES: Final = 4 * 1024**2
_ESCAPES: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})  # as Go writes them: safe in HTML
_NO_HEADERS: Final[Mapping[str, str]] = {}
# What is shown once is in some of these answers, and what one caller may see in all of them.
_PRIVATE: Final[Mapping[str, str]] = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def rendered(answer: Answer) -> Response:
    headers = {**_PRIVATE, **answer.headers}
    if isinstance(answer.document, bytes):
        return Response(answer.document, answer.status, headers)
    if isinstance(answer.document, AsyncIterator):
        return StreamingResponse(answer.document, answer.status, headers)
    text = json.dumps(answer.document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)
    return Response(text.encode() + b"\n", answer.status, headers, media_type="application/json")


def error(status: int, message: str, headers: Mapping[str, str] = _NO_HEADERS, **members: Any) -> Response:
    """In the form of the Gateway API."""
    return rendered(Answer(status, {"status": "error", "message": message, **members}, headers))


async def body_of(request: Request) -> bytes:
    """Raises Refused for one that is too large or ends early."""
    pieces, size = [], 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > BODY_MAX_BYTES:
                text = f"Request Entity Too Large: a body may have {BODY_MAX_BYTES} bytes"
                raise Refused(413, text, {"Connection": "close"})
            pieces.append(piece)
    except ClientDisconnect:
        raise Refused(400, "The body ended before it was complete") from None
    return b"".join(pieces)
