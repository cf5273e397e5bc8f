"""The tokens and keys the load carries. Signs; knows nothing of who verifies."""

import base64
import json
import time
from functools import cache

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

HMAC_SECRET = "bench-secret-of-a-length-no-warning-needs"
SUBJECT = "bench-caller"
LIFETIME_S = 6 * 3600  # longer than any run


@cache
def rsa_key() -> RSAKey:
    return RSAKey.generate_key(2048)


def rsa_public_pem() -> bytes:
    return rsa_key().as_pem(private=False)


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


def rs256_tokens(count: int) -> list[str]:
    """Tokens of one subject that differ in their `jti` alone: about 1 ms each to sign."""
    header = {"alg": "RS256", "typ": "JWT"}
    return [jwt.encode(header, claims(f"rs256-{number}"), rsa_key()) for number in range(count)]


def forged(token: str) -> str:
    """The same token with another subject under the old signature."""
    header, payload, signature = token.split(".")
    decoded = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    other = base64.urlsafe_b64encode(json.dumps(decoded | {"sub": "someone-else"}).encode()).rstrip(b"=")
    return f"{header}.{other.decode()}.{signature}"
