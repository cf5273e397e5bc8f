"""Secrets with a shape of their own go in by every door; afterwards they are looked for in all that comes out."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from tests.kit.client import Response, get, request
from tests.kit.definitions import jwt_api, policy, session, token_api
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.origin import Origin
from tests.kit.tokens import hs256


def canary(name: str) -> str:
    return f"canary-{name}-0123456789-{name[::-1]}-abcdefghijklm"


JWT_SECRET, JWT_SOURCE, FILE_SOURCE = canary("jwt_data"), canary("jwt_source"), canary("file_source")
HMAC_STRING, PASSWORD = canary("hmac_string"), canary("password")
ROOT_SECRET, GUESS = canary("root_secret"), canary("guess")
KEY_IDS = {name: canary(name) for name in ("key-id", "unknown-id", "query-id", "deleted-id")}
RECORDED = {"enable_detailed_recording": True}
UPSTREAM_PASSWORD = canary("upstream_auth")
TOKENS = {"jwt": hs256({"sub": "x"}, JWT_SECRET, kid="signer"), "central": hs256({"sub": "x"}, JWT_SOURCE)}

SECRETS = {
    **{"jwt_data.secret": JWT_SECRET, "jwt_source": JWT_SOURCE, "jwt_source of a file": FILE_SOURCE},
    **{"hmac_string": HMAC_STRING, "basic password": PASSWORD, "upstream password": UPSTREAM_PASSWORD},
    **{"root secret": ROOT_SECRET, "a wrong gateway secret": GUESS, **TOKENS},
}


class Traces(NamedTuple):
    """All that a gateway let out. Answers that name a key in `key` are told apart: they are meant to."""

    answers: list[bytes]
    log: bytes
    files: dict[Path, bytes]
    gateway_secret: str


@pytest.fixture(scope="module")
def traces() -> Iterator[Traces]:
    settings = {"root_secret": ROOT_SECRET, "meters_map_bytes": 1 << 20, "usage_map_bytes": 1 << 20}
    settings |= {"access_log": "all"}
    with Origin() as origin, running_gateway([central(origin, "filed", FILE_SOURCE)], settings=settings) as gateway:
        answers = [*written(gateway, origin), *used(gateway), *read(gateway), *refused(gateway)]
        running = data_files(gateway)
        gateway.kill()  # whatever was in the middle of something stays as it was
        killed = data_files(gateway)
        gateway.start()
        answers += [*used(gateway), *read(gateway)]
        gateway.stop()
        kinds = ("killed", killed), ("running", running), ("stopped", data_files(gateway))
        files = {Path(kind) / path: content for kind, found in kinds for path, content in found.items()}
        yield Traces([whole(one) for one in answers], gateway.stderr_path.read_bytes(), files, gateway.secret)


def central(origin: Origin, api_id: str, secret: str) -> dict[str, Any]:
    source = b64encode(secret.encode()).decode()
    return jwt_api(origin.url, api_id, jwt_source=source, jwt_default_policies=["all"])


def written(gateway: Gateway, origin: Origin) -> Iterator[Response]:
    signer = session("jwt", jwt_data={"secret": JWT_SECRET}, hmac_string=HMAC_STRING)
    signer |= {"basic_auth_data": {"password": PASSWORD, "user": "anna"}}
    query = {"auth_configs": {"authToken": {"auth_header_name": "Authorization", "use_param": True}}}
    upstream_auth = {"enabled": False, "basic_auth": {"enabled": False, "username": "u", "password": UPSTREAM_PASSWORD}}
    for path, body in (
        ("/tyk/apis", central(origin, "central", JWT_SOURCE) | RECORDED),
        ("/tyk/apis", jwt_api(origin.url, upstream_auth=upstream_auth, **RECORDED)),
        ("/tyk/apis", token_api(origin.url, "plain", **query, **RECORDED)),
        ("/tyk/apis", token_api("http://127.0.0.1:9", "dead", **query, **RECORDED)),
        ("/tyk/policies", policy("all", "central", "filed")),
        ("/tyk/keys/signer", signer),
        ("/tyk/keys/preview", signer),
    ):
        answer = gateway.api("POST", path, body)
        assert answer.status == 200, answer
        yield answer
    for name in ("key-id", "query-id", "deleted-id"):  # their own answers name the key, as the client must send it
        assert gateway.api("POST", f"/tyk/keys/{KEY_IDS[name]}", session("plain", "dead", alias=name)).status == 200
    assert gateway.api("DELETE", f"/tyk/keys/{KEY_IDS['deleted-id']}").status == 200


def used(gateway: Gateway) -> Iterator[Response]:
    for path, credential, status in (
        ("/jwt/x", f"Bearer {TOKENS['jwt']}", 200),
        ("/central/x", f"Bearer {TOKENS['central']}", 200),
        ("/filed/x", f"Bearer {hs256({'sub': 'x'}, FILE_SOURCE)}", 200),
        ("/filed/x", f"Bearer {TOKENS['central']}", 403),
        ("/plain/x", KEY_IDS["key-id"], 200),
        ("/plain/x", KEY_IDS["unknown-id"], 403),
        ("/plain/x", KEY_IDS["deleted-id"], 403),
        ("/plain/x", "signer", 403),
        ("/jwt/x", f"Bearer {TOKENS['jwt']}x", 403),
        ("/nowhere/x", KEY_IDS["key-id"], 404),
        ("/dead/x", KEY_IDS["key-id"], 502),
        (f"/dead/x?Authorization={KEY_IDS['query-id']}", "", 502),
    ):
        answer = get(gateway.url + path, {"Authorization": credential})
        assert answer.status == status, (path, answer)
        yield answer
    for name, status in (("query-id", 200), ("unknown-id", 403)):
        answer = get(f"{gateway.url}/plain/x?authorization={KEY_IDS[name]}&Authorization={KEY_IDS[name]}")
        assert answer.status == status, answer
        yield answer


def read(gateway: Gateway) -> Iterator[Response]:
    paths = ["/tyk/apis", "/tyk/apis/central", "/tyk/apis/jwt", "/tyk/apis/filed", "/tyk/policies", "/tyk/keys/signer"]
    paths += ["/tyk/keys?details=1", "/tyk/keys/signer?effective=1", f"/tyk/keys/{KEY_IDS['key-id']}", "/tyk/reload"]
    paths += ["/tyk/metrics", "/tyk/nodes", "/tyk/logs"]
    for path in paths:
        answer = gateway.api("GET", path)
        assert answer.status == 200, answer
        yield answer
    yield get(f"{gateway.url}/hello")
    yield get(f"{gateway.url}/ready")


def refused(gateway: Gateway) -> Iterator[Response]:
    """Bodies with a secret in them that are wrong elsewhere, or in the secret itself."""
    bad_key = {"jwt_data": {"secret": JWT_SECRET, "algorithm": "none"}, "hmac_string": HMAC_STRING}
    for method, path, body in (
        ("POST", "/tyk/keys/another", session("jwt", **bad_key)),
        ("POST", "/tyk/keys/another", session("jwt", jwt_data={"secret": [JWT_SECRET]})),
        ("POST", "/tyk/keys/another", session("jwt", jwt_data=JWT_SECRET)),
        ("POST", "/tyk/keys/signer", session("jwt", jwt_data={"secret": JWT_SECRET + "x"})),
        ("POST", "/tyk/keys/another", session("jwt", expires=2, basic_auth_data={"password": PASSWORD})),
        ("POST", "/tyk/apis", jwt_api("http://u", "bad", jwt_source=JWT_SOURCE, jwt_signing_method="rsa")),
        ("POST", "/tyk/apis", jwt_api("ftp://u", "bad", jwt_source=b64encode(JWT_SOURCE.encode()).decode())),
        ("POST", "/tyk/apis", jwt_api("http://u", "bad", jwt_source=[JWT_SOURCE])),
    ):
        answer = gateway.api(method, path, body)
        assert answer.status in (400, 409), answer
        yield answer
    for raw in (f'{{"jwt_data": {{"secret": "{JWT_SECRET}"', f'{{"hmac_string": "{HMAC_STRING}" "x"}}'):
        yield request("POST", f"{gateway.url}/tyk/keys", raw.encode(), {"X-Tyk-Authorization": gateway.secret})
    yield gateway.api("GET", f"/tyk/keys/{KEY_IDS['unknown-id']}", secret=GUESS)
    yield gateway.api("GET", f"/tyk/keys/{KEY_IDS['unknown-id']}")


def data_files(gateway: Gateway) -> dict[Path, bytes]:
    folder = gateway.folder / "data"
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def whole(answer: Response) -> bytes:
    return b"\n".join([answer.reason, *(b": ".join(field) for field in answer.fields), answer.body])


def forms(secret: str) -> dict[str, bytes]:
    """Base64 at each of the three places where a text may begin within a longer one; its cut ends left away."""
    raw = secret.encode()
    found = {"plain": raw, "percent": quote(secret, safe="").encode(), "hex": raw.hex().encode(), "reversed": raw[::-1]}
    for name, encode in (("base64", b64encode), ("base64url", urlsafe_b64encode)):
        found |= {f"{name} at {start}": encode(bytes(start) + raw)[4:-4] for start in range(3)}
    return found | {"utf-16": secret.encode("utf-16-le")}


def places(traces: Traces, secret: str) -> list[str]:
    """Where a secret stands that should stand nowhere."""
    texts = {str(path): content for path, content in traces.files.items()}
    texts |= {"log": traces.log, "answers": b"\n".join(traces.answers)}
    return [f"{form} in {where}" for form, raw in forms(secret).items() for where, text in texts.items() if raw in text]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_comes_out_nowhere(traces: Traces, name: str) -> None:
    assert places(traces, SECRETS[name]) == []


@pytest.mark.parametrize("name", KEY_IDS)
def test_a_key_id_that_is_a_credential_comes_out_nowhere(traces: Traces, name: str) -> None:
    assert places(traces, KEY_IDS[name]) == []


def test_the_gateway_s_own_secret_comes_out_nowhere(traces: Traces) -> None:
    assert places(traces, traces.gateway_secret) == []


def test_what_is_no_secret_is_found(traces: Traces) -> None:
    """Else the search itself might be blind."""
    found = places(traces, "signer")
    assert {"plain in answers", "plain in stopped/records.db"} <= set(found)
    assert b"body_is" in traces.files[Path("stopped/usage.db")], "and exchanges were recorded whole"
    assert {path.name for path in traces.files} >= {"records.db", "records.db-wal", "data.mdb"}
