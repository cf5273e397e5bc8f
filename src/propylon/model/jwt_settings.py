"""How an API reads JSON Web Tokens: the `jwt_*` and `scopes` fields of a definition, typed and judged (auth.md §3.1).

Verifies no token. A signing method that is not exactly one of three words is a Problem, never HMAC (F-4).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from propylon.errors import Problem
from propylon.model.document_reader import DocumentReader
from propylon.model.jwt_source import (
    FIELD,
    algorithm_of,
    decode_source,
    hmac_trouble,
    hmac_weakness,
    names_key_set,
    pem,
    public_key,
)

SigningFamily = Literal["hmac", "rsa", "ecdsa"]

FAMILIES: Final[dict[SigningFamily, tuple[str, ...]]] = {
    "hmac": ("HS256", "HS384", "HS512"),
    "rsa": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "ecdsa": ("ES256", "ES384", "ES512"),
}


@dataclass(frozen=True, slots=True)
class JwtSettings:
    """Two modes, told apart by whether the API itself holds what verifies (design §5.2)."""

    signing_family: SigningFamily
    source: bytes = field(repr=False)  # HMAC secret or PEM public key; b"" = per-key mode
    allowed_algorithms: frozenset[str]  # empty = every one of the family
    identity_base_field: str
    skip_kid: bool
    require_kid: bool
    policy_field_name: str
    client_base_field: str
    default_policies: tuple[str, ...]
    scope_claim_name: str
    scope_to_policy: Mapping[str, str]
    expires_at_skew_s: int
    issued_at_skew_s: int
    not_before_skew_s: int

    @property
    def mode(self) -> Literal["central", "per_key"]:
        return "central" if self.source else "per_key"


def read_jwt_settings(reader: DocumentReader) -> tuple[JwtSettings | None, list[Problem]]:
    """The settings (None when the signing method is unknown) and the warnings; problems go to the reader."""
    family = _family(reader)
    if family is None:
        return None, []
    allowed = _allowed_algorithms(reader, family)
    source, warnings = _source(reader, family, allowed)
    claim_name, scope_to_policy = _scopes(reader)
    settings = JwtSettings(
        signing_family=family,
        source=source,
        allowed_algorithms=allowed,
        identity_base_field=reader.text("jwt_identity_base_field"),
        skip_kid=reader.flag("jwt_skip_kid"),
        require_kid=reader.flag("jwt_require_kid"),
        policy_field_name=reader.text("jwt_policy_field_name"),
        client_base_field=reader.text("jwt_client_base_field"),
        default_policies=reader.texts("jwt_default_policies"),
        scope_claim_name=claim_name or "scope",
        scope_to_policy=scope_to_policy,
        expires_at_skew_s=reader.seconds("jwt_expires_at_validation_skew"),
        issued_at_skew_s=reader.seconds("jwt_issued_at_validation_skew"),
        not_before_skew_s=reader.seconds("jwt_not_before_validation_skew"),
    )
    if settings.skip_kid and settings.require_kid:
        reader.report("jwt_require_kid", "contradiction", "cannot be set together with jwt_skip_kid; keep one of them")
    return settings, warnings


def _family(reader: DocumentReader) -> SigningFamily | None:
    written = reader.text("jwt_signing_method")
    for family in FAMILIES:
        if written == family:
            return family
    message = 'must be exactly "hmac", "rsa" or "ecdsa", in lower case (algorithms go into jwt_allowed_algorithms)'
    reader.report("jwt_signing_method", "jwt_signing_method_unknown", message)
    return None


def _allowed_algorithms(reader: DocumentReader, family: SigningFamily) -> frozenset[str]:
    allowed = frozenset(reader.texts("jwt_allowed_algorithms"))
    if not allowed <= set(FAMILIES[family]):
        message = f'may only name algorithms of "{family}": {", ".join(FAMILIES[family])}'
        reader.report("jwt_allowed_algorithms", "jwt_algorithm_outside_family", message)
    return allowed


def _source(reader: DocumentReader, family: SigningFamily, allowed: frozenset[str]) -> tuple[bytes, list[Problem]]:
    """b"" for per-key mode and for key sets, which `field_classes` reports as a guard."""
    text = reader.text(FIELD)
    if not text or names_key_set(text):
        return b"", []
    raw = decode_source(text)
    if not raw:
        reader.report(
            "jwt_source", "jwt_source_undecodable", "is not base64; encode the secret or PEM, or give the PEM"
        )
        return b"", []
    if family == "hmac":
        return _secret(reader, raw)
    return _key(reader, raw, family, allowed), []


def _secret(reader: DocumentReader, raw: bytes) -> tuple[bytes, list[Problem]]:
    if trouble := hmac_trouble(raw):
        reader.report(FIELD, "jwt_source_is_public_key", trouble)
    return raw, hmac_weakness(raw)


def _key(reader: DocumentReader, raw: bytes, family: SigningFamily, allowed: frozenset[str]) -> bytes:
    key = public_key(raw, family)
    if isinstance(key, str):
        hint = "" if b"-----BEGIN" in raw else " (a secret kept from before goes with ?clear=jwt_source)"
        reader.report(FIELD, "jwt_source_unfit", key + hint)
        return b""
    algorithm = algorithm_of(key)
    if algorithm and allowed and algorithm not in allowed:
        message = f"leaves out {algorithm}, the only algorithm of the key in jwt_source; add it"
        reader.report("jwt_allowed_algorithms", "jwt_algorithm_unfit", message)
    return pem(key)


def _scopes(reader: DocumentReader) -> tuple[str, dict[str, str]]:
    """J-4: the old fields are read only when the whole `scopes` object is empty."""
    fields = ("scopes.jwt", "scopes.oidc")
    is_empty = not any(
        reader.value(f"{at}.{name}") for at in fields for name in ("scope_claim_name", "scope_to_policy")
    )
    if is_empty:
        return reader.text("jwt_scope_claim_name"), reader.text_map("jwt_scope_to_policy_mapping")
    return reader.text("scopes.jwt.scope_claim_name"), reader.text_map("scopes.jwt.scope_to_policy")
