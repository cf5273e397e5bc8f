"""The values of an explanation, and how people read what is in them. Never key material."""

from datetime import UTC, datetime
from typing import Any, Final, Literal, NamedTuple

from propylon.exchange import Exchange
from propylon.model.api_definition import ApiDefinition
from propylon.model.charge import Charge, Verdict
from propylon.model.provenance import number
from propylon.steps.keyring import Keyring

SHOWN_MAX: Final = 200  # characters of a text that somebody else chose


class Line(NamedTuple):
    """One thing that was judged, and what came of it."""

    step: str
    input: str
    rule: str  # of the reference, "" where none speaks of it
    result: Literal["passed", "refused", "failed"]
    because: str


class Stage(NamedTuple):
    """What a step looked at, and what is said if it was in order."""

    step: str  # as `refusals.py` names it
    input: str
    rule: str
    because: str


class Seen(NamedTuple):
    """What stages are told from: the exchange after the step, and what the step could see."""

    exchange: Exchange
    definition: ApiDefinition
    keyring: Keyring
    foretold: list[tuple[Charge, Verdict]]  # what the counters answered
    wall: float  # as keys and tokens are compared with


def moment(seconds: float) -> str:
    """A Unix time for people."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):  # before year 1 or after 9999
        return f"{seconds:g}"


def shown(text: Any) -> str:
    """What somebody else wrote, on one line and not too long."""
    line = "".join(character if character.isprintable() else "?" for character in str(text))
    return line if len(line) <= SHOWN_MAX else f"{line[:SHOWN_MAX]}…"


def plural(count: float, noun: str) -> str:
    return f"{number(count)} {noun}" if count == 1 else f"{number(count)} {noun}s"
