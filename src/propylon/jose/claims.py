"""What a token claims: read strictly, its times checked, and the names in it found (auth.md §3.6, §3.7, §3.9).

The caller has verified the signature and passes the time in. `claim_rules` judges issuer, audience and the like.
"""

from collections.abc import Mapping
from math import inf
from typing import Any, Final

from propylon.jose.json_object import parse_object
from propylon.jose.token import MALFORMED

EXPIRED: Final = ("jwt_expired", "token has expired")
ISSUED_IN_FUTURE: Final = ("jwt_issued_in_future", "token used before issued")
NOT_YET_VALID: Final = ("jwt_not_yet_valid", "token is not valid yet")

NO_IDENTITY: Final = "jwt_no_identity"


def read_claims(payload: bytes) -> dict[str, Any] | str:
    """The claims, or the reason for which they are refused."""
    claims = parse_object(payload)
    return MALFORMED if claims is None else claims


def check_times(
    claims: Mapping[str, Any], now: int, *, exp_skew: int, iat_skew: int, nbf_skew: int
) -> tuple[str, str] | None:
    """J-23a: the reason and Tyk's text; None when all three are in order. Run again on every hit of a cached token.

    Unlike Tyk, `exp: 0` has expired (design §10). The last check that fails supplies the text; the reason is
    `jwt_expired` whenever `exp` is among them.
    """
    failed = []
    if "exp" in claims and not (_is_time(claims["exp"]) and claims["exp"] > max(0, now - exp_skew)):
        failed.append(EXPIRED)
    if "iat" in claims and not (_is_time(claims["iat"]) and claims["iat"] <= now + iat_skew):
        failed.append(ISSUED_IN_FUTURE)
    if "nbf" in claims and not (_is_time(claims["nbf"]) and claims["nbf"] <= now + nbf_skew):
        failed.append(NOT_YET_VALID)
    if not failed:
        return None
    decisive = EXPIRED if EXPIRED in failed else failed[-1]
    return decisive[0], failed[-1][1]


def good_between(claims: Mapping[str, Any], *, exp_skew: int, iat_skew: int, nbf_skew: int) -> tuple[float, float]:
    """The span of whole seconds in which `check_times` has nothing to say of claims it has passed once."""
    begins = max(claims.get("iat", 0) - iat_skew, claims.get("nbf", 0) - nbf_skew)
    return begins, claims["exp"] + exp_skew if "exp" in claims else inf


def claim_at(claims: Mapping[str, Any], path: str) -> Any:
    """J-22: the claim of exactly that name, else the dotted path into objects; None when there is neither."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found


def identity_from(claims: Mapping[str, Any], *fields: str) -> tuple[str, None] | tuple[None, tuple[str, str]]:
    """J-22: the first of the fields that is a text, else `sub`; or the reason and Tyk's words. Numbers do not count."""
    for field in fields:
        named = claim_at(claims, field) if field else None
        if isinstance(named, str):
            return _named(named, f"found an empty user ID in predefined base claim, claim: {field}")
    subject = claims.get("sub")
    if isinstance(subject, str):
        return _named(subject, "found an empty user ID in sub claim")
    return None, (NO_IDENTITY, "no suitable claims for user ID were found")


def policy_ids_from(claims: Mapping[str, Any], field: str) -> list[str] | None:
    """J-28 and design §10: one id, or a list of which all apply; None when the field names no policy."""
    value = claim_at(claims, field)
    if isinstance(value, str):
        value = [value] if value else []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return None
    return value or None


def scopes_from(claims: Mapping[str, Any], claim_name: str) -> list[str] | None:
    """J-31, F-32: words parted by blanks alone (RFC 6749 §3.3), or a list; [] = there and empty, None = not there."""
    value = claim_at(claims, claim_name)
    if isinstance(value, str):
        return [word for word in value.split(" ") if word]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else None


def _is_time(value: object) -> bool:
    """A NumericDate (RFC 7519 §2); True is an int to Python and none here."""
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _named(identity: str, trouble: str) -> tuple[str, None] | tuple[None, tuple[str, str]]:
    return (identity, None) if identity else (None, (NO_IDENTITY, trouble))
