"""Stands first on an API whose definition carries a guard field that is not honoured: nothing gets past (design §7)."""

from collections.abc import Sequence

from propylon.errors import Denial, Problem
from propylon.exchange import Exchange


class Guard:
    """Refuses everything, naming the fields."""

    def __init__(self, guards: Sequence[Problem]) -> None:
        fields = ", ".join(guard.path for guard in guards)
        self._denial = Denial(
            "definition_guard_unsupported", 503, f"This API's definition relies on what is not supported: {fields}"
        )

    async def __call__(self, exchange: Exchange) -> Denial:
        return self._denial
