"""A JWK set (RFC 7517 §5) as an issuer publishes it, judged: the records that verify its tokens, and why others do not.

A record is found by `kid` **and** family of algorithms, never by `kid` alone. Pure: where a set comes from, how old it
may be and whose tokens it is for is `snapshot/issuers.py`.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from propylon.errors import Problem
from propylon.jose.json_object import parse_object
from propylon.jose.jwk import record_of_jwk
from propylon.jose.token import KID_MAX_BYTES
from propylon.jose.verification import Family, VerificationRecord

KEYS_MAX: Final = 200  # a key takes up to 0.1 ms to judge

Records = Mapping[tuple[str, Family], VerificationRecord]


class JwkSet(NamedTuple):
    """`records` is empty when the whole set is refused, or no key of it can be used."""

    records: Records  # by kid and family
    problems: tuple[Problem, ...] = ()

    def candidates(self, kid: str | None, family: Family) -> list[VerificationRecord]:
        """The one with that `kid`, if there is one; without a `kid` all of the family."""
        if kid is None:
            return [record for record in self.records.values() if record.family == family]
        record = self.records.get((kid, family))
        return [] if record is None else [record]

    def has_kid(self, kid: str) -> bool:
        """Whether a key of any family has it."""
        return any(known == kid for known, _ in self.records)

    def holds(self, record: VerificationRecord) -> bool:
        """Whether this very key is in it, with the same algorithms."""
        mine = self.records.get((record.id, record.family))
        return mine is not None and (mine is record or _are_same(mine, record))


def parse_jwk_set(raw: bytes, *, algorithms: Collection[str] | None = None, allow_secrets: bool = False) -> JwkSet:
    """`algorithms` narrows every key's; `allow_secrets` is for a set of HMAC secrets, which must be private."""
    document = parse_object(raw)
    keys = None if document is None else document.get("keys")
    if not isinstance(keys, list):
        return _refused(
            "jwks_malformed", 'is no JWK set; answer with a JSON object that has a list "keys" (RFC 7517 §5)'
        )
    if len(keys) > KEYS_MAX:
        return _refused("jwks_too_many_keys", f"has {len(keys)} keys; publish at most {KEYS_MAX}")
    if allow_secrets and _mixes(keys):
        text = "mixes secrets with public keys, so one could be taken for the other; publish them apart"
        return _refused("jwks_mixed", text)
    judged = [_record(jwk, algorithms, allow_secrets=allow_secrets) for jwk in keys]
    problems = [_at(number, one) for number, one in enumerate(judged) if isinstance(one, Problem)]
    records, ambiguous = _by_place([one for one in judged if isinstance(one, VerificationRecord)])
    return JwkSet(records, (*problems, *ambiguous))


def _by_place(found: list[VerificationRecord]) -> tuple[dict[tuple[str, Family], VerificationRecord], list[Problem]]:
    """Keys of one kid and family: the same key listed once for each algorithm is one, different keys are none."""
    records: dict[tuple[str, Family], VerificationRecord] = {}
    ambiguous: dict[tuple[str, Family], Problem] = {}
    for record in found:
        place = (record.id, record.family)
        known = records.setdefault(place, record)
        if known.key.raw_value != record.key.raw_value:
            text = f"{record.id!r} names different keys of family {record.family}, so none is used; give each a kid"
            ambiguous[place] = Problem("keys", "jwk_kid_duplicate", text)
        elif known is not record:
            joined = known.algorithms | record.algorithms
            records[place] = VerificationRecord(known.id, known.family, joined, known.key)
    return {place: record for place, record in records.items() if place not in ambiguous}, list(ambiguous.values())


def keep_known(new: JwkSet, known: JwkSet) -> JwkSet:
    """`new`, with the record objects of `known` for keys that stayed, so that whoever holds one need not look again."""
    kept = {place: known.records[place] for place, record in new.records.items() if known.holds(record)}
    return new._replace(records={**new.records, **kept})


def _record(jwk: object, algorithms: Collection[str] | None, *, allow_secrets: bool) -> VerificationRecord | Problem:
    kid = jwk.get("kid") if isinstance(jwk, dict) else ""
    if not isinstance(kid, str) or len(kid.encode()) > KID_MAX_BYTES:
        return Problem(
            "kid", "jwk_kid_missing", f"is no text of at most {KID_MAX_BYTES} bytes, so no token can name the key"
        )
    return record_of_jwk(jwk, id=kid, algorithms=algorithms, allow_secret=allow_secrets)


def _are_same(one: VerificationRecord, other: VerificationRecord) -> bool:
    return bool(one.algorithms == other.algorithms and one.key.raw_value == other.key.raw_value)


def _mixes(keys: list[Any]) -> bool:
    kinds = {jwk.get("kty") == "oct" for jwk in keys if isinstance(jwk, dict)}
    return len(kinds) > 1


def _at(number: int, problem: Problem) -> Problem:
    path = f"keys.{number}.{problem.path}" if problem.path else f"keys.{number}"
    return problem._replace(path=path)


def _refused(code: str, text: str) -> JwkSet:
    return JwkSet({}, (Problem("", code, text),))
