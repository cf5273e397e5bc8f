"""How busy a process is: exchanges per second, over the last ten."""

from collections import deque
from typing import Final

LATELY_S: Final = 10


class Load:
    """Told the total once a second."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=LATELY_S + 1)  # monotonic, total

    def note(self, now: float, total: int) -> float:
        """Exchanges per second since the oldest total that is remembered, to one decimal."""
        self._seen.append((now, total))
        then, before = self._seen[0]
        return round((total - before) / (now - then), 1) if now > then else 0.0
