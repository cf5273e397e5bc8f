"""PUT(GET(x)) changes nothing that anyone could observe: not what is read, nor a counter, a revision, or an answer."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from tests.end_to_end.whole_documents import whole_policy, whole_session
from tests.kit.client import Response, get
from tests.kit.definitions import jwt_api, keyless_api, policy, session, token_api
from tests.kit.front import FRONTS, Front, newest_revision, running_front
from tests.kit.origin import Origin
from tests.kit.tokens import SECRET, ec_key, hs256, public_pem, rsa_key, sign

LIMITS = {"quota_max": 50, "quota_renewal_rate": 3600, "rate": 40, "per": 3600}
PEM = public_pem(rsa_key())
MASKED = {
    "jwt_data": {"secret": SECRET},
    "hmac_string": "an-hmac-string",
    "basic_auth_data": {"password": "a-password"},
}


class Caller(NamedTuple):
    """A key, and the request that uses it."""

    body: dict[str, Any]
    path: str
    credential: str  # "" = the key's own id


def limited_api(api_id: str, **limits: Any) -> dict[str, Any]:
    right = {"api_id": api_id, "api_name": api_id, "versions": ["Default"], "limit": {**LIMITS, **limits}}
    endpoint = {"path": "/x", "methods": [{"name": "GET", "limit": {"rate": 20, "per": 3600}}]}
    return session(api_id) | {"access_rights": {api_id: right | {"endpoints": [endpoint]}}}


def bearer(token: str) -> str:
    return f"Bearer {token}"


CALLERS: Mapping[str, Caller] = {
    "token": Caller(session("token"), "/token/x", ""),
    "token with limits": Caller(session("token", **LIMITS), "/token/x", ""),
    "limits per API and endpoint": Caller(limited_api("token"), "/token/x", ""),
    "without an end to it": Caller(session("token", expires=0, quota_max=-1, rate=0), "/token/x", ""),
    "inactive": Caller(session("token", is_inactive=True), "/token/x", ""),
    "every member": Caller(whole_session("token"), "/token/x", ""),
    "by policy": Caller({"org_id": "default", "apply_policies": ["with-limits"]}, "/token/x", ""),
    "by the old member": Caller({"org_id": "default", "apply_policy_id": "with-limits"}, "/token/x", ""),
    "by two policies": Caller({"org_id": "default", "apply_policies": ["with-limits", "plain"]}, "/token/x", ""),
    "by a policy that ends": Caller({"org_id": "default", "apply_policies": ["that-ends"]}, "/token/x", ""),
    "policy and rights": Caller(session("token", apply_policies=["with-limits"]), "/token/x", ""),
    "JWT HMAC": Caller(session("hmac", **LIMITS, **MASKED), "/hmac/x", bearer(hs256({}, kid="JWT HMAC"))),
    "JWT HMAC, policy": Caller(
        {"org_id": "default", "apply_policies": ["with-limits"], **MASKED},
        "/hmac/x",
        bearer(hs256({}, kid="JWT HMAC, policy")),
    ),
    "JWT of one algorithm": Caller(
        session("hmac", jwt_data={"secret": SECRET, "algorithm": "HS256"}),
        "/hmac/x",
        bearer(hs256({}, kid="JWT of one algorithm")),
    ),
    "JWT PEM": Caller(
        session("rsa", **LIMITS, jwt_data={"secret": PEM}),
        "/rsa/x",
        bearer(sign({"sub": "x"}, rsa_key(), "RS256", kid="JWT PEM")),
    ),
    "JWT EC": Caller(
        session("ecdsa", jwt_data={"secret": public_pem(ec_key())}),
        "/ecdsa/x",
        bearer(sign({"sub": "x"}, ec_key(), "ES256", kid="JWT EC")),
    ),
    "JWT and token": Caller(session("token", jwt_data={"secret": SECRET}, allow_as_token=True), "/token/x", ""),
}


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin() as running:
        yield running


@pytest.fixture(scope="module", params=FRONTS)
def gateway(request: pytest.FixtureRequest, origin: Origin) -> Iterator[Front]:
    apis = [token_api(origin.url)]
    apis += [jwt_api(origin.url, family, jwt_signing_method=family) for family in ("hmac", "rsa", "ecdsa")]
    policies = [
        policy("with-limits", "token", "hmac", **LIMITS),
        policy("plain", "token"),
        policy("rights", "token", partitions={"acl": True}),
        policy("that-ends", "token", key_expires_in=3600),
    ]
    with running_front(request.param, apis, policies) as running:
        yield running


def written_back(gateway: Front, path: str, method: str = "PUT") -> Response:
    """What a read answers, sent as it came; nothing must be different after it."""
    before, revision_before = gateway.api("GET", path), newest_revision(gateway)
    answer = gateway.api(method, path, before.json())
    assert answer.status == 200, answer
    after = gateway.api("GET", path)
    assert after.json() == before.json()
    assert (after.value("ETag"), answer.value("ETag")) == (before.value("ETag"),) * 2
    assert newest_revision(gateway) == revision_before
    return answer


@pytest.mark.parametrize("name", CALLERS)
def test_a_key_written_back_is_the_same_key(gateway: Front, name: str) -> None:
    caller, path = CALLERS[name], f"/tyk/keys/{name.replace(' ', '%20')}"
    assert gateway.api("POST", path, caller.body).status == 200
    fields = {"Authorization": caller.credential or name}
    first, second = (get(gateway.url + caller.path, fields) for _ in range(2))
    assert first.status == (403 if name == "inactive" else 200)
    written_back(gateway, path)
    third = get(gateway.url + caller.path, fields)
    assert (third.status, third.body) == (second.status, second.body)
    assert remaining(third) == [number - 1 if number > 0 else number for number in remaining(second)]
    by_hash = gateway.api("GET", path).json()["key_hash"]
    written_back(gateway, f"/tyk/keys/{by_hash}")
    assert get(gateway.url + caller.path, fields).status == first.status


def remaining(answer: Response) -> list[int]:
    return [int(text) for text in answer.values("X-RateLimit-Remaining")]


@pytest.mark.parametrize("name", CALLERS)
def test_a_key_posted_again_is_the_same_key(gateway: Front, name: str) -> None:
    path = f"/tyk/keys/{name.replace(' ', '%20')}%20again"
    assert gateway.api("POST", path, CALLERS[name].body).status == 200
    get(f"{gateway.url}/token/x", {"Authorization": f"{name} again"})
    before = gateway.api("GET", path).json()
    answer = gateway.api("POST", path, CALLERS[name].body)
    assert (answer.status, answer.json()["action"]) == (200, "added")
    assert gateway.api("GET", path).json() == before


def test_a_key_past_its_end_is_written_back_as_it_stands(gateway: Front) -> None:
    assert gateway.api("POST", "/tyk/keys/ended", session("token", expires=1)).status == 200
    written_back(gateway, "/tyk/keys/ended")


PARTITIONS: Mapping[str, dict[str, Any]] = {
    "none": {},
    "quota": {"quota": True},
    "rate": {"rate_limit": True},
    "complexity": {"complexity": True},
    "acl": {"acl": True},
    "acl-quota-rate": {"acl": True, "quota": True, "rate_limit": True},
    "per-api": {"per_api": True},
}


@pytest.mark.parametrize("name", PARTITIONS)
def test_a_policy_written_back_is_the_same_policy(gateway: Front, name: str) -> None:
    body = whole_policy(name, "token", partitions=PARTITIONS[name], key_expires_in=600)
    assert gateway.api("POST", "/tyk/policies", body).status == 200
    grants = "acl" in name or name in ("none", "per-api")
    key = session("token", apply_policies=[name] if grants else [name, "rights"])
    assert gateway.api("POST", f"/tyk/keys/key-{name}", key).status == 200
    fields = {"Authorization": f"key-{name}"}
    status = get(f"{gateway.url}/token/x", fields).status
    before = gateway.api("GET", f"/tyk/keys/key-{name}?effective=1").json()
    written_back(gateway, f"/tyk/policies/{name}")
    written_back(gateway, f"/tyk/policies/{name}", "POST")
    assert gateway.api("GET", f"/tyk/keys/key-{name}?effective=1").json() == before
    assert get(f"{gateway.url}/token/x", fields).status == status


def central(family: str, key: str) -> dict[str, Any]:
    source = b64encode(key.encode()).decode()
    policies = {"jwt_policy_field_name": "pol", "jwt_default_policies": ["all-apis"]}
    return {"jwt_signing_method": family, "jwt_source": source, **policies}


APIS: Mapping[str, tuple[dict[str, Any], str]] = {
    "keyless": (keyless_api("", "api"), ""),
    "keyless with a limit": (keyless_api("", "api", global_rate_limit={"rate": 30, "per": 3600}), ""),
    "token": (token_api("", "api"), "steady"),
    "token with a guard": (token_api("", "api", allowed_ips=["10.0.0.1"]), "steady"),
    "central hmac": (jwt_api("", "api", **central("hmac", SECRET)), bearer(hs256({"sub": "x"}))),
    "central rsa": (jwt_api("", "api", **central("rsa", PEM)), bearer(sign({"sub": "x"}, rsa_key(), "RS256"))),
    "per key": (jwt_api("", "api"), bearer(hs256({}, kid="signer"))),
    "inactive": (token_api("", "api", active=False), "steady"),
}
PATHS = {"plain": ("/api/", "/api/x"), "templated": ("/shops/{id}/orders/", "/shops/7/orders/x")}


@pytest.mark.parametrize("listen", PATHS)
@pytest.mark.parametrize("name", APIS)
def test_an_api_written_back_is_the_same_api(gateway: Front, origin: Origin, name: str, listen: str) -> None:
    (api, credential), (listen_path, path) = APIS[name], PATHS[listen]
    proxy = {"listen_path": listen_path, "target_url": origin.url, "strip_listen_path": True}
    gateway.api("DELETE", "/tyk/apis/api")  # else a secret that this one leaves out would be kept
    for path_, body in (
        ("/tyk/apis", api | {"proxy": proxy}),
        ("/tyk/policies?overwrite=1", policy("all-apis", "api")),
        ("/tyk/keys/steady?overwrite=1", session("api")),
        ("/tyk/keys/signer?overwrite=1", session("api", jwt_data={"secret": SECRET})),
    ):
        assert gateway.api("POST", path_, body).status == 200
    fields = {"Authorization": credential} if credential else {}
    before = get(gateway.url + path, fields)
    assert before.status == {"inactive": 404, "token with a guard": 503}.get(name, 200)
    written_back(gateway, "/tyk/apis/api")
    written_back(gateway, "/tyk/apis/api", "POST")
    after = get(gateway.url + path, fields)
    assert (after.status, after.body) == (before.status, before.body)
