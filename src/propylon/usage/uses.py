"""Generations of keys as a worker sees them used: each once a minute, so that its last use is known to the minute.

Workers write no records; what they saw travels with their usage. One that is noted twice does no harm, one that is
missed could be retired while in use: so when there are too many for one minute, all are noted again.
"""

from typing import Final

from propylon.usage.line import Use

NOTED_MAX: Final = 50_000  # generations a minute and worker


class Uses:
    """One per worker. What stands in `noted` need not be noted again."""

    def __init__(self) -> None:
        self.noted: set[tuple[str, int]] = set()
        self._minute = 0
        self._fresh: list[tuple[str, int]] = []

    def note(self, credential: tuple[str, int]) -> None:
        """The record ("k17") and generation that a caller proved itself with."""
        if len(self.noted) >= NOTED_MAX:
            self.noted.clear()
        self.noted.add(credential)
        self._fresh.append(credential)

    def take(self, minute: int) -> list[Use]:
        """Those since the last time."""
        fresh, self._fresh = self._fresh, []
        if minute != self._minute:
            self._minute = minute
            self.noted = set(fresh)
        return [Use(int(record[1:]), generation) for record, generation in fresh]
