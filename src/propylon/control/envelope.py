"""The forms of resources' answers and the reading of what they are asked (gateway-api.md §1.3).

Knows no resource and no store. What ends a call early is raised as `Refused`; whoever made the call tells it in the
form of its own errors.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from propylon.control.call import Answer, Call
from propylon.control.strict_json import MalformedJson, read_object
from propylon.errors import Problem

_NO_HEADERS: Final[Mapping[str, str]] = {}


class Refused(Exception):
    """A call that is answered with an error. `members` stand beside status and message."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] = _NO_HEADERS, **members: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers
        self.members = members


def answer(document: object, status: int = 200, headers: Mapping[str, str] = _NO_HEADERS) -> Answer:
    return Answer(status, document, headers)


def done(
    key: str, action: str, *, headers: Mapping[str, str] = _NO_HEADERS, warnings: Iterable[Problem] = (), **members: Any
) -> Answer:
    """The answer of a write that did what it was asked (E-11); `warnings` always, members where they are not empty."""
    named = {name: value for name, value in members.items() if value not in ("", None)}
    document = {"key": key, "status": "ok", "action": action, **named, "warnings": listed(warnings)}
    return answer(document, headers=headers)


def listed(problems: Iterable[Problem]) -> list[dict[str, str]]:
    return [problem._asdict() for problem in problems]


def read_body(call: Call, malformed: str = "Request malformed", *, may_be_empty: bool = False) -> dict[str, Any]:
    """The JSON object that was sent; `malformed` is the text of the resource for one that is none."""
    if may_be_empty and not call.body:
        return {}
    try:
        return read_object(call.body)
    except MalformedJson as trouble:
        problem = Problem("", "json_malformed", f"the body {trouble}")
        raise Refused(400, malformed, problems=listed([problem])) from None


def flag(call: Call, name: str) -> bool:
    """A query parameter that is set and does not say no: Tyk takes even `hashed=false` for yes (F-42)."""
    return call.query.get(name, "").lower() not in ("", "0", "false")


def whole_number(call: Call, name: str) -> int:
    """A query parameter, 0 when it is not there."""
    text = call.query.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refused(400, f"{name} must be a whole number, 0 or more")
    return int(text)


def cleared(call: Call) -> frozenset[str]:
    """`?clear=`: the secrets a write removes; several by comma or by repeating it."""
    return frozenset(name for text in call.query.getlist("clear") for name in text.split(",") if name)


def etag(tag: str) -> dict[str, str]:
    return {"ETag": f'"{tag}"'}


def demand_match(call: Call, tag: str) -> None:
    """RFC 9110 §13.1.1. `tag` is that of what stands now; to be asked within the transaction of the write."""
    demand_tag(call.headers.get("If-Match"), tag)


def demand_tag(wanted: str | None, tag: str) -> None:
    """`wanted`: the value of an If-Match, None without one. Raises Refused, 412."""
    if wanted is None or wanted.strip() == "*":
        return
    if f'"{tag}"' not in [one.strip() for one in wanted.split(",")]:
        text = "Precondition Failed: it is no longer what If-Match names; read it again"
        raise Refused(412, text, etag(tag), code="etag_mismatch")
