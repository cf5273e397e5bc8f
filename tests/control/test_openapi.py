"""The description of /api and /admin: all that is served, nothing else, and the shapes that answers really have."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route

from propylon.control.openapi.people import ALSO, TOLD
from propylon.control.people_api.routes import ADMIN_ROUTES, API_ROUTES
from propylon.dashboard.serving import mounts_of
from tests.control.conftest import GatewayApi, Make
from tests.kit.definitions import keyless_api
from tests.kit.people import PASSWORD, a_user

ADMIN_SECRET = "canary-admin-secret"
USER = {"email_address": "b@example.org", "user_permissions": {"keys": "write"}}
GROUP = {"name": "ops", "user_permissions": {"keys": "read"}}
ORGANISATION = {"owner_name": "Acme", "owner_slug": "acme"}


class Api:
    """All that is mounted, asked by an administrator and by the administration."""

    def __init__(self, gateway: GatewayApi) -> None:
        self.gateway = gateway
        self.mounts = mounts_of(gateway.desk)
        self.person = gateway.run(a_user(gateway.desk))
        self.document: dict[str, Any] = self.ask("GET", "/api/openapi.json", by="").json()

    def ask(self, method: str, path: str, body: Any = None, by: str = "user", **fields: str) -> httpx.Response:
        said = {"user": {"Authorization": self.person.access_key}, "admin": {"admin-auth": ADMIN_SECRET}}.get(by, {})
        content = None if body is None else json.dumps(body).encode()
        return self.gateway.run(self._ask(method, path, content, {**said, **fields}))

    async def _ask(self, method: str, path: str, content: bytes | None, fields: dict[str, str]) -> httpx.Response:
        app = next(app for prefix, app in self.mounts.items() if path.startswith(prefix))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://dashboard") as client:
            return await client.request(method, path, content=content, headers=fields)

    def operations(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for path, methods in self.document["paths"].items():
            for method, operation in methods.items():
                yield method.upper(), path, operation

    def described(self, method: str, path: str) -> tuple[str, dict[str, Any]]:
        """The operation that a request belongs to: the one with the most words of its own."""
        asked = path.partition("?")[0].split("/")
        fitting = [
            (sum(not word.startswith("{") for word in parts), template, one)
            for verb, template, one in self.operations()
            if verb == method and len(parts := template.split("/")) == len(asked)
            if all(word.startswith("{") or word == said for word, said in zip(parts, asked, strict=True))
        ]
        _, template, operation = max(fitting, key=lambda one: one[0])
        return template, operation

    def problems_of(self, schema: dict[str, Any], value: Any) -> list[str]:
        """With shapes that list what they hold closed, so that an answer has no member that is not described."""
        components = {name: _closed(one) for name, one in self.document["components"]["schemas"].items()}
        whole = {**schema, "components": {"schemas": components}}
        return [f"{one.json_path}: {one.message}" for one in Draft202012Validator(whole).iter_errors(value)]


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(one) for name, one in schema.items()}
    return {"additionalProperties": False, **closed} if isinstance(schema.get("properties"), dict) else closed


@pytest.fixture
def api(make: Make) -> Api:
    return Api(make(admin_secret=ADMIN_SECRET))


def test_the_document_is_valid_openapi_and_names_each_operation_once(api: Api) -> None:
    assert [one.message for one in OpenAPIV31SpecValidator(api.document).iter_errors()] == []
    ids = [one["operationId"] for _, _, one in api.operations()]
    assert len(ids) == len(set(ids))


def test_every_route_that_is_served_is_described_and_no_other(api: Api) -> None:
    served = {
        (method, route.path)
        for app in api.mounts.values()
        for route in app.router.routes
        if isinstance(route, Route)
        for method in route.methods
    }
    assert {(method, path) for method, path, _ in api.operations()} == served
    assert len(served) > 80


def test_a_method_that_is_served_nowhere_is_405_and_the_answer_names_those_that_are_described(api: Api) -> None:
    for path, methods in api.document["paths"].items():
        described = {method.upper() for method in methods}
        where = path.replace("{", "").replace("}", "")
        refused = api.ask("PATCH", where)
        assert refused.status_code == 405, where
        assert described <= set(refused.headers["Allow"].split(", "))


def test_every_operation_is_open_to_what_it_says_and_to_nobody_else(api: Api) -> None:
    for method, path, operation in api.operations():
        where = path.replace("{", "").replace("}", "")
        names = {name for one in operation["security"] for name in one}
        assert names in (set(), {"accessKey", "bearerAccessKey"}, {"adminSecret"})
        assert api.ask(method, where, {}, by="").status_code == (401 if names else 200), (method, path)
        assert names == set() or (names == {"adminSecret"}) is path.startswith("/admin")


def test_the_administration_is_described_only_where_there_is_one(make: Make) -> None:
    without = Api(make())
    assert not [path for path in without.document["paths"] if path.startswith("/admin")]
    assert "adminSecret" not in without.document["components"]["securitySchemes"]
    assert without.ask("GET", "/admin/users", by="admin").status_code == 404


def test_every_function_of_people_is_told_once_and_every_right_that_a_route_names(api: Api) -> None:
    routed = {one.resource for one in API_ROUTES} | {resource for _, _, resource in ADMIN_ROUTES}
    assert set(TOLD) == routed
    assert set(ALSO) < routed
    told = {(method, path): one["description"] for method, path, one in api.operations()}
    for route in API_ROUTES:
        text = told[route.method, route.path]
        assert f"{route.level} on {route.area}" in text if route.area else "no right" in text


class Step(NamedTuple):
    """A request, in the order in which they can be answered; `{…}` is filled with what the answers before it made."""

    by: str
    method: str
    path: str
    body: Any = None
    makes: str = ""  # the name under which `Meta` is kept


STEPS = (
    Step("user", "GET", "/api/users/me"),
    Step("user", "POST", "/api/usergroups", GROUP, "group"),
    Step("user", "GET", "/api/usergroups"),
    Step("user", "GET", "/api/usergroups/{group}"),
    Step("user", "PUT", "/api/usergroups/{group}", {"description": "x", "active": True}),
    Step("user", "POST", "/api/users", {**USER, "group_id": "{group}"}, "other"),
    Step("user", "GET", "/api/users?p=1&q=b@"),
    Step("user", "POST", "/api/users/search", {"filters": {"query": "b@"}}),
    Step("user", "GET", "/api/users/{other}"),
    Step("user", "PUT", "/api/users/{other}", {"first_name": "B", "last_name": "C", "active": True, "org_id": "acme"}),
    Step("user", "POST", "/api/users/{other}/actions/reset"),
    Step(
        "user",
        "POST",
        "/api/users/{me}/actions/reset",
        {"current_password": PASSWORD, "new_password": f"{PASSWORD} anew"},
    ),
    Step("user", "PUT", "/api/users/{other}/actions/key/reset"),
    Step("user", "GET", "/api/users/{other}/sessions"),
    Step("user", "PUT", "/api/users/{other}/actions/revoke"),
    Step("user", "DELETE", "/api/users/{other}"),
    Step("user", "DELETE", "/api/usergroups/{group}"),
    Step("user", "GET", "/api/audit-logs?p=1&ip=192.0.2.1"),
    Step("user", "GET", "/api/audit-logs/1"),
    Step("admin", "POST", "/admin/organisations", ORGANISATION, "org"),
    Step("admin", "POST", "/admin/organisations/import", {**ORGANISATION, "id": "imported"}),
    Step("admin", "GET", "/admin/organisations"),
    Step("admin", "GET", "/admin/organisations/{org}"),
    Step("admin", "PUT", "/admin/organisations/{org}", {"owner_name": "Acme 2"}),
    Step("admin", "POST", "/admin/apis/import", {"apis": [keyless_api("http://u/", "one", org_id="imported")]}),
    Step("admin", "POST", "/admin/policies/import", {"Data": [{"_id": "gold", "name": "Gold", "access_rights": {}}]}),
    Step("admin", "POST", "/admin/users", {**USER, "org_id": "{org}", "email_address": "c@x.y", "password": PASSWORD}),
    Step("admin", "GET", "/admin/users"),
    Step("admin", "PUT", "/admin/users/{me}/actions/allow_reset_passwords"),
    Step("admin", "DELETE", "/admin/organisations/{org}"),
    Step("user", "GET", "/api/users/none"),
    Step("user", "POST", "/api/users", {"email_address": "no address"}),
    Step("nobody", "GET", "/api/users"),
)


def test_what_is_sent_and_answered_has_the_shape_that_is_described(api: Api) -> None:
    names = {"me": api.person.user.id}
    for step in STEPS:
        path = step.path.format(**names)
        body = json.loads(_filled(json.dumps(step.body), names))
        answer = api.ask(step.method, path, body, step.by)
        told = answer.json()
        where = f"{step.method} {path} {answer.status_code} {answer.text}"
        _, operation = api.described(step.method, path)
        described = operation["responses"].get(str(answer.status_code), operation["responses"]["default"])
        assert api.problems_of(described["content"]["application/json"]["schema"], told) == [], where
        if answer.status_code == 200 and body is not None:
            sent = operation["requestBody"]["content"]["application/json"]["schema"]
            assert api.problems_of(sent, body) == [], where
        assert (answer.status_code == 200) is (step not in STEPS[-3:]), where
        names |= {step.makes: told["Meta"]} if step.makes else {}


def _filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def test_a_download_of_the_audit_log_has_one_of_the_media_types_that_are_described(api: Api) -> None:
    _, operation = api.described("GET", "/api/audit-logs")
    for form in ("csv", "json"):
        sent = api.ask("GET", f"/api/audit-logs?download=true&type={form}")
        assert sent.headers["Content-Type"].partition(";")[0] in operation["responses"]["200"]["content"]
