"""What a person needs to know of a key that verifies JWTs: its `kid`, what to sign with, and where it cannot work.

Reads no store. Such a key's ID is an identifier, not a credential (design §5.2, user-pains P2, P3).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from propylon.errors import Problem
from propylon.jose.verification import Family, VerificationRecord, from_pem, from_secret
from propylon.model.api_definition import ApiDefinition
from propylon.model.session import Session, is_jwt_key
from propylon.model.session_secrets import JWT_SECRET

PUBLIC_FAMILIES: Final[tuple[Family, ...]] = ("rsa", "ecdsa", "eddsa")


def jwt_key_members(key_id: str, session: Session, secrets: Mapping[str, str]) -> dict[str, str]:
    """Members of an answer; none for other keys."""
    if not is_jwt_key(secrets):
        return {}
    algorithm = signing_algorithm(session, secrets[JWT_SECRET])
    alone = "is a credential too, as allow_as_token is set" if session.allow_as_token else "opens nothing"
    hint = (
        f'This key verifies JWTs. Its holder signs them with {algorithm}, writes "kid": "{key_id}" into their header '
        f"and sends them as Authorization: Bearer <JWT>. The ID alone {alone}."
    )
    return {"kid": key_id, "algorithm": algorithm, "hint": hint}


def signing_algorithm(session: Session, secret: str) -> str:
    """What the key says, else the usual one of what it holds."""
    if session.jwt_data.algorithm:
        return session.jwt_data.algorithm
    made = (from_pem(secret.encode(), family=family, id="") for family in PUBLIC_FAMILIES)
    fitting = next((record for record in made if isinstance(record, VerificationRecord)), None)
    if fitting is None:
        return "HS256"
    return min(fitting.algorithms & {"RS256", "EdDSA"} or fitting.algorithms)


def jwt_key_warnings(
    path: str, definition: ApiDefinition, session: Session, secrets: Mapping[str, str]
) -> Iterator[Problem]:
    """Where the right at `path`, on this API, is not what the key's writer may think."""
    jwt = definition.jwt
    if not is_jwt_key(secrets):
        if jwt is not None and jwt.mode == "per_key":
            text = (
                "is a JWT API where each key verifies its own tokens, and this key has no jwt_data.secret; give it one"
            )
            yield Problem(path, "jwt_key_without_secret", text)
    elif definition.auth_mode == "token" and not session.allow_as_token:
        text = "takes key IDs as credentials; this key's ID is none, as it verifies JWTs, unless allow_as_token is set"
        yield Problem(path, "jwt_key_is_no_token", text)
    elif jwt is not None and jwt.mode != "per_key":
        text = "verifies all tokens with the keys that its definition names, so this key is not looked at there"
        yield Problem(path, "jwt_key_not_used", text)
    elif jwt is not None and jwt.signing_family is not None:
        yield from _misfit(path, jwt.signing_family, jwt.allowed_algorithms, secrets[JWT_SECRET])


def _misfit(path: str, family: Family, allowed: frozenset[str], secret: str) -> Iterator[Problem]:
    """Made as steps/jwt does at use."""
    raw = secret.encode()
    algorithms = allowed or None
    made = (
        from_secret(raw, id="", algorithms=algorithms)
        if family == "hmac"
        else from_pem(raw, family=family, id="", algorithms=algorithms)
    )
    if isinstance(made, Problem):
        yield Problem(JWT_SECRET, "jwt_secret_unfit", f"{made.message} (jwt_signing_method of {path} is {family})")
