"""A token as a client of a JWT key would make it, good for five minutes, for whoever wants to try the key at once.

Signed here only with a secret that this request has brought or made; a stored secret is never unsealed for it.
"""

import json
from typing import Any, Final, NamedTuple
from uuid import uuid4

from joserfc import jws
from joserfc.jwk import OctKey

from propylon.model.claim_rules import ClaimRules
from propylon.model.jwt_settings import JwtSettings

LIFE_S: Final = 300
NO_RULES: Final = ClaimRules()


class Sample(NamedTuple):
    """Before it is signed."""

    header: dict[str, Any]
    claims: dict[str, Any]


def sample_of(key_id: str, algorithm: str, jwt: JwtSettings | None, now: float) -> Sample:
    """With what the API asks of a token, as far as that can be known; `jwt` None when no API is in question."""
    rules = NO_RULES if jwt is None else jwt.claims
    header = {"alg": algorithm, "typ": rules.types[0] if rules.types else "JWT", "kid": key_id}
    life_s = min(LIFE_S, rules.lifetime_max_s or LIFE_S)
    claims: dict[str, Any] = {"iat": int(now), "exp": int(now) + life_s}
    for name, allowed in (("iss", rules.issuers), ("aud", rules.audiences), ("sub", rules.subjects)):
        claims |= {name: allowed[0]} if allowed else {}
    claims |= {"jti": uuid4().hex} if rules.require_jti else {}
    for rule in rules.custom:
        _put(claims, rule.path.split("."), rule.allowed[0] if rule.allowed else "example")
    if jwt is not None and jwt.skip_kid:  # then the identity claim names the key
        claims[jwt.identity_base_field or "sub"] = key_id
    return Sample(header, claims)


def signed_sample(sample: Sample, secret: str) -> str:
    """Not import_key, which warns of short secrets: that was said already."""
    raw = secret.encode()
    payload = json.dumps(sample.claims).encode()
    return jws.serialize_compact(sample.header, payload, OctKey(raw, raw), algorithms=[sample.header["alg"]])


def _put(claims: dict[str, Any], path: list[str], value: Any) -> None:
    *outer, last = path
    for name in outer:
        claims = claims.setdefault(name, {})
        if not isinstance(claims, dict):
            return
    claims.setdefault(last, value)
