"""How an API reads JSON Web Tokens: the `jwt_*` and `scopes` fields of a definition, typed and judged (auth.md §3.1).

Verifies no token. A signing method that is not exactly one of four words is a Problem, never HMAC (F-4).
"""

from dataclasses import dataclass, replace
from typing import Literal

from propylon.errors import Problem
from propylon.model.claim_rules import ClaimRules as ClaimRules
from propylon.model.claim_rules import read_claim_rules
from propylon.model.document_reader import DocumentReader
from propylon.model.issuer_reader import ISSUERS, read_issuers
from propylon.model.issuer_settings import IssuerSettings as IssuerSettings
from propylon.model.signing_families import FAMILIES, FAMILY_BY_ALGORITHM, SigningFamily

METHOD = "jwt_signing_method"
ALLOWED = "jwt_allowed_algorithms"


@dataclass(frozen=True, slots=True)
class JwtSettings:
    """Three modes, told apart by where the definition says that the verifying keys are (design §5.2)."""

    signing_family: SigningFamily | None  # None only with named issuers that list their algorithms
    allowed_algorithms: frozenset[str]  # empty = every one of the family
    identity_base_field: str
    skip_kid: bool
    require_kid: bool
    policy_field_name: str
    client_base_field: str
    expires_at_skew_s: int
    issued_at_skew_s: int
    not_before_skew_s: int
    claims: ClaimRules
    issuers: tuple[IssuerSettings, ...]  # empty = each key verifies its own tokens

    @property
    def algorithms(self) -> frozenset[str]:
        """All that a token of this API may be signed with; whose key is in question narrows them."""
        if self.issuers:
            return frozenset().union(*(issuer.algorithms for issuer in self.issuers))
        assert self.signing_family is not None
        return self.allowed_algorithms or frozenset(FAMILIES[self.signing_family])

    @property
    def mode(self) -> Literal["central", "per_key", "issuers"]:
        """As `jwt_mode` in answers says it; central is one nameless issuer."""
        if not self.issuers:
            return "per_key"
        return "issuers" if self.issuers[0].issuer else "central"


def read_jwt_settings(reader: DocumentReader) -> tuple[JwtSettings | None, list[Problem]]:
    """The settings (None when the signing method is unknown) and the warnings; problems go to the reader."""
    family = _family(reader)
    if family is None and (reader.text(METHOD) or not reader.value(ISSUERS)):
        text = ", ".join(f'"{word}"' for word in FAMILIES)
        message = f"must be exactly one of {text}, in lower case (algorithms go into {ALLOWED})"
        reader.report(METHOD, "jwt_signing_method_unknown", message)
        return None, []
    allowed = _allowed_algorithms(reader, family)
    claims, warnings = read_claim_rules(reader)
    common = replace(_common(reader, family, allowed), audiences=claims.audiences)
    issuers, found = read_issuers(reader, common)
    settings = JwtSettings(
        signing_family=family,
        allowed_algorithms=allowed,
        identity_base_field=reader.text("jwt_identity_base_field"),
        skip_kid=reader.flag("jwt_skip_kid"),
        require_kid=reader.flag("jwt_require_kid"),
        policy_field_name=reader.text("jwt_policy_field_name"),
        client_base_field=reader.text("jwt_client_base_field"),
        expires_at_skew_s=reader.seconds("jwt_expires_at_validation_skew"),
        issued_at_skew_s=reader.seconds("jwt_issued_at_validation_skew"),
        not_before_skew_s=reader.seconds("jwt_not_before_validation_skew"),
        claims=claims,
        issuers=issuers,
    )
    if settings.skip_kid and settings.require_kid:
        reader.report("jwt_require_kid", "contradiction", "cannot be set together with jwt_skip_kid; keep one of them")
    return settings, [*warnings, *found]


def _family(reader: DocumentReader) -> SigningFamily | None:
    written = reader.text(METHOD)
    return next((family for family in FAMILIES if family == written), None)


def _allowed_algorithms(reader: DocumentReader, family: SigningFamily | None) -> frozenset[str]:
    allowed = frozenset(reader.texts(ALLOWED))
    known = tuple(FAMILY_BY_ALGORITHM) if family is None else FAMILIES[family]
    if not allowed <= set(known):
        of = "" if family is None else f' of "{family}"'
        reader.report(ALLOWED, "jwt_algorithm_outside_family", f"may only name algorithms{of}: {', '.join(known)}")
    return allowed


def _common(reader: DocumentReader, family: SigningFamily | None, allowed: frozenset[str]) -> IssuerSettings:
    """What holds for every issuer that does not say otherwise."""
    identity, policy = reader.text("jwt_identity_base_field"), reader.text("jwt_policy_field_name")
    claim_name, scope_to_policy = _scopes(reader)
    return IssuerSettings(
        issuer="",
        algorithms=allowed or frozenset(FAMILIES[family] if family else ()),
        family=family or "",
        subject_claims=(identity,) if identity else (),
        policy_claims=(policy,) if policy else (),
        scope_claim=claim_name or "scope",
        scope_to_policy={scope: (policy_id,) for scope, policy_id in scope_to_policy.items()},
        default_policies=reader.texts("jwt_default_policies"),
    )


def _scopes(reader: DocumentReader) -> tuple[str, dict[str, str]]:
    """J-4: the old fields are read only when the whole `scopes` object is empty."""
    fields = ("scopes.jwt", "scopes.oidc")
    is_empty = not any(
        reader.value(f"{at}.{name}") for at in fields for name in ("scope_claim_name", "scope_to_policy")
    )
    if is_empty:
        return reader.text("jwt_scope_claim_name"), reader.text_map("jwt_scope_to_policy_mapping")
    return reader.text("scopes.jwt.scope_claim_name"), reader.text_map("scopes.jwt.scope_to_policy")
