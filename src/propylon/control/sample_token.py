"""A token signed here with a secret that was made a moment ago, so that whoever set a thing up can try it at once."""

import json
from collections.abc import Mapping
from typing import Any

from joserfc.jwk import OctKey
from joserfc.jws import serialize_compact


def hs256_token(secret: bytes, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """RFC 7515 §3.1; the secret is the HMAC key as it stands."""
    protected = {"alg": "HS256", "typ": "JWT", **header}
    content = json.dumps(claims, separators=(",", ":")).encode()
    return serialize_compact(protected, content, OctKey.import_key(secret), algorithms=["HS256"])
