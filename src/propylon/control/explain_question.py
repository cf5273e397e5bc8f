"""What explain is asked: a request as a client would send it, written as JSON. Read with every fault at once.

Judges the form of the question only; whether the request is one at all, the data path's own reader says.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from propylon.errors import Problem
from propylon.http.client_address import address_of

MEMBERS: Final = frozenset(
    {"api_id", "url", "method", "path", "host", "ip", "content_length", "headers", "token", "key", "at"}
)
TEXTS: Final = ("api_id", "url", "method", "path", "host", "ip", "token", "key")
NUMBER_MAX: Final = 2**53
FORBIDDEN: Final = frozenset({"content-length", "transfer-encoding", "host"})  # have members of their own, or no sense


class Question(NamedTuple):
    """`target` "" is the listen path of `api_id`."""

    api_id: str
    method: str
    target: str
    host: str
    ip: str
    content_length: int
    headers: tuple[tuple[str, str], ...]
    credential: str  # put where the API looks for it
    at: float | None


def read_question(document: Mapping[str, Any]) -> Question | list[Problem]:
    problems = [*_problems(document), *_header_problems(document.get("headers", {}))]
    if problems:
        return problems
    host, target = _place(document)
    return Question(
        document.get("api_id", ""),
        document.get("method", "GET"),
        target,
        host or "localhost",
        document.get("ip", "127.0.0.1"),
        document.get("content_length", 0),
        tuple(_headers(document.get("headers", {}))),
        document.get("token", "") or document.get("key", ""),
        document.get("at"),
    )


def _problems(document: Mapping[str, Any]) -> list[Problem]:
    unknown = sorted(set(document) - MEMBERS)
    found = [
        Problem(name, "unknown_field", f"is not known; write some of {', '.join(sorted(MEMBERS))}") for name in unknown
    ]
    found += [
        Problem(name, "wrong_type", "must be a text on one line")
        for name in TEXTS
        if name in document and not _is_line(document[name])
    ]
    for name, kind in (("content_length", "a whole number of bytes"), ("at", "a Unix time in seconds")):
        value = document.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < NUMBER_MAX:
            found.append(Problem(name, "wrong_type", f"must be {kind}"))
    if found:
        return found
    return [*found, *_choices(document)]


def _choices(document: Mapping[str, Any]) -> list[Problem]:
    found = []
    if not (document.get("api_id") or document.get("url") or document.get("path")):
        found.append(Problem("", "nothing_asked", "names no request; write api_id, or url, or path"))
    if document.get("url") and (document.get("path") or document.get("host")):
        found.append(Problem("url", "said_twice", "holds host and path already; leave those out, or url"))
    if document.get("token") and document.get("key"):
        found.append(Problem("token", "said_twice", "and key are the same member under two names; write one of them"))
    if address_of(document.get("ip", "127.0.0.1")) is None:
        found.append(Problem("ip", "invalid_address", "is no IP address"))
    return found


def _header_problems(headers: object) -> list[Problem]:
    if not isinstance(headers, dict):
        return [Problem("headers", "wrong_type", "must be an object of names to texts or lists of texts")]
    found = []
    for name, value in headers.items():
        values = value if isinstance(value, list) else [value]
        if name.lower() in FORBIDDEN:
            found.append(
                Problem(f"headers.{name}", "has_own_member", "is not written here; use host or content_length")
            )
        elif not _is_line(name) or not name or not all(_is_line(one) for one in values):
            found.append(Problem(f"headers.{name[:64]}", "wrong_type", "must be a text on one line, or a list of them"))
    return found


def _headers(headers: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, one) for name, value in headers.items() for one in (value if isinstance(value, list) else [value])]


def _place(document: Mapping[str, Any]) -> tuple[str, str]:
    """Host and target of the request line; of a whole URL the parts that a client sends (RFC 9112 §3.2.1)."""
    url = document.get("url", "")
    if not url or url.startswith("/"):
        return document.get("host", ""), url or document.get("path", "")
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2], (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _is_line(value: object) -> bool:
    """What can stand in a head without beginning another line of it."""
    return isinstance(value, str) and all(" " <= character <= "\xff" and character != "\x7f" for character in value)
