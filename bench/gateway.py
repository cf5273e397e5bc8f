"""Propylon under test: `propylon serve` with one worker, spoken to as an operator would (files, Gateway REST API)."""

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench.processes import NotRun, running, wait_until_ready
from bench.proxies import Proxy
from bench.stores import Stores, migrate, program
from bench.tokens import source_of
from tests.kit.ports import free_port
from tests.kit.redis_server import RedisServer

SECRET = "bench-secret-of-the-gateway-rest-api"
ORG_ID = "bench"
POLICY_ID = "bench-policy"
READY_LINE = "propylon ready on http"
UNLIMITED: Mapping[str, Any] = {"disable_rate_limit": True, "disable_quota": True}
PER_KEY_JWT: Mapping[str, Any] = {"enable_jwt": True, "jwt_signing_method": "hmac", "jwt_source": ""}
ALGORITHMS: Mapping[str, str] = {"hs256": "HS256", "rs256": "RS256", "es256": "ES256", "eddsa": "EdDSA"}  # by API
FAMILIES: Mapping[str, str] = {"HS256": "hmac", "RS256": "rsa", "ES256": "ecdsa", "EdDSA": "eddsa"}

# Caches far smaller than the credentials that rotate through them, so that "fresh" and "cold" hold for each request.
VERIFIED_TOKENS_MAX = 1000
FRESH_TOKENS = 4 * VERIFIED_TOKENS_MAX
CACHED_KEYS_MAX = 200
COLD_KEYS = 4 * CACHED_KEYS_MAX

CONFIG = """\
listen = "127.0.0.1:{port}"
secret = "{secret}"
workers = 1
data_dir = "{folder}/data"
app_path = "{folder}/apis"
policy_path = "{folder}/policies"
verified_tokens_max = {verified_tokens_max}
cached_keys_max = {cached_keys_max}
"""


class Gateway(NamedTuple):
    """A running gateway and the door an operator uses."""

    proxy: Proxy

    def put_key(self, key_id: str, session: Mapping[str, Any]) -> None:
        self._call(f"/tyk/keys/{key_id}", session)

    def put_policy(self, policy: Mapping[str, Any]) -> None:
        self._call("/tyk/policies", policy)

    def _call(self, path: str, body: Mapping[str, Any]) -> None:
        headers = {"x-tyk-authorization": SECRET, "Content-Type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=10)
        try:
            connection.request("POST", path, json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise NotRun(f"POST {path}: {error}") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise NotRun(f"POST {path} answered {answer.status}: {text[:200]}")


def definitions(origin: int) -> list[dict[str, Any]]:
    """One API per thing that is measured, all with the same origin."""
    return [
        definition("keyless", origin, {"use_keyless": True}),
        definition("jwt", origin, {**PER_KEY_JWT, **UNLIMITED}),
        definition("jwt-limits", origin, PER_KEY_JWT),
        *(definition(name, origin, _signed_by_one(algorithm)) for name, algorithm in ALGORITHMS.items()),
        definition("key", origin, {"use_standard_auth": True, **UNLIMITED}),
    ]


def _signed_by_one(algorithm: str) -> Mapping[str, Any]:
    """An API whose tokens one issuer signs, without limits."""
    return {
        **UNLIMITED,
        "enable_jwt": True,
        "jwt_signing_method": FAMILIES[algorithm],
        "jwt_source": source_of(algorithm),
        "jwt_identity_base_field": "sub",
        "jwt_default_policies": [POLICY_ID],
    }


def definition(name: str, origin: int, auth: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "api_id": name,
        "org_id": ORG_ID,
        "active": True,
        "auth": {"auth_header_name": "Authorization"},
        "version_data": {"not_versioned": True, "versions": {"Default": {"name": "Default"}}},
        "proxy": {
            "listen_path": f"/{name}/",
            "target_url": f"http://127.0.0.1:{origin}",
            "strip_listen_path": True,
        },
        **auth,
    }


def session(api_ids: list[str]) -> dict[str, Any]:
    """Limits that are counted but never reached."""
    return {
        "org_id": ORG_ID,
        "rate": 1_000_000_000,
        "per": 60,
        "quota_max": 1_000_000_000,
        "quota_remaining": 1_000_000_000,
        "quota_renewal_rate": 86_400,
        "expires": -1,
        "access_rights": {
            api_id: {"api_id": api_id, "api_name": api_id, "versions": ["Default"]} for api_id in api_ids
        },
    }


def policy(api_ids: list[str]) -> dict[str, Any]:
    return {**session(api_ids), "id": POLICY_ID, "name": "Bench", "active": True}


@contextmanager
def running_gateway(
    folder: Path,
    origin: int,
    *,
    core: int | None,
    settings: Mapping[str, Any] | None = None,
    redis: RedisServer | None = None,
) -> Iterator[Gateway]:
    """Ready when it says so. The folder may hold the data of an earlier run."""
    port, log = free_port(), folder / "gateway.log"
    config = written_config(folder, origin, port, settings or {})
    with running(program("serve", config), log, core=core) as process:
        wait_until_ready(process, log, lambda: READY_LINE in log.read_text(errors="replace"))
        yield Gateway(Proxy(process.pid, port, has_usage=True, redis=redis))


@contextmanager
def running_fleet_node(folder: Path, origin: int, stores: Stores, *, core: int) -> Iterator[Gateway]:
    """The same process set as `running_gateway`, on Redis and PostgreSQL."""
    settings = stores.settings()
    migrate(written_config(folder, origin, 0, settings))
    with running_gateway(folder, origin, core=core, settings=settings, redis=stores.redis) as gateway:
        yield gateway


def seconds_to_first_200(folder: Path, origin: int) -> float:
    """From `propylon serve` to the first answer of the origin, on all cores."""
    port, log = free_port(), folder / "gateway.log"
    config = written_config(folder, origin, port, {})
    started = time.perf_counter()
    with running(program("serve", config), log, core=None) as process:
        wait_until_ready(process, log, lambda: status(port, "/keyless/", {}) == 200)
        return time.perf_counter() - started


def status(port: int, path: str, headers: Mapping[str, str]) -> int:
    """0 when nothing answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path, headers=dict(headers))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def written_config(folder: Path, origin: int, port: int, settings: Mapping[str, Any]) -> Path:
    for name in ("apis", "policies"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for one in definitions(origin):
        (folder / "apis" / f"{one['api_id']}.json").write_text(json.dumps(one))
    config = folder / "propylon.toml"
    config.write_text(
        CONFIG.format(
            port=port,
            secret=SECRET,
            folder=folder,
            verified_tokens_max=VERIFIED_TOKENS_MAX,
            cached_keys_max=CACHED_KEYS_MAX,
        )
        + "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    )
    return config
