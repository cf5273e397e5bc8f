"""Tokens a library would not make: any bytes as header and payload, signed all the same."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

SECRET = b"a-shared-secret-of-32-characters"

Part = bytes | Mapping[str, Any]


def raw_token(header: Part, payload: Part, secret: bytes = SECRET) -> str:
    """Correctly signed by HMAC-SHA-256, whatever the header says."""
    signing_input = f"{base64url(_bytes(header))}.{base64url(_bytes(payload))}"
    return f"{signing_input}.{base64url(hmac.digest(secret, signing_input.encode(), hashlib.sha256))}"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


def _bytes(part: Part) -> bytes:
    return part if isinstance(part, bytes) else json.dumps(part).encode()
