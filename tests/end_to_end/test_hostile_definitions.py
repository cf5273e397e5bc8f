"""What the Gateway API is sent that it should not be: answered, never by a bug, and traffic goes on as before."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.end_to_end.whole_documents import whole_policy, whole_session
from tests.kit.client import Response, get, request
from tests.kit.definitions import jwt_api, session, token_api
from tests.kit.gateway import Gateway, running_gateway
from tests.kit.origin import Origin

EXPORT = json.loads((Path(__file__).parents[1] / "model" / "dashboard_export.json").read_text())["api_definition"]
TYKS_OWN_500 = ("Failed to create key", "Could not write key data")  # gateway-api.md §8: a key that cannot be stored
BODY_MAX_BYTES = 4 * 1024**2

bounded = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
scalars = (
    st.none()
    | st.booleans()
    | st.sampled_from(
        [
            0,
            1,
            -1,
            0.5,
            1e308,
            2**31,
            2**53 + 1,
            2**63 - 1,
            2**63,
            10**30,
            "",
            "/",
            "*",
            ".*",
            "(",
            "{a}",
            "../x",
            "Default",
        ]
    )
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
documents = st.dictionaries(st.text(max_size=12), values, max_size=6)

Step = str | int
Document = dict[str, Any]


def places(value: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Of everything within, the whole left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield (*path, name)
        yield from places(one, (*path, name))


def replaced(document: Document, path: tuple[Step, ...], value: Any) -> Document:
    copy = deepcopy(document)
    holder: Any = copy
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return copy


def with_one_replaced(document: Document) -> st.SearchStrategy[Document]:
    return st.builds(replaced, st.just(document), st.sampled_from(list(places(document))), values)


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with Origin() as origin, running_gateway([token_api(origin.url)]) as running:
        assert running.api("POST", "/tyk/keys/steady", session("token")).status == 200
        yield running


@pytest.fixture(autouse=True)
def _serves_as_before(gateway: Gateway) -> Iterator[None]:
    yield
    demand_service(gateway)


def demand_service(gateway: Gateway) -> None:
    assert get(f"{gateway.url}/token/x", {"Authorization": "steady"}).status == 200
    assert "bug while answering" not in gateway.stderr_path.read_text()
    assert "Traceback" not in gateway.stderr_path.read_text()


def demand_no_bug(answer: Response) -> None:
    is_tyks = answer.status == 500 and answer.json()["message"].startswith(TYKS_OWN_500)
    assert answer.status < 500 or is_tyks, answer


def demand_round_trip(gateway: Gateway, path: str) -> None:
    """What was taken can be read and written back, and is the same then."""
    stored = gateway.api("GET", path)
    assert stored.status == 200, stored
    assert gateway.api("PUT", path, stored.json()).status == 200
    again = gateway.api("GET", path)
    assert (again.body, again.value("ETag")) == (stored.body, stored.value("ETag"))


def post(gateway: Gateway, path: str, body: bytes, method: str = "POST") -> Response:
    return request(method, gateway.url + path, body, {"X-Tyk-Authorization": gateway.secret})


APIS = [
    {**jwt_api("http://127.0.0.1:9", "fuzzed"), "jwt_source": "YS1zZWNyZXQ=", "jwt_default_policies": ["fuzzed"]},
    {**EXPORT, "api_id": "fuzzed", "org_id": "default"},
]


@bounded
@given(documents | st.sampled_from(APIS).flatmap(with_one_replaced))
@example({"api_id": "fuzzed", "proxy": None})
def test_no_api_definition_is_a_bug(gateway: Gateway, document: Document) -> None:
    answer = gateway.api("POST", "/tyk/apis?overwrite=1", document)
    demand_no_bug(answer)
    if answer.status == 200:
        api_id = answer.json()["key"]
        demand_round_trip(gateway, f"/tyk/apis/{api_id}")
        assert get(f"{gateway.url}/fuzzed/x", {"Authorization": "steady"}).status in (400, 401, 403, 404, 502, 503)
        assert gateway.api("DELETE", f"/tyk/apis/{api_id}").status == 200
    demand_service(gateway)


@bounded
@given(documents | with_one_replaced(whole_policy("fuzzed", "token")))
def test_no_policy_is_a_bug(gateway: Gateway, document: Document) -> None:
    answer = gateway.api("POST", "/tyk/policies?overwrite=1", document)
    demand_no_bug(answer)
    if answer.status == 200:
        policy_id = answer.json()["key"]
        demand_round_trip(gateway, f"/tyk/policies/{policy_id}")
        key = {"org_id": document.get("org_id") or "default", "apply_policies": [policy_id]}
        demand_no_bug(gateway.api("POST", "/tyk/keys/by-policy?overwrite=1", key))
        assert get(f"{gateway.url}/token/x", {"Authorization": "by-policy"}).status < 500
        assert gateway.api("DELETE", f"/tyk/policies/{policy_id}").status == 200
    demand_service(gateway)


@bounded
@given(documents | with_one_replaced(whole_session("token")))
@example({**session("token"), "tags": ["\ud800"]})
def test_no_key_is_a_bug(gateway: Gateway, document: Document) -> None:
    for path in ("/tyk/keys/create", "/tyk/keys/preview", "/tyk/keys/fuzzed?overwrite=1"):
        answer = gateway.api("POST", path, document)
        demand_no_bug(answer)
    if answer.status == 200:
        if document.get("org_id") in (None, "", "default"):
            demand_round_trip(gateway, "/tyk/keys/fuzzed")
            assert gateway.api("GET", "/tyk/keys/fuzzed?effective=1").status == 200
        assert get(f"{gateway.url}/token/e", {"Authorization": "fuzzed"}).status < 500
    demand_service(gateway)


@bounded
@given(documents)
def test_no_instruction_about_policies_is_a_bug(gateway: Gateway, document: Document) -> None:
    demand_no_bug(gateway.api("POST", "/tyk/keys/policy/steady", {"apply_policies": 7, **document}))


WRONG_JSON = {
    "empty": b"",
    "no object": b"[]",
    "cut off": b'{"name": "x"',
    "two values": b"{} {}",
    "trailing comma": b'{"name": "x",}',
    "duplicate names": b'{"name": "x", "name": "y"}',
    "duplicate names within": b'{"proxy": {"listen_path": "/a/", "listen_path": "/b/"}}',
    "NaN": b'{"rate": NaN}',
    "Infinity": b'{"rate": -Infinity}',
    "1e999": b'{"rate": 1e999}',
    "5000 digits": b'{"rate": ' + b"9" * 5000 + b"}",
    "not UTF-8": b'{"name": "\xff"}',
    "overlong UTF-8": b'{"name": "\xc0\xae"}',
    "half a pair": rb'{"name": "\ud800"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "10,000 deep": b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "300,000 deep": b"[" * 300_000,
    "NUL": b'{"name": "x"}\0',
}
ENDPOINTS = [
    "POST /tyk/apis",
    "POST /tyk/policies",
    "POST /tyk/keys",
    "POST /tyk/keys/create",
    "POST /tyk/keys/custom",
    "POST /tyk/keys/preview",
    "POST /tyk/keys/policy/steady",
    "PUT /tyk/keys/steady",
    "PUT /tyk/apis/token",
    "PUT /tyk/policies/any",
]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_what_is_not_one_clear_json_object_is_400(gateway: Gateway, endpoint: str) -> None:
    method, path = endpoint.split()
    statuses = {name: post(gateway, path, body, method).status for name, body in WRONG_JSON.items()}
    assert statuses == dict.fromkeys(WRONG_JSON, 400)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_body_too_large_is_413(gateway: Gateway, endpoint: str) -> None:
    method, path = endpoint.split()
    body = b'{"name": "' + b"x" * BODY_MAX_BYTES + b'"}'
    assert post(gateway, path, body, method).status == 413


IDS = ["../x", "..", ".", "../../data/root_secret", "a/b", "'", '"; DROP TABLE keys', "x\0", "\n", "é", "x" * 500, 7]


@pytest.mark.parametrize("id_", IDS)
@pytest.mark.parametrize(("path", "field"), [("/tyk/apis", "api_id"), ("/tyk/policies", "id")])
def test_an_id_in_a_body_is_plain_or_400(gateway: Gateway, path: str, field: str, id_: object) -> None:
    before = files(gateway)
    document = token_api("http://127.0.0.1:9", "y") if field == "api_id" else whole_policy("y", "token")
    assert gateway.api("POST", path, {**document, field: id_}).status == 400
    assert files(gateway) == before


@pytest.mark.parametrize("id_", ["..%2fx", "%2e%2e", "%2e%2e%2fx", "..%5cx", "%00x", "x%0ay", "..", "../x", "%C3%A9xy"])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_an_id_in_a_path_is_plain_or_refused(gateway: Gateway, method: str, id_: str) -> None:
    before = files(gateway)
    documents = {"apis": token_api("http://127.0.0.1:9", "y"), "policies": whole_policy("y", "token")}
    if method == "POST":
        documents = {}  # as in Tyk the id in the path is ignored, the body's counts
    for resource, document in {**documents, "keys": session("token")}.items():
        body = json.dumps(document).encode() if method in ("PUT", "POST") else b""
        assert post(gateway, f"/tyk/{resource}/{id_}", body, method).status in (400, 404, 405)
    assert files(gateway) == before


@pytest.mark.parametrize("id_", ["%27%22xx", "%3Cscript%3E", "a%20b%20c", "a%25b"])
def test_a_key_id_of_quotes_is_an_id_like_any_other(gateway: Gateway, id_: str) -> None:
    before = files(gateway)
    assert post(gateway, f"/tyk/keys/{id_}", json.dumps(session("token")).encode()).status == 200
    assert gateway.api("GET", f"/tyk/keys/{id_}").status == 200
    assert gateway.api("DELETE", f"/tyk/keys/{id_}").status == 200
    assert gateway.api("GET", f"/tyk/keys/{id_}").status == 404
    assert files(gateway) == before


def files(gateway: Gateway) -> dict[Path, bytes]:
    """What is there by name; of definition files and the root secret also what is in them."""
    found = (path for path in gateway.folder.rglob("*") if path.is_file())
    is_kept = ("root_secret", "propylon.toml")
    return {path: path.read_bytes() if path.suffix == ".json" or path.name in is_kept else b"" for path in found}
