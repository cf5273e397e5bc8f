"""The forms of the Gateway API's answers and the reading of its bodies (gateway-api.md §1.3), for every resource.

Knows no resource and no store. What ends a request early is raised as `Refused` and becomes its answer in `app.py`.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from propylon.control.strict_json import MalformedJson, read_object
from propylon.errors import Problem

BODY_MAX_BYTES: Final = 4 * 1024**2
_ESCAPES: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})  # as Go writes them: safe in HTML
_NO_HEADERS: Final[Mapping[str, str]] = {}


class Refused(Exception):
    """A request that is answered with an error. `members` stand beside status and message."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] = _NO_HEADERS, **members: Any) -> None:
        super().__init__(message)
        self.members = members
        self.answer = error(status, message, headers, **members)


def answer(document: object, status: int = 200, headers: Mapping[str, str] = _NO_HEADERS) -> Response:
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)
    return Response(text.encode() + b"\n", status, dict(headers), media_type="application/json")


def error(status: int, message: str, headers: Mapping[str, str] = _NO_HEADERS, **members: Any) -> Response:
    return answer({"status": "error", "message": message, **members}, status, headers)


def done(
    key: str, action: str, *, headers: Mapping[str, str] = _NO_HEADERS, warnings: Iterable[Problem] = (), **members: Any
) -> Response:
    """The answer of a write that did what it was asked (E-11); `warnings` always, members where they are not empty."""
    named = {name: value for name, value in members.items() if value not in ("", None)}
    document = {"key": key, "status": "ok", "action": action, **named, "warnings": listed(warnings)}
    return answer(document, headers=headers)


def listed(problems: Iterable[Problem]) -> list[dict[str, str]]:
    return [problem._asdict() for problem in problems]


async def read_body(
    request: Request, malformed: str = "Request malformed", *, may_be_empty: bool = False
) -> dict[str, Any]:
    """The JSON object that was sent; `malformed` is the text of the resource for one that is none."""
    raw = await _raw_body(request)
    if may_be_empty and not raw:
        return {}
    try:
        return read_object(raw)
    except MalformedJson as trouble:
        problem = Problem("", "json_malformed", f"the body {trouble}")
        raise Refused(400, malformed, problems=listed([problem])) from None


async def _raw_body(request: Request) -> bytes:
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


def flag(request: Request, name: str) -> bool:
    """A query parameter that is set and does not say no: Tyk takes even `hashed=false` for yes (F-42)."""
    return request.query_params.get(name, "").lower() not in ("", "0", "false")


def whole_number(request: Request, name: str) -> int:
    """A query parameter, 0 when it is not there."""
    text = request.query_params.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refused(400, f"{name} must be a whole number, 0 or more")
    return int(text)


def cleared(request: Request) -> frozenset[str]:
    """`?clear=`: the secrets a write removes; several by comma or by repeating it."""
    return frozenset(name for text in request.query_params.getlist("clear") for name in text.split(",") if name)


def etag(tag: str) -> dict[str, str]:
    return {"ETag": f'"{tag}"'}


def demand_match(request: Request, tag: str) -> None:
    """RFC 9110 §13.1.1. `tag` is that of what stands now; to be asked within the transaction of the write."""
    wanted = request.headers.get("If-Match")
    if wanted is None or wanted.strip() == "*":
        return
    if f'"{tag}"' not in [one.strip() for one in wanted.split(",")]:
        text = "Precondition Failed: it is no longer what If-Match names; read it again"
        raise Refused(412, text, etag(tag), code="etag_mismatch")
