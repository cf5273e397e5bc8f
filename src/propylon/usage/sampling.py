"""Which of many exchanges are logged singly. Every entry says how many it stands for, so that entries add up to all."""

from math import inf


class Sampling:
    """Of one kind of exchanges and one worker: at most `per_s` entries a second."""

    __slots__ = ("_every", "_first", "_logged", "_per_s", "_seen", "_waiting")

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._every = 1.0 if per_s else inf  # exchanges an entry stands for; inf once the second has its entries
        self._logged = 0  # this second
        self._waiting = 0  # since the last entry
        self._seen = 0  # this second, up to the last entry; less those that had waited for it from before
        self._first = 0

    def stands_for(self) -> int:
        """Counts one exchange; 0 when it is not logged, else the number of exchanges its entry stands for."""
        self._waiting = waiting = self._waiting + 1
        if waiting < self._every:
            return 0
        self._waiting = 0
        self._seen += waiting
        self._logged += 1
        if self._logged == self._per_s:
            self._every = inf
        return waiting

    def next_second(self, *, spread: bool) -> None:
        """`spread`: entries are taken evenly, at the rate of the second that ended; otherwise the first ones are."""
        seen = self._seen + self._waiting - self._first
        self._first = self._waiting
        if self._per_s:
            self._every = -(-seen // self._per_s) or 1 if spread else 1
        self._seen = self._logged = 0
