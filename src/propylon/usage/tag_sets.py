"""Tags as usage tells exchanges apart by: the set of them that an exchange had, of its caller and its API.

A set counts as one value, so that an exchange with two tags is counted once. Whoever writes tags could make any number
of sets, so a worker keeps few a minute apart; the rest counts as *other*, and it is said how often.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

TAG_SETS_MAX: Final = 200  # a minute and worker
TAGS_MAX_BYTES: Final = 1_024  # of one set as it is stored: PostgreSQL indexes it with seven further texts
OTHER: Final = "other"
SEPARATOR: Final = "\n"


class Tagged(NamedTuple):
    """The cells of a line that have one set of tags."""

    tags: list[str]
    cells: list[int]  # their places in the line


class TagSets:
    """One per worker."""

    def __init__(self) -> None:
        self.others = 0  # cells that were counted as other
        self._minute = 0
        self._known: set[tuple[str, ...]] = set()

    def bounded(self, minute: int, tags: Iterable[str]) -> tuple[str, ...]:
        """The set as it is counted: each tag once, in order."""
        given = tuple(sorted({tag for tag in tags if tag}))
        if not given:
            return ()
        if minute != self._minute:
            self._minute = minute
            self._known.clear()
        if given not in self._known:
            if len(self._known) >= TAG_SETS_MAX or _is_too_long(given):
                self.others += 1
                return (OTHER,)
            self._known.add(given)
        return given


def stored(tags: Iterable[str]) -> str:
    """As one text, in which each tag stands between two separators, so that one is found by what it is whole."""
    joined = SEPARATOR.join(tags)
    return joined and f"{SEPARATOR}{joined}{SEPARATOR}"


def read_stored(text: str) -> list[str]:
    return text.strip(SEPARATOR).split(SEPARATOR) if text else []


def _is_too_long(tags: tuple[str, ...]) -> bool:
    size = sum(len(tag.encode(errors="replace")) + 1 for tag in tags)
    return size >= TAGS_MAX_BYTES or any(SEPARATOR in tag for tag in tags)
