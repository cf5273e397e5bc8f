"""Subjects of tokens as a worker sees them, each once a minute: the control process keeps them as identities.

Workers write no records; what they saw travels with their usage. Knows no claim but `iss`: who a subject is was decided
by the step that found the caller.
"""

from typing import Final

from propylon.exchange import Caller, Exchange
from propylon.usage.line import Sighting

SIGHTED_MAX: Final = 5_000  # subjects a minute and worker; others are seen when they come again
TEXT_MAX: Final = 1_024  # bytes of a subject or issuer, as PostgreSQL indexes both; longer are served, and not kept


class Sightings:
    """One per worker. What was noted is noted again once a line of another minute has been cut."""

    def __init__(self) -> None:
        self._minute = 0
        self._noted: set[str] = set()
        self._fresh: list[Sighting] = []

    def note(self, exchange: Exchange, caller: Caller) -> None:
        """Of a caller that is the subject of a token."""
        record = caller.identity.record
        if record in self._noted or len(self._noted) >= SIGHTED_MAX:
            return
        self._noted.add(record)
        issuer = exchange.claims.get("iss") if exchange.claims is not None else None
        identity, said = caller.identity, issuer if isinstance(issuer, str) else ""
        if _is_kept(identity.name) and _is_kept(said):
            policies = list(caller.session.policy_ids)
            self._fresh.append(Sighting(identity.key_hash, identity.org_id, said, identity.name, policies))

    def take(self, minute: int) -> list[Sighting]:
        """Those since the last time."""
        if minute != self._minute:
            self._minute = minute
            self._noted.clear()
        fresh, self._fresh = self._fresh, []
        return fresh


def _is_kept(text: str) -> bool:
    """What no database takes is no one's name; it must not be mended into the name of another."""
    raw = text.encode(errors="replace")
    return len(raw) <= TEXT_MAX and "\0" not in text and raw == text.encode(errors="ignore")
