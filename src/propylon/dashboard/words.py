"""Numbers and times as people read them. Pure; every time is UTC and says so."""

from datetime import UTC, datetime
from typing import Final

THIN: Final = "\u202f"  # between thousands, so that a long number can be read and never breaks
NEVER: Final = "never"
_SPANS: Final = ((86_400.0, "day"), (3600.0, "hour"), (60.0, "minute"), (1.0, "second"))


def count(number: float | None) -> str:
    """With thin spaces between thousands; a dash for what is not known."""
    if number is None:
        return "–"
    text = f"{number:,.0f}" if number == int(number) else f"{number:,.1f}"
    return text.replace(",", THIN)


def percent(part: float, whole: float) -> str:
    """Of nothing, nothing; what is there is never shown as 0 %."""
    if not whole:
        return "0 %"
    share = 100 * part / whole
    return "< 0.1 %" if 0 < share < 0.1 else f"{share:.1f} %"


def latency(microseconds: float) -> str:
    if microseconds < 1000:
        return f"{microseconds:.0f} µs"
    milliseconds = microseconds / 1000
    return f"{milliseconds:.1f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.2f} s"


def moment(seconds: float) -> str:
    """A Unix time; 0 and below are never."""
    if seconds <= 0:
        return NEVER
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):  # after the year 9999
        return NEVER


def iso(seconds: float) -> str:
    """For the `datetime` of a `<time>`."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def ago(seconds: float, now: float) -> str:
    """How long before or after now a time is, in one unit."""
    if seconds <= 0:
        return NEVER
    distance = now - seconds
    span, unit = next(((span, unit) for span, unit in _SPANS if abs(distance) >= span), (1.0, "second"))
    number = int(abs(distance) // span)
    if number == 0:
        return "now"
    words = f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{words} ago" if distance > 0 else f"in {words}"


def span(seconds: float) -> str:
    """A length of time in the largest unit that it is a whole number of: "hour", "30 days"."""
    whole = ((size, unit) for size, unit in _SPANS if seconds >= size and seconds % size == 0)
    size, unit = next(whole, _SPANS[-1])
    number = int(seconds // size)
    return unit if number == 1 else f"{number} {unit}s"


def short_hash(key_hash: str) -> str:
    """As much of a hash as tells it from the others on a page."""
    return f"{key_hash[:12]}…" if len(key_hash) > 13 else key_hash


def clock_label(seconds: float, span_s: float) -> str:
    """Below a chart: the time of a short span, the day of a long one."""
    return f"{datetime.fromtimestamp(seconds, UTC):{'%H:%M' if span_s <= 2 * 86_400 else '%d %b'}}"
