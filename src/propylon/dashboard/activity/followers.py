"""How many follow the request log at this moment: each holds a connection and asks the records each second."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

FOLLOWERS_MAX: Final = 32  # of one control process
FOLLOWERS_PER_USER_MAX: Final = 4


class Followers:
    """One per application."""

    def __init__(self) -> None:
        self._by_user: Counter[str] = Counter()

    def has_place(self, user_id: str) -> bool:
        return self._by_user[user_id] < FOLLOWERS_PER_USER_MAX and self._by_user.total() < FOLLOWERS_MAX

    @contextmanager
    def following(self, user_id: str) -> Iterator[None]:
        """For as long as the answer lasts, however it ends."""
        self._by_user[user_id] += 1
        try:
            yield
        finally:
            self._by_user[user_id] -= 1
            if not self._by_user[user_id]:
                del self._by_user[user_id]
