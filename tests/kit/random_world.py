"""RandomWorld: definitions, policies, keys and requests, drawn from a seed; many of them wrong in some way.

Every draw comes from one generator, so a seed that found something finds it again.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from random import Random
from typing import Any, TypeVar

from tests.kit.definitions import jwt_api, keyless_api, policy, session, token_api
from tests.kit.memory_records import MemoryRecords
from tests.kit.tokens import SECRET, assembled, ec_key, hs256, public_jwk, sign

TARGET = "http://upstream.example/"
ISSUER = "https://idp.example"
KEY_SET_URL = "https://idp.example/keys"
KEY_SET = json.dumps({"keys": [public_jwk(ec_key(), kid="e1", use="sig", alg="ES256")]}).encode()
APIS = ("open", "token", "param", "jwt", "central", "issuers", "guarded")
POLICIES = ("gold", "trial", "parts", "each", "gone")
KEYS = ("plain-key", "other-key", "acme", "globex", "ab")
PATHS = ("/", "", "/orders", "/orders/7", "/orders/8", "/admin", "//orders/./7")

Document = dict[str, Any]
Choice = TypeVar("Choice")


class RandomWorld:
    def __init__(self, seed: int, now: float) -> None:
        self._random = Random(seed)
        self._now = int(now)

    def fill(self, records: MemoryRecords) -> None:
        for policy_id in POLICIES[:-1]:
            records.put_policy(self._policy(policy_id))
        for key_id in KEYS:
            records.put_key(key_id, self._key(key_id))
        for api_id in APIS:
            records.put_api(self._api(api_id))

    def change(self, records: MemoryRecords) -> int:
        """Something is written anew."""
        kind = self._random.randrange(5)
        if kind == 0:
            return records.put_policy(self._policy(self._one(POLICIES[:-1])))
        if kind == 1:
            return records.put_api(self._api(self._one(APIS)))
        if kind == 2:
            return records.revoke(*self._one((("subject", "alice"), ("jti", "7"), ("key", "k1"), ("issuer", ISSUER))))
        if kind == 3:
            return records.allow(*self._one((("subject", "alice"), ("jti", "7"), ("key", "k1"), ("issuer", ISSUER))))
        key_id = self._one(KEYS)
        return records.put_key(key_id, self._key(key_id))

    def pause(self) -> float:
        """Between two requests, in halves of a second that add up exactly."""
        return float(self._one((0, 0, 0.5, 1, 4)))

    def request(self) -> tuple[str, str, dict[str, str], str]:
        """Method, target, header fields and the client's address."""
        api_id = "nowhere" if self._chance(20) else self._one(APIS)
        is_jwt = api_id in ("jwt", "central", "issuers")
        credential = self._token(api_id) if is_jwt or self._chance(15) else self._key_id()
        target = f"/{api_id}{'/a%2fb' if self._chance(40) else self._one(PATHS)}"
        fields = {} if self._chance(15) else {"Authorization": self._one(("", "Bearer ")) + credential}
        if api_id == "param" or self._chance(30):
            target += f"?key={self._key_id()}"
        method = "get" if self._chance(40) else self._one(("GET", "GET", "POST"))
        return method, target, fields, self._one(("192.0.2.1", "2001:db8::1"))

    # -- parts ----------------------------------------------------------------------------------------------------

    def _api(self, api_id: str) -> Document:
        common = self._some(
            4,
            strip_auth_data=True,
            disable_quota=True,
            disable_rate_limit=True,
            global_rate_limit={"rate": self._one((1, 3)), "per": 5},
            version_data={"not_versioned": False, "default_version": "v2", "versions": {"v2": {"name": "v2"}}},
        )
        if self._chance(15):
            common["active"] = False
        if api_id == "open":
            return keyless_api(TARGET, api_id, **common)
        if api_id == "param":
            auth = {"use_param": True, "param_name": "key", "disable_header": self._chance(2)}
            return token_api(TARGET, api_id, auth=auth, **common)
        if api_id == "guarded":
            return token_api(
                TARGET, api_id, custom_middleware={"pre": [{"name": "x"}]} if self._chance(2) else {}, **common
            )
        if api_id == "token":
            return token_api(TARGET, api_id, **common)
        return jwt_api(TARGET, api_id, **common, **self._jwt_fields(api_id))

    def _jwt_fields(self, api_id: str) -> Document:
        rules = self._some(
            6,
            jwt_allowed_issuers=[ISSUER],
            jwt_allowed_audiences=["payments"],
            jwt_allowed_subjects=["alice", "acme"],
            jwt_require_exp=True,
            jwt_lifetime_max_s=3600,
            jwt_jti_validation={"enabled": True, "once": self._chance(2)},
            jwt_custom_claim_validation={"role": {"type": "contains", "allowed_values": ["admin"]}},
            jwt_expires_at_validation_skew=30,
            jwt_identity_base_field="user.id",
        )
        if api_id == "jwt":
            named = self._one((None, "jwt_skip_kid", "jwt_require_kid"))
            return rules | ({named: True} if named else {})
        tokens: Document = self._some(2, jwt_policy_field_name="pol", jwt_default_policies=[self._one(POLICIES)])
        tokens |= self._some(
            3, scopes={"jwt": {"scope_claim_name": "scope", "scope_to_policy": {"read": "gold", "write": "gone"}}}
        )
        if api_id == "central":
            return rules | tokens | {"jwt_source": b64encode(SECRET.encode()).decode()}
        issuer: Document = {"issuer": ISSUER, "jwks_uri": KEY_SET_URL, "default_policies": ["gold"]}
        issuer |= self._some(3, policy_ceiling=["gold"], policy_claims=["pol"], audiences=["payments"])
        return rules | {"jwt_signing_method": "ecdsa", "jwt_issuers": [issuer]}

    def _policy(self, policy_id: str) -> Document:
        apis = self._random.sample(APIS, self._random.randrange(1, len(APIS)))
        document = policy(
            policy_id, *apis, **self._limits(), **self._some(4, is_inactive=self._chance(3), tags=[policy_id])
        )
        if policy_id == "parts":
            document["partitions"] = {"acl": True, self._one(("rate_limit", "quota", "acl")): True}
        if policy_id == "each":
            document["partitions"] = {"per_api": self._chance(2)}
        for right in document["access_rights"].values():
            right |= self._right()
        return document

    def _key(self, key_id: str) -> Document:
        applied = self._random.sample(POLICIES, self._random.randrange(0, 3)) if self._chance(2) else []
        apis = self._random.sample(APIS, self._random.randrange(0, len(APIS)))
        document = session(*apis, **self._limits(), apply_policies=applied)
        document |= self._some(8, is_inactive=True, alias=key_id[:2], expires=self._now + self._one((-50, 2, 500)))
        if self._chance(10):
            document["hmac_enabled"] = True
        if key_id in ("acme", "globex"):
            document["jwt_data"] = {"secret": self._one((*[SECRET] * 5, "another secret of 32 characters."))}
        for right in document["access_rights"].values():
            right |= self._right()
        return document

    def _right(self) -> Document:
        rate = {"rate": 1, "per": 3}
        return self._some(
            4,
            limit=self._limits(),
            versions=["v2"],
            allowed_urls=[{"url": self._one(("/orders", "/orders/.*", "orders")), "methods": ["GET"]}],
            endpoints=[{"path": "/orders/.*", "methods": [{"name": "GET", "limit": rate}]}],
        )

    def _limits(self) -> Document:
        rates = self._some(2, rate=self._one((1, 2, 5, 0.5, -1)), per=self._one((1, 4, 10)))
        quotas = self._some(3, quota_max=self._one((1, 3, 8, -1)), quota_renewal_rate=self._one((0, 20, 60)))
        throttle = {"throttle_interval": 0.5, "throttle_retry_limit": 2} if self._chance(6) else {}
        return rates | quotas | throttle

    def _key_id(self) -> str:
        return self._one((*["plain-key", "other-key"] * 5, *KEYS, "nobody", "PLAIN-KEY", "acme "))

    def _token(self, api_id: str) -> str:
        claims = self._claims()
        kid = self._one((*["e1" if api_id == "issuers" else "acme"] * 6, "globex", "plain-key", "nobody", "e2", None))
        header = {} if kid is None else {"kid": kid}
        if self._chance(20):
            return assembled({"alg": self._one(("none", "RS256", "what"))} | header, claims)
        if self._chance(20):
            return self._one(("a.b", "x", "a.b.c", "e30.e30.e30"))
        if (api_id == "issuers") is not self._chance(20):
            return sign(claims, ec_key(), "ES256", **header)
        return hs256(claims, self._one((*[SECRET] * 7, "wrong")), **header)

    def _claims(self) -> Document:
        """The usual ones more often than not, and right more often than not."""
        claims: Document = {"sub": "alice", "iss": ISSUER, "exp": self._now + 3000, "iat": self._now}
        claims |= self._some(
            6,
            sub=self._one(("bob", "acme", 7, "")),
            iss="https://other.example",
            exp=self._now + self._one((-100, 5, 90_000)),
            iat=self._now + self._one((-10, 60)),
            nbf=self._now + self._one((-10, 60)),
        )
        claims |= self._some(
            2,
            aud=self._one(("payments", ["payments", "x"], 5)),
            jti=self._one(("7", "8", "9", "")),
            pol=self._one((*POLICIES, "gold", "gold", ["gold", "trial"], 3)),
            scope=self._one(("read", "read write", "other", ["read"])),
            role=self._one(("admin", "not-admin", ["admin"])),
            user={"id": "alice"},
        )
        for name in self._some(12, sub=0, iss=0, exp=0, iat=0):
            del claims[name]
        return claims

    # -- draws ----------------------------------------------------------------------------------------------------

    def _chance(self, one_in: int) -> bool:
        return self._random.randrange(one_in) == 0

    def _one(self, choices: Sequence[Choice]) -> Choice:
        return self._random.choice(choices)

    def _some(self, one_in: int, **members: Any) -> Document:
        """Each of them, or more often not."""
        return {name: value for name, value in members.items() if self._chance(one_in)}
