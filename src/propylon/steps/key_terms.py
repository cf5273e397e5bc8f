"""Terms of keys, each read once however many keys have them, with what they come to under today's policies.

Knows no key and no store. Terms depend on nothing but their own text, so they never go stale; what they come to is
made anew when a policy changes: computed, never stored (F-18).
"""

from typing import Final

from propylon.errors import Problem
from propylon.model.effective import EffectiveSession, effective_session
from propylon.model.session import Session, read_stored_session
from propylon.model.session_terms import OwnPart, split_session
from propylon.steps.policy_book import PolicyBook

TERMS_MAX: Final = 1000  # per worker; a key keeps hold of its terms when these go


class KeyTerms:
    """What keys of the same terms share; nobody writes to it."""

    __slots__ = ("_book_version", "_effective", "_org_id", "policy_names", "session")

    _effective: EffectiveSession | Problem  # as of _book_version

    def __init__(self, org_id: str, session: Session) -> None:
        self.session = session  # without the own part of any key
        self.policy_names = tuple([f"policy:{org_id}/{policy_id}" for policy_id in session.policy_ids])
        self._org_id = org_id
        self._book_version = -1

    def under(self, book: PolicyBook) -> EffectiveSession | Problem:
        if self._book_version != book.version:
            policies, missing = book.select(self._org_id, self.session.policy_ids)
            self._effective = effective_session(self.session, policies, missing=missing, org_id=self._org_id)
            self._book_version = book.version
        return self._effective


class SharedTerms:
    """One per worker; the oldest go first."""

    def __init__(self) -> None:
        self._known: dict[bytes, KeyTerms] = {}

    def read(self, stored_session: str, org_id: str) -> tuple[OwnPart, KeyTerms] | Problem:
        """A Problem when this is no session: its key is to be refused."""
        stored = split_session(stored_session, org_id)
        if isinstance(stored, Problem):
            return stored
        terms = self._known.get(stored.text)
        if terms is None:
            session = read_stored_session(stored.terms)
            if isinstance(session, Problem):
                return session
            if len(self._known) >= TERMS_MAX:
                del self._known[next(iter(self._known))]
            terms = self._known[stored.text] = KeyTerms(org_id, session)
        return stored.own, terms
