"""The tokens and keys the load carries. Signs; knows nothing of who verifies."""

import base64
import json
import time
from collections.abc import Callable
from functools import cache

from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

HMAC_SECRET = "bench-secret-of-a-length-no-warning-needs"
SUBJECT = "bench-caller"
LIFETIME_S = 6 * 3600  # longer than any run


@cache
def signing_key(algorithm: str) -> Key:
    """Of one run; `source_of` says what verifies."""
    made: dict[str, Callable[[], Key]] = {
        "HS256": lambda: OctKey.import_key(HMAC_SECRET),
        "RS256": lambda: RSAKey.generate_key(2048),
        "ES256": lambda: ECKey.generate_key("P-256"),
        "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
    }
    return made[algorithm]()


def source_of(algorithm: str) -> str:
    """What a definition's `jwt_source` says of the key: base64 of the secret or of the public key's PEM."""
    key = signing_key(algorithm)
    raw = HMAC_SECRET.encode() if isinstance(key, OctKey) else key.as_pem(private=False)
    return base64.b64encode(raw).decode()


def claims(token_id: str) -> dict[str, str | int]:
    issued = int(time.time())
    return {
        "iss": "https://issuer.example",
        "sub": SUBJECT,
        "aud": "https://api.example",
        "iat": issued,
        "exp": issued + LIFETIME_S,
        "jti": token_id,
    }


def hs256_token(kid: str) -> str:
    header = {"alg": "HS256", "typ": "JWT", "kid": kid}
    return jwt.encode(header, claims("hs256"), OctKey.import_key(HMAC_SECRET))


def signed_tokens(algorithm: str, count: int) -> list[str]:
    """Tokens of one subject that differ in their `jti` alone; RS256 takes about 1 ms each to sign."""
    header, key = {"alg": algorithm, "typ": "JWT"}, signing_key(algorithm)
    return [jwt.encode(header, claims(f"{algorithm}-{number}"), key, [algorithm]) for number in range(count)]


def forged(token: str) -> str:
    """The same token with another subject under the old signature."""
    header, payload, signature = token.split(".")
    decoded = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    other = base64.urlsafe_b64encode(json.dumps(decoded | {"sub": "someone-else"}).encode()).rstrip(b"=")
    return f"{header}.{other.decode()}.{signature}"
