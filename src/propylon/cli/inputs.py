"""What commands are given: documents and secrets in files, moments and durations in words. Unfit ones end a command."""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import typer

from propylon.cli.ending import WRONG_USE, stop
from propylon.clock import SystemClock
from propylon.control.strict_json import MalformedJson, read_object

STDIN: Final = "-"
UNITS_S: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd]?)")


def read_bytes(file: str) -> bytes:
    """`-` is stdin."""
    try:
        return sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    except OSError as trouble:
        stop(WRONG_USE, f"{file} cannot be read: {trouble.strerror}")


def read_document(file: str) -> dict[str, Any]:
    """A JSON object, read as strictly as the gateway does."""
    try:
        return read_object(read_bytes(file))
    except MalformedJson as trouble:
        stop(WRONG_USE, f"{file} {trouble}")


def read_secret(file: str) -> str:
    """Without the line end that editors and `echo` add."""
    try:
        text = read_bytes(file).decode().strip()
    except UnicodeDecodeError:
        stop(WRONG_USE, f"{file} is not UTF-8 text")
    return text or stop(WRONG_USE, f"{file} is empty")


def argument_or_stdin(text: str) -> str:
    """`-` reads it from stdin, where the list of processes does not show it."""
    return read_secret(STDIN) if text == STDIN else text


def duration_s(text: str) -> int:
    """`90`, `90s`, `15m`, `24h`, `7d`."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no duration; write 90s, 15m, 24h or 7d")
    return int(found[1]) * UNITS_S[found[2]]


def moment(text: str) -> int:
    """Unix seconds, `+24h` from now, or a date of ISO 8601 (UTC unless it says otherwise)."""
    if text.startswith("+"):
        return int(SystemClock.wall()) + duration_s(text[1:])
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no moment; write +24h, 2027-01-31T12:00Z or Unix seconds") from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def in_words(unix: object) -> str:
    """A moment for people; "" for never."""
    if not isinstance(unix, int | float) or unix <= 0:
        return ""
    try:
        return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return str(unix)
