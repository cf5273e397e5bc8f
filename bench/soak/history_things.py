"""What `history` takes away and gives back by one write each: key, policy, secret, suspensions, revocations, API."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from bench.soak.history_run import LOOK_S, Stage, Thing, Watch, Write
from tests.kit.definitions import policy, session, token_api
from tests.kit.gateway import Gateway
from tests.kit.tokens import SECRET as SHARED_SECRET
from tests.kit.tokens import hs256

CONNECTIONS = 2
SECRET = "the-first-secret-of-32-characters"
OTHER_SECRET = "the-other-secret-of-32-characters"


class Toggled(NamedTuple):
    """Given at first. `grant` and `revoke` may be repeated."""

    kind: str
    path: str
    credential: str
    grant: Write
    revoke: Write

    async def live(self, stage: Stage) -> None:
        watch = stage.watch(self.path, self.credential, granted=True, connections=CONNECTIONS)
        await _take_and_give(stage, watch, self.revoke, self.grant)


class IdentitySuspended:
    """Of a subject that is not there before its token was seen, and control has heard of it: within seconds."""

    kind = "identity suspended"

    async def live(self, stage: Stage) -> None:
        token = hs256({"sub": "suspended"}, SHARED_SECRET)
        watch = stage.watch("/shared/", f"Bearer {token}", granted=True, connections=CONNECTIONS)
        record = await self._record(stage)
        path = f"/tyk/identities/{record}"
        await _take_and_give(stage, watch, Write("POST", f"{path}/suspend"), Write("POST", f"{path}/resume"))

    async def _record(self, stage: Stage) -> str:
        """Empty when all was over before it was there."""
        while not stage.is_over:
            for identity in (await stage.read("/tyk/identities?subject=suspended"))["identities"]:
                return str(identity["record"])
            await asyncio.sleep(LOOK_S)
        return ""


async def _take_and_give(stage: Stage, watch: Watch, revoke: Write, grant: Write) -> None:
    is_granted = True
    while not stage.is_over:
        is_granted = not is_granted
        await stage.change(watch, grant if is_granted else revoke, granted=is_granted)


def toggled(gateway: Gateway, limits: Mapping[str, Any]) -> list[Thing]:
    """Needs the APIs `token`, `jwt` and `shared`, whose subjects have the policy `steady`."""
    return [*_keys(gateway, limits), *_revocations(gateway, limits), IdentitySuspended(), _api(gateway, limits)]


def put(gateway: Gateway, path: str, body: Any) -> None:
    answer = gateway.api("POST", path, body)
    assert answer.status == 200, (path, answer)


def _keys(gateway: Gateway, limits: Mapping[str, Any]) -> list[Toggled]:
    key, by_policy = session("token", **limits), {"org_id": "default", "apply_policies": ["moving"]}
    signers = [_signer(secret, limits) for secret in (SECRET, OTHER_SECRET)]
    put(gateway, "/tyk/policies", policy("moving", "token", **limits))
    for key_id, document in {"a-key": key, "suspended": key, "by-policy": by_policy, "signer": signers[0]}.items():
        put(gateway, f"/tyk/keys/{key_id}", document)
    return [
        Toggled(
            "key",
            "/token/",
            "a-key",
            Write("POST", "/tyk/keys/a-key", key),
            Write("DELETE", "/tyk/keys/a-key"),
        ),
        Toggled(
            "key suspended",
            "/token/",
            "suspended",
            Write("POST", "/tyk/keys/suspended/resume"),
            Write("POST", "/tyk/keys/suspended/suspend"),
        ),
        Toggled(
            "policy",
            "/token/",
            "by-policy",
            Write("PUT", "/tyk/policies/moving", policy("moving", "token", **limits)),
            Write("PUT", "/tyk/policies/moving", policy("moving", "jwt", **limits)),
        ),
        Toggled(
            "secret",
            "/jwt/",
            "Bearer " + hs256({"sub": "x"}, SECRET, kid="signer"),
            Write("PUT", "/tyk/keys/signer", signers[0]),
            Write("PUT", "/tyk/keys/signer", signers[1]),
        ),
    ]


def _revocations(gateway: Gateway, limits: Mapping[str, Any]) -> list[Toggled]:
    put(gateway, "/tyk/keys/revoked-by-jti", _signer(SECRET, limits))
    put(gateway, "/tyk/keys/named", session("token", **limits))
    with_jti = "Bearer " + hs256({"sub": "x", "jti": "j-1"}, SECRET, kid="revoked-by-jti")
    revoked = [
        ("jti", "j-1", "/jwt/", with_jti),
        ("subject", "somebody", "/shared/", "Bearer " + hs256({"sub": "somebody"}, SHARED_SECRET)),
        ("key", "named", "/token/", "named"),
    ]
    return [
        Toggled(
            f"revocation of a {kind}",
            path,
            credential,
            Write("DELETE", f"/tyk/revocations/{kind}/{value}"),
            Write("POST", "/tyk/revoke", {kind: value}),
        )
        for kind, value, path, credential in revoked
    ]


def _api(gateway: Gateway, limits: Mapping[str, Any]) -> Toggled:
    target = json.loads(gateway.api("GET", "/tyk/apis/token").body)["proxy"]["target_url"]
    api = token_api(target, "comes-and-goes")
    put(gateway, "/tyk/apis", api)
    put(gateway, "/tyk/keys/of-the-api", session("comes-and-goes", **limits))
    return Toggled(
        "API",
        "/comes-and-goes/",
        "of-the-api",
        Write("POST", "/tyk/apis", api),
        Write("DELETE", "/tyk/apis/comes-and-goes"),
    )


def _signer(secret: str, limits: Mapping[str, Any]) -> dict[str, Any]:
    return session("jwt", jwt_data={"secret": secret}, **limits)
