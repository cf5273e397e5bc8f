"""Tokens of issuers: who the claims speak of, and under which policies (auth.md §3.8, §3.9; design §10).

Each token is judged by the settings of the issuer that vouched for it. The session is computed from the policies on
every change of them and kept only in memory; nothing of a token is stored (F-3, F-18). Identity = (organisation,
issuer, subject), so equal subjects of two issuers stay two (F-7).
"""

from hashlib import sha256
from typing import Any, Final, Literal, NamedTuple

from propylon.errors import Denial, Problem
from propylon.exchange import Caller, Exchange, Identity
from propylon.jose.claims import identity_from, policy_ids_from, scopes_from
from propylon.model.api_definition import ApiDefinition
from propylon.model.effective import effective_session
from propylon.model.jwt_settings import IssuerSettings
from propylon.model.session import Session
from propylon.steps.keyring import PolicyBook

CALLERS_MAX: Final = 10_000  # per API and worker; oldest-in goes first
NO_POLICY: Final = Denial("policy_not_found", 403, "key not authorized: no matching policy")
NONE_NAMED: Final = Denial("jwt_no_policy", 403, "key not authorized: no matching policy found")
ABOVE_CEILING: Final = Denial("jwt_policy_above_ceiling", 403, "key not authorized: no matching policy")
SEVERAL: Final = "key not authorized: could not apply several policies"
NO_SCOPE: Final = Denial("jwt_scope_unmapped", 403, "key not authorized: no matching policy found in scope claim")


class Subjects:
    """The subjects of one API's tokens."""

    def __init__(self, definition: ApiDefinition, book: PolicyBook) -> None:
        self._org_id = definition.org_id
        self._book = book
        self._callers: dict[tuple[str, str, Chosen], Caller | Denial] = {}
        self._book_version = -1

    def caller_of(self, exchange: Exchange, issuer: IssuerSettings, claims: dict[str, Any]) -> Caller | Denial:
        """Writes what the decision rests on into the exchange, also when it refuses."""
        subject, trouble = identity_from(claims, *issuer.subject_claims)
        if subject is None:
            reason, text = trouble or ("jwt_no_identity", "Key not authorized")
            return Denial(reason, 403, text)
        chosen = policies_of(issuer, claims)
        if isinstance(chosen, Denial):
            return chosen
        exchange.rested_on = tuple(f"policy:{self._org_id}/{policy_id}" for policy_id in chosen.policy_ids)
        said = claims.get("iss")
        return self._caller(said if isinstance(said, str) else "", subject, chosen)

    def _caller(self, issuer: str, subject: str, chosen: "Chosen") -> Caller | Denial:
        if self._book_version != self._book.version:
            self._callers.clear()
            self._book_version = self._book.version
        known = self._callers.get((issuer, subject, chosen))
        if known is None:
            if len(self._callers) >= CALLERS_MAX:
                del self._callers[next(iter(self._callers))]
            known = self._callers[(issuer, subject, chosen)] = self._make(issuer, subject, chosen)
        return known

    def _make(self, issuer: str, subject: str, chosen: "Chosen") -> Caller | Denial:
        policy_ids = chosen.policy_ids
        policies, missing = self._book.select(self._org_id, policy_ids)
        if missing:
            return _not_found(chosen, missing[0])
        session = Session(org_id=self._org_id, apply_policies=list(policy_ids), alias=subject)
        effective = effective_session(session, policies, missing=missing, org_id=self._org_id)
        if isinstance(effective, Problem):
            return _not_applicable(chosen, effective)
        identity_hash = subject_hash(self._org_id, issuer, subject)
        identity = Identity(f"s{identity_hash[:32]}", "subject", self._org_id, identity_hash, subject)
        names = tuple(f"policy:{self._org_id}/{policy_id}" for policy_id in policy_ids)
        return Caller(identity, effective, names, f"s{identity_hash[:32]}".encode())


def _not_found(chosen: "Chosen", policy_id: str) -> Denial:
    """J-29, J-31."""
    if chosen.by == "defaults":  # a fault of the definition, not of the token
        return Denial("default_policy_not_found", 500, f'failed to create key: policy not found: "{policy_id}"')
    return NO_POLICY if chosen.by == "claim" else NO_POLICY._replace(message=SEVERAL)


def _not_applicable(chosen: "Chosen", problem: Problem) -> Denial:
    """J-29, J-31."""
    if chosen.by == "defaults":
        return Denial(problem.code, 500, f"failed to create key: {problem.message}")
    text = SEVERAL if chosen.by == "scopes" else "key not authorized: could not apply new policy"
    return Denial(problem.code, 403, text)


def subject_hash(org_id: str, issuer: str, subject: str) -> str:
    """64 hex; lengths are hashed too, so no two triples share a text."""
    parts = (part.encode() for part in (org_id, issuer, subject))
    return sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).hexdigest()


class Chosen(NamedTuple):
    """The policies of a token, and what named them: a fault is told accordingly."""

    policy_ids: tuple[str, ...]
    by: Literal["claim", "defaults", "scopes"]


def policies_of(issuer: IssuerSettings, claims: dict[str, Any]) -> Chosen | Denial:
    """J-28, J-31, J-32: the policy claim, else the defaults; scopes add to the claim's and replace the defaults.

    What the token may ask for ends at the issuer's ceiling: one policy above it
    refuses the token rather than being left out, so that a mistake shows.
    """
    named = _named_policies(issuer, claims)
    base = named or issuer.default_policies
    by: Literal["claim", "defaults", "scopes"] = "claim" if named else "defaults"
    if issuer.scope_to_policy:
        scopes = scopes_from(claims, issuer.scope_claim)
        if scopes is not None:  # an empty claim maps to nothing, and the defaults do not rescue it (design §10)
            mapped = [policy for scope in scopes for policy in issuer.scope_to_policy.get(scope, ())]
            base, by = (*named, *mapped), "scopes"
            if not base:
                return NO_SCOPE
    if not base:
        return NONE_NAMED
    if issuer.policy_ceiling is not None and not issuer.policy_ceiling.issuperset(base):
        return ABOVE_CEILING
    return Chosen(tuple(dict.fromkeys(base)), by)


def _named_policies(issuer: IssuerSettings, claims: dict[str, Any]) -> tuple[str, ...]:
    """Of the first policy claim that names any."""
    found = (policy_ids_from(claims, claim) for claim in issuer.policy_claims)
    return tuple(next((policies for policies in found if policies), ()))
