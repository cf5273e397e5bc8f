"""Which part of a list is asked for: `p=1..n` of `page_size` each, `p<=0` for everything (dashboard-api.md §1).

Everything is bounded, so that one question cannot fill the memory: `pages` says if there is more than was sent.
"""

import re
from math import ceil
from typing import Final, NamedTuple, TypeVar

from propylon.control.call import Call
from propylon.control.desk import Desk
from propylon.control.envelope import Refused

EVERYTHING_MAX: Final = 10_000  # entries of one answer to p<=0
Entry = TypeVar("Entry")
_NUMBER: Final = re.compile(r"-?[0-9]{1,9}")


class Page(NamedTuple):
    first: int  # how many entries stand before it
    size: int

    def pages(self, count: int) -> int:
        """How many there are of this size; an empty list is one page."""
        return max(1, ceil(count / self.size))

    def of(self, entries: list[Entry]) -> list[Entry]:
        return entries[self.first : self.first + self.size]


def page_asked(desk: Desk, call: Call) -> Page:
    text = call.query.get("p", "") or "1"
    if not _NUMBER.fullmatch(text):
        raise Refused(
            400, "p must be a whole number: 1 is the first page, 0 or less is everything", code="page_invalid"
        )
    number = int(text)
    if number <= 0:
        return Page(0, EVERYTHING_MAX)
    return Page((number - 1) * desk.settings.page_size, desk.settings.page_size)
