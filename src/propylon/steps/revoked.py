"""Revoked: whether the caller was revoked, or the token it came with, its subject or its issuer (design §3.2).

One book a worker, kept by `follow` as the change log says: a revocation acts as soon as a deleted key, and taking one
back as soon as a new key. Its own end (`until`) is compared on every request, as nothing else happens then.
While the book is empty this costs a truth test.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from propylon.clock import Clock
from propylon.errors import Denial
from propylon.exchange import Exchange
from propylon.stores.ports import Revocation

KEY_REVOKED: Final = Denial("key_revoked", 403, "Key has been revoked")
TOKEN_REVOKED: Final = Denial("token_revoked", 403, "Key not authorized: token has been revoked")
SUBJECT_REVOKED: Final = Denial("subject_revoked", 403, "Key not authorized: subject has been revoked")
ISSUER_REVOKED: Final = Denial("issuer_revoked", 403, "Key not authorized: issuer has been revoked")
IDENTITY_SUSPENDED: Final = Denial("identity_suspended", 403, "Key is inactive, please renew")
DENIALS: Final = {
    "key": KEY_REVOKED,
    "jti": TOKEN_REVOKED,
    "subject": SUBJECT_REVOKED,
    "issuer": ISSUER_REVOKED,
    "identity": IDENTITY_SUSPENDED,  # not by name, as the other four, but a record of ours
}

Mark = tuple[str, str]  # kind and value: what a revocation names and an exchange may carry


class Revocations:
    """All that is revoked. Written by `follow`, read by `Revoked`."""

    def __init__(self) -> None:
        self._by_mark: dict[Mark, list[Revocation]] = {}

    def __len__(self) -> int:
        return len(self._by_mark)

    def replace(self, revocations: Sequence[Revocation]) -> None:
        self._by_mark = {}
        self._add(revocations)

    def renew(self, mark: Mark, revocations: Sequence[Revocation]) -> None:
        """What is revoked under one mark today, perhaps nothing."""
        self._by_mark.pop(mark, None)
        self._add(revocations)

    def find(self, exchange: Exchange, now: float) -> Revocation | None:
        """The first that is in force and speaks of this exchange."""
        for mark in marks_of(exchange):
            for revocation in self._by_mark.get(mark, ()):
                if _speaks_of(revocation, exchange) and (revocation.until == 0 or now < revocation.until):
                    return revocation
        return None

    def _add(self, revocations: Sequence[Revocation]) -> None:
        for revocation in revocations:
            self._by_mark.setdefault((revocation.kind, revocation.value), []).append(revocation)


class Revoked:
    """Refuses whoever is in the book."""

    def __init__(self, revocations: Revocations, clock: Clock) -> None:
        self._revocations = revocations
        self._clock = clock

    async def __call__(self, exchange: Exchange) -> Denial | None:
        if not self._revocations:
            return None
        found = self._revocations.find(exchange, self._clock.wall())
        return None if found is None else DENIALS[found.kind]


def marks_in(names: Collection[str]) -> frozenset[Mark]:
    """Of names of the change log, those that speak of revocations."""
    return frozenset(mark for name in names if (mark := _mark(name)) is not None)


def marks_of(exchange: Exchange) -> list[Mark]:
    """All that this exchange could be revoked by; none before its caller is known."""
    if exchange.caller is None:
        return []
    identity, claims = exchange.caller.identity, exchange.claims
    if claims is None:
        return [("key", identity.record)]
    marks = [("jti", _text(claims.get("jti"))), ("subject", _text(claims.get("sub"))), ("issuer", _issuer(claims))]
    if identity.kind != "subject":
        return [("key", identity.record), *marks]
    return [("identity", identity.record), ("subject", identity.name), *marks]


def concerns(marks: frozenset[Mark], exchange: Exchange) -> bool:
    """Whether a change of these marks may alter what was decided about this exchange."""
    return bool(marks) and not marks.isdisjoint(marks_of(exchange))


def _mark(name: str) -> Mark | None:
    head, _, rest = name.partition(":")
    if head == "revocation":
        kind, _, value = rest.partition(":")
        return kind, value
    return ("identity", rest) if head == "identity" else None


def _speaks_of(revocation: Revocation, exchange: Exchange) -> bool:
    assert exchange.caller is not None
    if revocation.org_id not in ("", exchange.caller.identity.org_id):
        return False
    return not revocation.issuer or (exchange.claims is not None and _issuer(exchange.claims) == revocation.issuer)


def _issuer(claims: dict[str, Any]) -> str:
    return _text(claims.get("iss"))


def _text(claim: object) -> str:
    """Claims that name something are texts (RFC 7519 §4.1); some issuers number their tokens."""
    return str(claim) if isinstance(claim, str | int) else ""
