"""The secrets of a key: taken out before it is stored, never shown, kept when a write does not name them (design §3.5).

Sealing them is the records' affair; here they are plain texts for as long as one write lasts.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from hashlib import sha256
from re import compile as pattern
from typing import Any, Final, Literal, NamedTuple

from propylon.errors import Problem
from propylon.model.session_record import Session

JWT_SECRET: Final = "jwt_data.secret"
HMAC_STRING: Final = "hmac_string"
BASIC_PASSWORD: Final = "basic_auth_data.password"
RING_PREFIX: Final = "ring."  # of what the earlier generations of jwt_data.secret are kept under
SECRET_PATHS: Final = (JWT_SECRET, HMAC_STRING, BASIC_PASSWORD)

CLEARABLE: Final[Mapping[str, str]] = {"jwt_data": JWT_SECRET, "hmac": HMAC_STRING, "basic": BASIC_PASSWORD}

JWT_ALGORITHMS: Final = (
    *("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
HMAC_SECRET_MIN_BYTES: Final = {"HS256": 32, "HS384": 48, "HS512": 64}  # RFC 7518 §3.2: as long as the hash
PUBLIC_SECRETS: Final = frozenset(
    {
        *(
            "xxx",
            "secret",
            "your-256-bit-secret",
            "your-384-bit-secret",
            "your-512-bit-secret",
            "changeme",
            "change-me",
        ),
        *("password", "passw0rd", "test", "testing", "foobar", "mysecret", "my-secret", "supersecret", "topsecret"),
        *("jwt-secret", "jwt_secret", "jwtsecret", "shhhhh", "12345678", "123456789", "1234567890", "qwerty", "admin"),
        "a-string-secret-at-least-256-bits-long",
        "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
        "my-secret-key-that-is-at-least-32-bytes-long",
        "352d20ee67be67f6340b4c0605b044b7",  # of Tyk's example file
    }
)

_MASK: Final = pattern(r"sha256:[0-9a-f]{16}|[•*]{3,}")


class KeptSecrets(NamedTuple):
    secrets: dict[str, str]
    warnings: list[Problem]


def extract_secrets(session: Session) -> dict[str, str]:
    """Takes the secrets out of a session: what remains may be stored and shown."""
    found = {path: _secret_at(session, path) for path in SECRET_PATHS}
    session.jwt_data = replace(session.jwt_data, secret="")
    session.hmac_string = ""
    session.basic_auth_data = replace(session.basic_auth_data, password="")
    return {path: secret for path, secret in found.items() if secret}


def keep_secrets(
    new_secrets: Mapping[str, str], stored_secrets: Mapping[str, str], clear: frozenset[str] = frozenset()
) -> KeptSecrets:
    """What is in force after a write: a secret it does not name is kept, said so; `clear` holds words of CLEARABLE."""
    cleared = {CLEARABLE[word] for word in clear}
    kept = {path: secret for path, secret in stored_secrets.items() if path not in new_secrets and path not in cleared}
    text = f"was kept as it is; ?clear={'|'.join(CLEARABLE)} removes it"
    named = [path for path in kept if not path.startswith(RING_PREFIX)]
    return KeptSecrets({**kept, **new_secrets}, [Problem(path, "secret_kept", text) for path in named])


def public_view(session_json: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
    """A session's JSON as anyone may read it: fingerprints beside empty secrets, even if it still held some."""
    view = deepcopy(dict(session_json))
    for path in SECRET_PATHS:
        parent, name = _parent(view, path)
        parent[name] = ""
        parent.pop(f"{name}_fingerprint", None)
        if secrets.get(path):
            parent[f"{name}_fingerprint"] = fingerprint(secrets[path])
    return view


def fingerprint(secret: str) -> str:
    """Tells whether two secrets are the same one without showing either."""
    return f"sha256:{sha256(secret.encode()).hexdigest()[:16]}"


def is_jwt_key(secrets: Mapping[str, str]) -> bool:
    """Whether a key can verify tokens; its ID is then written into them and is no credential (design §5.2)."""
    return bool(secrets.get(JWT_SECRET))


def is_identifier(secrets: Mapping[str, str]) -> bool:
    """Whether the key ID is a name that some secret proves (user name, HMAC keyId, kid) and no credential by itself."""
    return any(secrets.get(path) for path in SECRET_PATHS)


def key_kind(secrets: Mapping[str, str]) -> Literal["jwt_key", "token"]:
    return "jwt_key" if is_jwt_key(secrets) else "token"


def secret_problems(session: Session) -> Iterator[Problem]:
    for path in SECRET_PATHS:
        if _MASK.fullmatch(_secret_at(session, path)):
            text = (
                "is what reads show in the place of a secret; leave it out to keep the stored one, or send the secret"
            )
            yield Problem(path, "secret_is_mask", text)
    algorithm = session.jwt_data.algorithm
    if algorithm and algorithm not in JWT_ALGORITHMS:
        text = f'"{algorithm}" is not known; use one of {", ".join(JWT_ALGORITHMS)}, or leave it out'
        yield Problem("jwt_data.algorithm", "algorithm_unknown", text)


def secret_warnings(session: Session) -> Iterator[Problem]:
    """`strict_secrets` turns these into problems."""
    secret, algorithm = session.jwt_data.secret, session.jwt_data.algorithm or "HS256"
    shortest = HMAC_SECRET_MIN_BYTES.get(algorithm)
    if not secret or shortest is None or "-----BEGIN " in secret:
        return
    if secret.lower() in PUBLIC_SECRETS:
        yield Problem(JWT_SECRET, "secret_public", "is publicly known, so anyone can sign tokens; use a random one")
    elif len(secret.encode()) < shortest:
        text = f"has {len(secret.encode())} bytes; {algorithm} asks for at least {shortest} random ones (RFC 7518 §3.2)"
        yield Problem(JWT_SECRET, "secret_short", text)


def _secret_at(session: Session, path: str) -> str:
    name, _, inner = path.partition(".")
    value = getattr(session, name)
    return str(getattr(value, inner) if inner else value)


def _parent(view: dict[str, Any], path: str) -> tuple[dict[str, Any], str]:
    outer, _, name = path.rpartition(".")
    if not outer:
        return view, name
    parent = view[outer] = view.get(outer) or {}
    return parent, name
