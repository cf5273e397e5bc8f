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
        self.by_kind: dict[str, dict[str, list[Revocation]]] = {}  # then by value; no kind is empty

    def replace(self, revocations: Sequence[Revocation]) -> None:
        self.by_kind = {}
        self._add(revocations)

    def renew(self, mark: Mark, revocations: Sequence[Revocation]) -> None:
        """What is revoked under one mark today, perhaps nothing."""
        kind, value = mark
        rest = self.by_kind.get(kind, {})
        rest.pop(value, None)
        if not rest:
            self.by_kind.pop(kind, None)
        self._add(revocations)

    def find(self, exchange: Exchange, clock: Clock) -> Revocation | None:
        """The first that is in force and speaks of this exchange."""
        for kind, by_value in self.by_kind.items():
            for value in values_of(exchange, kind):
                for revocation in by_value.get(value, ()):
                    if _speaks_of(revocation, exchange) and not 0 < revocation.until <= clock.wall():
                        return revocation
        return None

    def _add(self, revocations: Sequence[Revocation]) -> None:
        for revocation in revocations:
            by_value = self.by_kind.setdefault(revocation.kind, {})
            by_value.setdefault(revocation.value, []).append(revocation)


class Revoked:
    """Refuses whoever is in the book."""

    def __init__(self, revocations: Revocations, clock: Clock) -> None:
        self._revocations = revocations
        self._clock = clock

    async def __call__(self, exchange: Exchange) -> Denial | None:
        if not self._revocations.by_kind:
            return None
        found = self._revocations.find(exchange, self._clock)
        return None if found is None else DENIALS[found.kind]


def values_of(exchange: Exchange, kind: str) -> tuple[str, ...]:
    """By which an exchange could be revoked, of one kind; none before its caller is known."""
    if exchange.caller is None:
        return ()
    identity, claims = exchange.caller.identity, exchange.claims
    if kind in ("key", "identity"):
        return (identity.record,)  # "k17" or "s3f…", so never one for the other
    if claims is None:
        return ()
    if kind != "subject":
        return (_text(claims.get("jti")) if kind == "jti" else _issuer(claims),)
    said = _text(claims.get("sub"))
    return (identity.name, said) if identity.kind == "subject" and identity.name != said else (said,)


def marks_in(names: Collection[str]) -> frozenset[Mark]:
    """Of names of the change log, those that speak of revocations."""
    return frozenset(mark for name in names if (mark := _mark(name)) is not None)


def concerns(marks: Collection[Mark], exchange: Exchange) -> bool:
    """Whether a change of these marks may alter what was decided about this exchange."""
    return any(value in values_of(exchange, kind) for kind, value in marks)


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
