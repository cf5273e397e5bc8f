"""Secrets that are easy to guess: too short for their hash, or printed in tutorials and example files.

They are accepted with a warning; whether that is a refusal is for the caller (design §10, `strict_secrets`).
"""

from typing import Final

from propylon.errors import Problem

# RFC 7518 §3.2: a key as long as the hash, or longer.
SECRET_MIN_BYTES: Final = {"HS256": 32, "HS384": 48, "HS512": 64}

# Those long enough to pass the length check, first Tyk's example secret; shorter ones are warned of anyway.
PUBLICLY_KNOWN: Final = (
    b"352d20ee67be67f6340b4c0605b044b7",
    b"a-string-secret-at-least-256-bits-long",
    b"a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
    b"my-secret-key-that-is-at-least-32-bytes-long",
)


def weakness(secret: bytes, alg: str) -> Problem | None:
    shortest = SECRET_MIN_BYTES[alg]
    if len(secret) < shortest:
        text = f"has {len(secret)} bytes; {alg} asks for at least {shortest} random ones (RFC 7518 §3.2)"
        return Problem("", "secret_short", text)
    if secret.strip().lower() in PUBLICLY_KNOWN:
        return Problem("", "secret_public", "is publicly known, so anyone can sign with it; make a random one")
    return None
