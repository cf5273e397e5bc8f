"""What a worker keeps of the exchanges that are recorded whole: within a budget of bytes each second, and not beyond.

So the line of a second stays bounded, whatever is sent and however much of it. What does not fit is counted, and its
entry says so.
"""

import json
from typing import Any, Final

from propylon.exchange import Exchange
from propylon.usage.recorded import Document, Recorded, Recorder, as_document

BYTES_PER_S: Final = 131_072  # of a worker, as JSON
NOT_KEPT: Final = "not_kept"  # the only member of a recording that says why there is none
OVER_BUDGET: Final = f"more was recorded in that second than the {BYTES_PER_S:,} bytes that a worker keeps"
WAITING: Final = "usage was waiting for its store, and recordings would have taken the room of counts"


class Recordings:
    """Of the entries of the running line, by their place in it."""

    def __init__(self, recorder: Recorder | None) -> None:
        self._recorder = recorder
        self._left = BYTES_PER_S
        self._kept: dict[int, Document] = {}
        self.not_kept = 0  # so far

    def note(self, place: int, exchange: Exchange, *, is_waiting: bool) -> None:
        """`is_waiting`: lines of before are still here."""
        recorded = None if self._recorder is None else self._recorder(exchange)
        if recorded is not None:
            self._kept[place] = self._within(recorded, is_waiting=is_waiting)

    def take(self) -> dict[int, Document]:
        kept, self._kept = self._kept, {}
        return kept

    def next_second(self) -> None:
        self._left = BYTES_PER_S

    def _within(self, recorded: Recorded | str, *, is_waiting: bool) -> Document:
        if isinstance(recorded, str):
            return self._refused(recorded)
        if is_waiting:
            return self._refused(WAITING)
        document = as_document(recorded)
        size = _size(document)
        if size > self._left:
            return self._refused(OVER_BUDGET)
        self._left -= size
        return document

    def _refused(self, why: str) -> Document:
        self.not_kept += 1
        return {NOT_KEPT: why}


def _size(document: dict[str, Any]) -> int:
    """As the line has it."""
    return len(json.dumps(document, separators=(",", ":")))
