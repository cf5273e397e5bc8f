"""How long a key lives, as its forms offer it: never ending, a span from now, or a date."""

from datetime import UTC, datetime
from typing import Final

NEVER: Final = -1
KEEP, DATE = "keep", "date"
HOUR_S, DAY_S = 3600, 86_400
SPANS: Final = (
    (HOUR_S, "1 hour"),
    (6 * HOUR_S, "6 hours"),
    (12 * HOUR_S, "12 hours"),
    (DAY_S, "24 hours"),
    (7 * DAY_S, "1 week"),
    (14 * DAY_S, "2 weeks"),
    (30 * DAY_S, "1 month (30 days)"),
    (90 * DAY_S, "3 months (90 days)"),
    (182 * DAY_S, "6 months (182 days)"),
    (365 * DAY_S, "1 year (365 days)"),
)
LIVES: Final = (("never", "It does not expire"), *((str(span), f"After {text}") for span, text in SPANS))
ON_DATE: Final = (DATE, "On a date …")
PAST: Final = "It is in the past; write a later one."
UNREADABLE: Final = "Write the date and time as 2027-03-31T18:00, in UTC."


def end_of_life(life: str, date: str, now: float) -> int | str:
    """Unix seconds, NEVER, or what is wrong in words. `date` counts for DATE alone."""
    if life == "never":
        return NEVER
    if life == DATE:
        at = _moment(date)
        return PAST if isinstance(at, int) and at <= now else at
    if life in {str(span) for span, _ in SPANS}:
        return int(now) + int(life)
    return "Choose one of these."


def date_text(seconds: float) -> str:
    """As a form's date field has it; "" for never."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M}" if seconds > 1 else ""
    except (OverflowError, ValueError, OSError):  # after the year 9999
        return ""


def _moment(text: str) -> int | str:
    """A date without a zone is UTC, as everything in the dashboard is."""
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except (ValueError, OverflowError):
        return UNREADABLE
