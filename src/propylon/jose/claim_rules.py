"""What a definition asks of a token's claims beyond its times, judged (J-23b), with Tyk's words.

Every verdict rests on the token and the rules alone, so it holds as long as both do; a `jti`'s first use is not judged.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from propylon.jose.claims import claim_at, identity_from
from propylon.model.claim_rules import ClaimRules, CustomClaim

_ABSENT: Final = object()
_TYPE_PREFIX: Final = "application/"  # RFC 7515 §4.1.9: may be left out


class Objection(NamedTuple):
    """What a token is refused for: the reason is for us, the text for the client."""

    reason: str
    text: str


def objection(
    claims: Mapping[str, Any], typ: object, rules: ClaimRules, subject_claims: Sequence[str]
) -> Objection | None:
    """The first, in Tyk's order; `exp`, lifetime and `typ`, which are ours, before them."""
    return (
        _to_lifetime(claims, rules)
        or _to_type(typ, rules.types)
        or _to_issuer(claims, rules.issuers)
        or _to_audience(claims, rules.audiences)
        or _to_jti(claims, rules)
        or _to_subject(claims, rules.subjects, subject_claims)
        or next((found for rule, found in _to_custom(claims, rules) if rule.is_blocking), None)
    )


def waived(claims: Mapping[str, Any], rules: ClaimRules) -> list[Objection]:
    """What the rules that do not block find."""
    return [found for rule, found in _to_custom(claims, rules) if not rule.is_blocking]


def _to_custom(claims: Mapping[str, Any], rules: ClaimRules) -> Iterator[tuple[CustomClaim, Objection]]:
    for rule in rules.custom:
        text = _custom_trouble(claims, rule)
        if text:
            yield rule, Objection("jwt_custom_claim", text)


def _to_lifetime(claims: Mapping[str, Any], rules: ClaimRules) -> Objection | None:
    if "exp" not in claims and (rules.require_exp or rules.lifetime_max_s):
        text = "expiration (exp) claim is required but not present in token"
        return Objection("jwt_exp_missing", text)
    if not rules.lifetime_max_s:
        return None
    if "iat" not in claims:  # or a token could be made years ahead, and used in its last minute
        return Objection("jwt_iat_missing", "issued at (iat) claim is required but not present in token")
    if claims["exp"] - claims["iat"] > rules.lifetime_max_s:
        return Objection("jwt_lifetime_too_long", f"token is valid for longer than {rules.lifetime_max_s} seconds")
    return None


def _to_type(typ: object, allowed: Sequence[str]) -> Objection | None:
    """RFC 9068 §4, RFC 8725 §3.11: what was made for another purpose is no access token."""
    if not allowed:
        return None
    if isinstance(typ, str) and _media_type(typ) in map(_media_type, allowed):
        return None
    said = f"invalid token type: {typ}" if isinstance(typ, str) else "token type (typ) is required but not present"
    return Objection("jwt_type_not_allowed", said)


def _media_type(typ: str) -> str:
    lower = typ.lower()
    short = lower.removeprefix(_TYPE_PREFIX)
    return lower if "/" in short else short


def _to_issuer(claims: Mapping[str, Any], allowed: Sequence[str]) -> Objection | None:
    """Whole texts are compared: "acm" is not "acme", and a slash more is another issuer."""
    if not allowed:
        return None
    issuer = claims.get("iss", _ABSENT)
    if isinstance(issuer, str) and issuer in allowed:
        return None
    if issuer is _ABSENT:
        text = "issuer claim is required but not present in token"
    else:
        text = f"invalid issuer claim: {issuer}" if isinstance(issuer, str) else "issuer claim must be a string"
    return Objection("jwt_issuer_not_allowed", text)


def _to_audience(claims: Mapping[str, Any], allowed: Sequence[str]) -> Objection | None:
    if not allowed:
        return None
    audience = claims.get("aud", _ABSENT)
    listed = [audience] if isinstance(audience, str) else audience
    if audience is _ABSENT:
        text = "audience claim is required but not present in token"
    elif not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        text = "invalid audience claim format"
    elif not set(listed).isdisjoint(allowed):
        return None
    else:
        text = f"no matching audience found in token: [{' '.join(listed)}]"
    return Objection("jwt_audience_not_allowed", text)


def _to_jti(claims: Mapping[str, Any], rules: ClaimRules) -> Objection | None:
    jti = claims.get("jti")
    if not rules.require_jti or (isinstance(jti, str) and jti):
        return None
    return Objection("jwt_jti_missing", "JWT ID (jti) claim is required but not present in token")


def _to_subject(claims: Mapping[str, Any], allowed: Sequence[str], subject_claims: Sequence[str]) -> Objection | None:
    """F-8: a subject is what the claims say, never the `kid`."""
    if not allowed:
        return None
    subject, trouble = identity_from(claims, *subject_claims)
    if subject in allowed:
        return None
    return Objection("jwt_subject_not_allowed", trouble[1] if trouble else f"invalid subject value: {subject}")


# -- custom rules ----------------------------------------------------------------------------------------------------


def _custom_trouble(claims: Mapping[str, Any], rule: CustomClaim) -> str:
    """Tyk's words, "" when the rule is kept."""
    value = _value_at(claims, rule.path)
    if value is _ABSENT:
        return f"custom claim {rule.path} is required but not present in token"
    if rule.test == "required":
        return f"custom claim {rule.path} expects a non nil value" if value is None else ""
    if rule.test == "exact_match":
        is_kept = any(is_same_json(value, one) for one in rule.allowed)
        return "" if is_kept else f"claim {rule.path} value does not match any expected values"
    is_kept = any(_contains(value, one, in_words=rule.in_words) for one in rule.allowed)
    return "" if is_kept else f"claim {rule.path} value does not contain any expected values"


def _value_at(claims: Mapping[str, Any], path: str) -> Any:
    """Null and absent are two things here."""
    value = claim_at(claims, path)
    if value is None:
        *above, name = path.split(".")
        holder = claim_at(claims, ".".join(above)) if above else claims
        return None if path in claims or (isinstance(holder, Mapping) and name in holder) else _ABSENT
    return value


def _contains(value: Any, wanted: Any, *, in_words: bool) -> bool:
    """J-23b, but for texts: there "admin" is not in "not-admin" unless the rule asks for parts of words."""
    if isinstance(value, list):
        return any(is_same_json(one, wanted) for one in value)
    if isinstance(value, str) and isinstance(wanted, str):
        return (wanted in value.split() or wanted == value) if in_words else wanted in value
    return is_same_json(value, wanted)


def is_same_json(one: Any, other: Any) -> bool:
    """Equal as JSON: 1 is 1.0, but true is not 1."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_same_json(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same_json, one, other))
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)
