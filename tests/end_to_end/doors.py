"""Doors: APIs in either JWT mode with each kind of key, and tokens that their own keys sign whatever stands in them."""

import contextlib
import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from joserfc.jwk import ECKey, OctKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.jose.raw_tokens import base64url
from tests.kit.client import Response, get
from tests.kit.definitions import jwt_api, policy, session
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.origin import Origin
from tests.kit.tokens import SECRET, ec_key, public_pem, rsa_key, secret_key

FAR = 4_102_444_800  # the year 2100
GOOD: Mapping[str, Any] = {"sub": "anna", "exp": FAR}

Key = OctKey | RSAKey | ECKey
Part = bytes | Mapping[str, Any]


class Door(NamedTuple):
    mode: str  # "per-key" or "central"
    family: str
    alg: str
    key: Key
    verifies: str  # the secret or public key that the gateway holds
    kid: str  # "" in central mode

    @property
    def api_id(self) -> str:
        return f"{self.mode}-{self.family}"

    def header(self, **members: Any) -> dict[str, Any]:
        return {"alg": self.alg, "typ": "JWT"} | ({"kid": self.kid} if self.kid else {}) | members

    def token(self, header: Part | None = None, payload: Part = GOOD) -> str:
        """Signed with the door's own key as its own algorithm, whatever the header says."""
        parts = (self.header() if header is None else header, payload)
        raw = (part if isinstance(part, bytes) else json.dumps(part).encode() for part in parts)
        signing_input = ".".join(map(base64url, raw))
        signature = JWSRegistry.algorithms[self.alg].sign(signing_input.encode(), self.key)
        return f"{signing_input}.{base64url(signature)}"


KEYS: Mapping[str, tuple[str, Key, str]] = {
    "hmac": ("HS256", secret_key(), SECRET),
    "rsa": ("RS256", rsa_key(), public_pem(rsa_key())),
    "ecdsa": ("ES256", ec_key(), public_pem(ec_key())),
}
DOORS = [
    Door(mode, family, *key, kid=f"signer-{family}" if mode == "per-key" else "")
    for mode in ("per-key", "central")
    for family, key in KEYS.items()
]


@contextlib.contextmanager
def gateway_with_doors(origin: Origin) -> Iterator[Gateway]:
    ids = [door.api_id for door in DOORS]
    policies = [policy("ours", *ids), policy("theirs", *ids, org_id="other")]
    with running_gateway([_api(origin, door) for door in DOORS], policies) as running:
        for door in DOORS:
            if door.kid:
                body = session(door.api_id, jwt_data={"secret": door.verifies})
                assert running.api("POST", f"/tyk/keys/{door.kid}", body).status == 200
        yield running


def ask(gateway: Gateway, door: Door, token: str) -> Response:
    return get(f"{gateway.url}/{door.api_id}/x", {"Authorization": f"Bearer {token}"})


def _api(origin: Origin, door: Door) -> dict[str, Any]:
    members: dict[str, Any] = {"jwt_signing_method": door.family, "jwt_allowed_algorithms": [door.alg]}
    if door.mode == "central":
        members |= {"jwt_source": b64encode(door.verifies.encode()).decode()}
        members |= {"jwt_policy_field_name": "pol", "jwt_default_policies": ["ours"]}
    return jwt_api(origin.url, door.api_id, **members)
