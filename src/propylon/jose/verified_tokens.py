"""Tokens whose signature has been checked: the cache of one compiled JWT step, so of one API at one revision.

It holds only what a token proves. Times are compared again, and keys, policies and limits looked up, by the caller on
every hit; refusals never enter it (design §5.2).
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from propylon.jose.verification import VerificationRecord


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    claims: dict[str, Any]
    record: VerificationRecord  # that vouched for it: another secret is another record
    key_hash: str  # of the key it names, "" in central mode
    good_from: float  # Unix time; with good_until what its time claims say, skews included
    good_until: float  # no longer good at this moment itself
    source: Any = None  # whose record it is, as the step that keeps the token knows it


class VerifiedTokens:
    """By the whole token; the least recently used goes first. A digest of it would cost more than the look-up."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._tokens: OrderedDict[str, VerifiedToken] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tokens)

    def get(self, text: str) -> VerifiedToken | None:
        found = self._tokens.get(text)
        if found is not None:
            self._tokens.move_to_end(text)
        return found

    def put(self, text: str, token: VerifiedToken) -> None:
        self._tokens[text] = token
        self._tokens.move_to_end(text)
        if len(self._tokens) > self.capacity:
            self._tokens.popitem(last=False)
