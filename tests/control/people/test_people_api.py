"""/api/users, /api/usergroups, /api/audit-logs and /admin, in the words and shapes of Tyk's dashboard."""

import json
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from propylon.control.audit import read_page
from propylon.control.dashboard_api.routes import DashboardApi
from propylon.control.people.login import log_in
from propylon.control.people_api.app import PeopleApi
from propylon.control.people_api.routes import ADMIN_ROUTES, API_ROUTES, ApiRoute
from propylon.stores.records.audit_reads import AuditFilter
from tests.control.conftest import GatewayApi, Make
from tests.kit.definitions import keyless_api
from tests.kit.people import ADMINISTRATION, PASSWORD, Person, a_user

ADMIN_SECRET = "canary-admin-secret"


class Dashboard:
    def __init__(self, api: GatewayApi, address: str = "192.0.2.7") -> None:
        self.api = api
        self.app: ASGIApp = PeopleApi(api.desk)
        self.address = address
        self.answers: list[str] = []

    def __call__(self, method: str, path: str, body: Any = None, *, key: str = "", **headers: str) -> httpx.Response:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        fields |= {"Authorization": key} if key else {}
        return self.api.run(self._call(method, path, None if body is None else json.dumps(body).encode(), fields))

    async def _call(self, method: str, path: str, body: bytes | None, fields: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(self.address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://dashboard") as client:
            response = await client.request(method, path, content=body, headers=fields)
        self.answers.append(response.text)
        return response

    def elsewhere(self) -> "Dashboard":
        """The same one, asked from another address."""
        other = Dashboard(self.api, "198.51.100.9")
        other.app = self.app
        return other

    def admin(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return self(method, path, body, admin_auth=ADMIN_SECRET)

    def user(self, email: str = "anna@example.org", org_id: str = "acme", **levels: str) -> Person:
        return self.api.run(a_user(self.api.desk, email, org_id, **levels))


@pytest.fixture
def dashboard(make: Make) -> Dashboard:
    return Dashboard(make(admin_secret=ADMIN_SECRET))


def test_the_set_up_of_tyk_s_scripts_works(dashboard: Dashboard) -> None:
    """Organisation, administrator, then everything with that user's access key (dashboard-api.md §8)."""
    org = dashboard.admin("POST", "/admin/organisations/", {"owner_name": "Acme", "owner_slug": "acme"})
    assert (org.json()["Status"], org.json()["Message"]) == ("OK", "Org created")
    org_id = org.json()["Meta"]
    user = {"org_id": org_id, "first_name": "A", "email_address": "a@example.org", "active": True}
    made = dashboard.admin("POST", "/admin/users", {**user, "user_permissions": {"IsAdmin": "admin"}}).json()
    access_key = made["Message"]
    assert made["Meta"]["access_key"] == access_key
    assert len(access_key) == 32
    changed = dashboard.admin("PUT", f"/admin/users/{made['Meta']['id']}", {**made["Meta"], "password": PASSWORD})
    assert changed.json()["Message"] == "User updated"
    me = dashboard("GET", "/api/users/me", key=access_key).json()
    assert (me["org_id"], me["email_address"], "access_key" in me) == (org_id, "a@example.org", False)
    assert dashboard("GET", "/api/users", key=f"Bearer {access_key}").json()["pages"] == 1


def test_users_are_made_read_changed_and_removed_in_tyk_s_words(dashboard: Dashboard) -> None:
    key = dashboard.user().access_key
    said = {"email_address": "b@example.org", "user_permissions": {"keys": "write"}}
    made = dashboard("POST", "/api/users", said, key=key).json()
    assert (made["Message"], len(made["access_key"])) == ("User and session have been created", 32)
    path = f"/api/users/{made['Meta']}"
    view = dashboard("GET", path, key=key).json()
    assert (view["user_permissions"], view["active"], view["last_login_date"]) == (
        {"keys": "write"},
        True,
        "0001-01-01T00:00:00Z",
    )
    assert dashboard("PUT", path, {**view, "first_name": "Bert"}, key=key).json()["Message"] == "User updated"
    assert [u["first_name"] for u in dashboard("GET", "/api/users?p=-1&q=b@", key=key).json()["users"]] == ["Bert"]
    found = dashboard("POST", "/api/users/search", {"filters": {"query": "b@ex"}}, key=key).json()
    assert [one["id"] for one in found["users"]] == [made["Meta"]]
    renewed = dashboard("PUT", f"{path}/actions/key/reset", key=key).json()
    assert renewed["Message"] == "User session renewed"
    assert dashboard("GET", "/api/users/me", key=renewed["Meta"]).status_code == 200
    reset = dashboard("POST", f"{path}/actions/reset", key=key).json()
    assert reset["Message"] == "User password updated"
    api = dashboard.api
    api.run(log_in(api.desk, "b@example.org", reset["Meta"]["password"], address="192.0.2.7", user_agent="ua"))
    (session,) = dashboard("GET", f"{path}/sessions", key=key).json()["sessions"]
    assert (session["ip"], session["user_agent"], session["current"]) == ("192.0.2.7", "ua", False)
    assert dashboard("DELETE", f"{path}/sessions/{session['id']}", key=key).status_code == 200
    assert dashboard("DELETE", f"{path}/sessions/{session['id']}", key=key).status_code == 404
    assert dashboard("PUT", f"{path}/actions/revoke", key=key).json()["Message"] == "User revoked"
    assert dashboard("GET", "/api/users/me", key=renewed["Meta"]).status_code == 401
    assert dashboard("DELETE", path, key=key).json()["Message"] == "User deleted"
    assert dashboard("GET", path, key=key).json()["Message"] == "Could not retrieve user detail."


def test_groups_are_made_read_changed_and_removed(dashboard: Dashboard) -> None:
    key = dashboard.user().access_key
    made = dashboard("POST", "/api/usergroups", {"name": "ops", "user_permissions": {"keys": "read"}}, key=key).json()
    path = f"/api/usergroups/{made['Meta']}"
    assert made["Message"] == "User group created"
    assert dashboard("PUT", path, {"description": "x"}, key=key).json()["Message"] == "User group updated"
    assert dashboard("GET", path, key=key).json()["user_permissions"] == {"keys": "read"}
    assert [one["name"] for one in dashboard("GET", "/api/usergroups", key=key).json()["groups"]] == ["ops"]
    assert dashboard("DELETE", path, key=key).json()["Message"] == "User group deleted"
    assert dashboard("GET", path, key=key).json()["Message"] == "Group ID does not exist"


@pytest.mark.parametrize("route", API_ROUTES, ids=[f"{one.method} {one.path}" for one in API_ROUTES])
def test_every_route_demands_its_right(dashboard: Dashboard, route: ApiRoute) -> None:
    """One level below what it needs is 403 with Tyk's text; without a key it is 401."""
    other = dashboard.user("other@example.org", keys="read").user.id
    where = route.path.format(user_id=other, group_id="f" * 24, number="1", sign_in="x")
    below = {route.area: "read"} if route.area and route.level == "write" else {"keys": "write"}
    key = dashboard.user("weak@example.org", **below).access_key
    refusal = {"Status": "Error", "Message": "Not authorised", "Meta": None, "code": "not_authorised"}
    assert dashboard(route.method, where, {}).json() == refusal
    if route.area is None:
        assert dashboard(route.method, where, key=key).status_code == 200
        return
    body = {"filters": {"query": ""}} if "search" in where else {"email_address": "n@x.y", "name": "n"}
    refused = dashboard(route.method, where, body, key=key)
    assert (refused.status_code, refused.json()["Message"]) == (
        403,
        f"access denied: You do not have permission to access  {where}",
    )


@pytest.mark.parametrize(
    ("method", "path", "resource"), ADMIN_ROUTES, ids=[f"{one[0]} {one[1]}" for one in ADMIN_ROUTES]
)
def test_the_administration_needs_its_secret_on_every_route(
    make: Make, dashboard: Dashboard, method: str, path: str, resource: object
) -> None:
    where = path.format(user_id="x", org_id="x")
    key = dashboard.user().access_key
    assert dashboard(method, where, {}, key=key).status_code == 401
    assert dashboard(method, where, {}, admin_auth="wrong").status_code == 401
    assert dashboard.admin(method, where, {"owner_name": 1, "filters": 1}).status_code in (200, 400, 404)
    without = Dashboard(make())
    assert without(method, where, {}, admin_auth="").status_code == 404


def test_guesses_at_the_administration_s_secret_are_throttled_and_audited(dashboard: Dashboard) -> None:
    wrong = [dashboard("GET", "/admin/users", admin_auth="wrong") for _ in range(31)]
    assert [one.status_code for one in wrong] == [401] * 30 + [429]
    assert int(wrong[-1].headers["Retry-After"]) > 0
    assert dashboard.admin("GET", "/admin/users").status_code == 429
    assert dashboard.elsewhere().admin("GET", "/admin/users").status_code == 200
    logged, _ = dashboard.api.run(read_page(dashboard.api.desk, ADMINISTRATION, AuditFilter(action="wrong_secret")))
    assert [(row.object, row.address, row.times) for row in logged] == [("/admin", "192.0.2.7", 1)]


@pytest.mark.parametrize("path", ["/api/users/me", "/api/apis"])
def test_wrong_access_keys_lock_nobody_out_and_are_counted_in_the_audit_log(dashboard: Dashboard, path: str) -> None:
    """A neighbour behind the same address goes on working; what came is seen all the same."""
    api, key = dashboard.api, dashboard.user().access_key
    dashboard.app = dashboard.app if "users" in path else DashboardApi(api.desk)
    wrong = [dashboard("GET", path, key=f"{number:032x}") for number in range(40)]
    assert {one.status_code for one in wrong} == {401}
    assert wrong[0].json()["code"] == "not_authorised"
    assert dashboard("GET", path, key=key).status_code == 200
    assert dashboard("GET", path).status_code == 401  # who sends none guesses nothing
    api.run(api.desk.signing_in.refused.flush())
    logged, _ = api.run(read_page(api.desk, ADMINISTRATION, AuditFilter(action="wrong_secret")))
    assert [(row.object, row.address, row.times) for row in logged] == [
        ("/api", "192.0.2.7", 39),
        ("/api", "192.0.2.7", 1),
    ]


def test_imports_keep_ids_and_are_all_or_nothing(dashboard: Dashboard) -> None:
    org = {"id": "5e9d9544a1dcd60001d0ed20", "owner_name": "Acme"}
    assert dashboard.admin("POST", "/admin/organisations/import", org).json()["Meta"] == org["id"]
    apis = [keyless_api("http://u/", "one", org_id=org["id"]), keyless_api("http://u/", "two", org_id=org["id"])]
    imported = dashboard.admin("POST", "/admin/apis/import", {"apis": [apis[0], {"api_definition": apis[1]}]})
    assert imported.json()["Meta"] == {"one": True, "two": True}
    assert dashboard.api.head() == dashboard.api.revision()
    policy = {"_id": "gold", "name": "Gold", "org_id": org["id"], "access_rights": {}}
    assert dashboard.admin("POST", "/admin/policies/import", {"Data": [policy]}).json()["Meta"] == {"gold": True}
    three = keyless_api("http://u/", "three", org_id=org["id"])
    refused = dashboard.admin("POST", "/admin/apis/import", {"apis": [three, keyless_api("", "four")]})
    assert (refused.status_code, "apis.1." in refused.json()["Message"]) == (400, True)
    taken = {**three, "proxy": apis[0]["proxy"]}
    assert dashboard.admin("POST", "/admin/apis/import", {"apis": [taken]}).status_code == 400
    assert [one["api_id"] for one in dashboard.api.call("GET", "/tyk/apis").json()] == ["one", "two"]


def test_the_audit_log_is_filtered_and_downloaded(dashboard: Dashboard) -> None:
    person = dashboard.user()
    key = person.access_key
    dashboard("POST", "/api/usergroups", {"name": "ops"}, key=key)
    mine = dashboard("GET", "/api/audit-logs?user=anna@example.org&ip=192.0.2.7&from_date=2027-01-01", key=key).json()
    (entry,) = mine["audit_logs"]
    assert (entry["user"], entry["action"], entry["ip"], mine["pages"]) == (
        "anna@example.org",
        "create",
        "192.0.2.7",
        1,
    )
    assert dashboard("GET", f"/api/audit-logs/{entry['_id']}", key=key).json() == entry
    assert dashboard("GET", "/api/audit-logs?to_date=2027-01-01", key=key).json()["audit_logs"] == []
    assert dashboard("GET", "/api/audit-logs?from_date=soon", key=key).status_code == 400
    table = dashboard("GET", "/api/audit-logs?download=true&type=csv", key=key)
    assert table.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    assert len(table.text.splitlines()) == 4
    lines = dashboard("GET", "/api/audit-logs?download=1", key=key).text.splitlines()
    assert [json.loads(line)["action"] for line in lines] == ["create", "create", "export", "export"]


def test_a_write_of_a_user_or_a_group_under_an_old_etag_is_412(dashboard: Dashboard) -> None:
    person = dashboard.user()
    key = person.access_key
    group = dashboard("POST", "/api/usergroups", {"name": "ops"}, key=key).json()["Meta"]
    for path, change in (
        (f"/api/users/{person.user.id}", {"first_name": "X"}),
        (f"/api/usergroups/{group}", {"description": "x"}),
    ):
        tag = dashboard("GET", path, key=key).headers["ETag"]
        assert dashboard("PUT", path, change, key=key, If_Match=tag).status_code == 200
        refused = dashboard("PUT", path, change, key=key, If_Match=tag)
        assert (refused.status_code, refused.json()["code"]) == (412, "etag_mismatch")
        assert dashboard("PUT", path, change, key=key, If_Match="*").status_code == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a":1,"a":2}', b"\xff"])
def test_a_body_that_is_no_object_is_tyk_s_text(dashboard: Dashboard, body: bytes) -> None:
    fields = {"Authorization": dashboard.user().access_key}
    answer = dashboard.api.run(dashboard._call("POST", "/api/users", body, fields))
    assert (answer.status_code, answer.json()["Message"]) == (400, "Request body malformed.")


def test_no_answer_holds_what_lets_somebody_in_but_the_one_that_made_it(dashboard: Dashboard) -> None:
    person = dashboard.user()
    api = dashboard.api
    token = api.run(log_in(api.desk, "anna@example.org", PASSWORD, address="192.0.2.7", user_agent="")).token
    stored = api.run(api.desk.records.people.user(person.user.id))
    for path in ("/api/users", "/api/users/me", f"/api/users/{person.user.id}/sessions", "/api/audit-logs?download=1"):
        dashboard("GET", path, key=person.access_key)
    dashboard("PUT", f"/api/users/{person.user.id}", {"first_name": "X"}, key=person.access_key)
    text = "".join(dashboard.answers)
    assert "anna@example.org" in text
    for secret in (PASSWORD, token, person.access_key, stored.password_hash, stored.access_key_hash, "argon2"):
        assert secret not in text
