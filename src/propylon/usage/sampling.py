"""Which of many exchanges are logged singly. Every entry says how many it stands for, so that entries add up to all."""


class Sampling:
    """Of one kind of exchanges and one worker: at most `per_s` entries a second."""

    __slots__ = ("_every", "_logged", "_per_s", "_seen", "_waiting")

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._every = 1
        self._seen = 0  # this second
        self._logged = 0  # this second
        self._waiting = 0  # since the last entry

    def stands_for(self) -> int:
        """Counts one exchange; 0 when it is not logged, else the number of exchanges its entry stands for."""
        self._seen += 1
        self._waiting += 1
        if self._waiting < self._every or self._logged >= self._per_s:
            return 0
        self._logged += 1
        represented, self._waiting = self._waiting, 0
        return represented

    def next_second(self, *, spread: bool) -> None:
        """`spread`: entries are taken evenly, at the rate of the second that ended; otherwise the first ones are."""
        self._every = -(-self._seen // self._per_s) or 1 if spread and self._per_s else 1
        self._seen = self._logged = 0
