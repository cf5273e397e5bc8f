"""Who may call an API, said in one line (user-pains P1). Pure."""

from collections.abc import Mapping
from typing import Final

from propylon.model.api_definition import ApiDefinition
from propylon.model.jwt_settings import JwtSettings

AUTHS: Final[Mapping[str, str]] = {
    "keyless": "Keyless",
    "token": "Auth token",
    "central": "JWT, identity provider",
    "per_key": "JWT, key per client",
    "issuers": "JWT, named issuers",
}


def auth_of(definition: ApiDefinition) -> str:
    """One of AUTHS."""
    return definition.auth_mode if definition.jwt is None else definition.jwt.mode


def access_line(definition: ApiDefinition) -> str:
    if definition.auth_mode == "keyless":
        return "Everybody may call it: no key and no token is asked for."
    if definition.jwt is None:
        return "Access comes from: the caller's key (its policies or APIs)."
    if definition.jwt.mode == "per_key":
        return "Access comes from: the client's key (its policies or APIs). Tokens need no policy claim."
    ways = _ways(definition.jwt)
    if not ways:
        return "Access comes from nowhere: name a policy claim, scopes or a default policy, or every token is refused."
    return f"Access comes from: {', else '.join(ways)}."


def _ways(jwt: JwtSettings) -> list[str]:
    """In the order in which they are asked (J-27 … J-31)."""
    claims = sorted({claim for issuer in jwt.issuers for claim in issuer.policy_claims})
    scopes = sorted({issuer.scope_claim for issuer in jwt.issuers if issuer.scope_to_policy})
    defaults = sorted({policy for issuer in jwt.issuers for policy in issuer.default_policies})
    return [
        *([f"the policy named in the token (claim {', '.join(claims)})"] if claims else []),
        *([f"its scopes (claim {', '.join(scopes)})"] if scopes else []),
        *([f"the default {'policies' if len(defaults) > 1 else 'policy'} {', '.join(defaults)}"] if defaults else []),
    ]
