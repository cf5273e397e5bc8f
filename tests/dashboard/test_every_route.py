"""What holds for every route of the dashboard, its API and the administration, taken from the tables of routes.

A new route is tried here by itself. One that is open to all, or a new application, fails until it is named.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from propylon.control.dashboard_api.entries import ENTRIES
from propylon.control.people_api.routes import ADMIN_ROUTES, API_ROUTES
from propylon.dashboard.rights import OPENS, UNUSED
from propylon.dashboard.routes import PAGES
from propylon.dashboard.serving import PEOPLE, mounts_of
from propylon.model.permissions import ONLY_READ, parse_permissions
from tests.control.conftest import GatewayApi, Make
from tests.dashboard.real_people import DashboardPeople, SignedInVisitor
from tests.kit.definitions import jwt_api, policy, session
from tests.kit.visitor import ORIGIN, forms

ADMIN_SECRET = "canary-admin-secret-of-thirty-two-characters"
JWT_SECRET = "canary-jwt-secret-of-thirty-two-characters"
PLANTED = {
    "gateway": "canary-gateway-secret",
    "administration": ADMIN_SECRET,
    "jwt": JWT_SECRET,
    "hmac": "canary-hmac-string-of-a-key",
    "basic": "canary-basic-password",
    "source": "Y2FuYXJ5LXNvdXJjZS1vZi10aGlydHktdHdvLWNoYXJhY3RlcnM=",
    "key id": "canary-key-id",
}

# Pages without a right of an area, each with the reason that it needs none.
FOR_ALL = {"/login": "to sign in", "/theme": "a colour is nobody's secret"}
FOR_WHO_SIGNED_IN = {
    "/": "shows what its reader may read",
    "/logout": "one's own",
    "/password": "one's own",
    "/profile": "one's own",
    "/profile/renew-key": "one's own",
    "/profile/end-others": "one's own",
    "/profile/sessions/{sign_in}/end": "one's own",
    "/jwt-guide": "a text, and APIs by name",
}
# Needs rights of other areas too, which its own tests name.
MORE = {"/jwt-guide/{mode}"}
DENIED = ("It needs the right", "access denied")
# Needs more than its right: a page that is refused within.
RESETS = "/users/{user_id}/reset-password"


class Route(NamedTuple):
    """Of whichever application."""

    method: str
    path: str
    area: str  # "" none is needed
    level: str

    @property
    def is_page(self) -> bool:
        return not self.path.startswith("/api/")


def _routes() -> list[Route]:
    pages = [Route(one.method, one.path, one.area or "", one.level) for one in PAGES]
    keys = [Route(one.method, one.path, one.area, one.level) for one in ENTRIES]
    people = [Route(one.method, one.path, one.area or "", one.level) for one in API_ROUTES]
    return [*pages, *keys, *people]


ROUTES = _routes()
GUARDED = [one for one in ROUTES if one.area]
NAMED = [one for one in ROUTES if "{" in one.path]
MISSING = {
    "key_hash": "0" * 64,
    "key_id": "0" * 64,
    "record": "k999",
    "api_id": "no-api",
    "policy_id": "no-policy",
    "user_id": "f" * 24,
    "group_id": "f" * 24,
    "sign_in": "f" * 64,
    "number": "999999",
    "id": "no-such",
    "mode": "central",
    "generation": "9",
    "step": "suspend",
    "entry": "999999",
    "key": "0" * 64,
    "keys": "0" * 64,
    **{f"{end}_{part}": "1" for end in ("from", "to") for part in ("day", "month")},
    **{f"{end}_year": "2027" for end in ("from", "to")},
}
# Followed for as long as somebody reads: only a refusal of them ends.
ENDLESS = {"/logs/tail", "/api/logs/tail"}


def filled(path: str, names: dict[str, str] = MISSING) -> str:
    """A name that is not known here fails: a new kind of object needs a place in these tests."""
    named = {**names, "id": names["policy_id"] if path.startswith("/policies/") else names["id"]}
    return re.sub(r"{(\w+)(?::\w+)?}", lambda found: named[found[1]], path)


class Asker:
    """One person, on whatever kind of route."""

    def __init__(self, who: SignedInVisitor) -> None:
        self.who = who
        self.csrf = forms(who.visitor.get("/jwt-guide"))[0].fields["csrf"]

    def ask(self, route: Route, path: str) -> httpx.Response:
        if route.is_page:
            body: dict[str, Any] = {"data": {"csrf": self.csrf}} if route.method == "POST" else {}
            return self.who.visitor.send(route.method, path, {"Origin": ORIGIN}, **body)
        content = b"{}" if route.method in ("POST", "PUT") else b""
        return self.who.visitor.send(route.method, path, {"Authorization": self.who.access_key}, content=content)


@pytest.fixture
def dashboard(make: Make) -> Iterator[DashboardPeople]:
    one = DashboardPeople(make(admin_secret=ADMIN_SECRET))
    yield one
    one.close()


def test_a_route_without_a_right_is_one_that_needs_none() -> None:
    assert {one.path for one in PAGES if one.area is None} == FOR_ALL.keys()
    assert {one.path for one in PAGES if one.area == ""} == FOR_WHO_SIGNED_IN.keys()
    assert [one.path for one in API_ROUTES if one.area is None] == ["/api/users/me"]
    assert all(one.area for one in ENTRIES)


def test_a_route_that_changes_something_takes_more_than_to_read() -> None:
    """But those that ask for something in a body, and those that one may do to oneself."""
    asking = {
        "/keys/find",
        "/activity/find",
        "/logs/find",
        "/token-checker",
        "/audit/chain",
        "/api/jwt/explain",
        "/api/users/search",
        RESETS,
    }
    changing = [one for one in GUARDED if one.method != "GET" and one.path not in asking]
    assert [one.path for one in changing if one.level != "write" and not one.path.endswith("/try")] == []
    assert [one.path for one in GUARDED if one.method == "GET" and one.is_page and one.level == "write"] != []


def test_the_applications_of_the_dashboard_are_those_whose_routes_are_tried(dashboard: DashboardPeople) -> None:
    assert {*mounts_of(dashboard.desk)} == {*PEOPLE, "/api"}


def test_every_right_of_every_role_is_tried_against_every_route(dashboard: DashboardPeople) -> None:
    roles: list[dict[str, str]] = [{"IsAdmin": "admin"}, {"ResetPassword": "admin"}, {"portal": "none"}]
    roles += [dict.fromkeys(UNUSED, "read"), {area: "write" for area in UNUSED if area not in ONLY_READ}]
    roles += [{area: "read"} for area in OPENS]
    roles += [{area: "write"} for area in OPENS if area not in ONLY_READ]
    wrong = []
    for number, role in enumerate(roles):
        who = dashboard.signed_in(f"user-{number}@example.com", **role)
        asker = Asker(who)
        own, _ = parse_permissions(json.loads(who.user.permissions), "")
        for route in GUARDED:
            path = filled(route.path)
            if path == "/api/users/search":
                continue  # asks for a filter first, and answers by the right of /api/users
            is_allowed = own.allows(route.area, route.level)  # type: ignore[arg-type]
            if is_allowed and (path in ENDLESS or (route.path in MORE and not own.is_admin)):
                continue
            if route.path == "/api/users/{user_id}/actions/reset":
                is_allowed = own.resets_passwords
            if route.path == RESETS:
                is_allowed = is_allowed and own.resets_passwords
            answer = asker.ask(route, path)
            is_told = answer.status_code == 403 and (
                "It needs the right" in answer.text or "access denied" in answer.text
            )
            if is_told is is_allowed or answer.status_code >= 500:
                wrong.append((role, route.method, route.path, answer.status_code))
    assert wrong == []


def test_nobody_who_is_not_there_is_let_in_anywhere(dashboard: DashboardPeople) -> None:
    nobody = dashboard.visitor()
    wrong = []
    for route in ROUTES:
        if route.path in FOR_ALL:
            continue
        answer = nobody.send(route.method, filled(route.path))
        told = answer.headers.get("location", "").startswith("/login") if route.is_page else answer.status_code == 401
        if not told and not (route.is_page and route.method == "POST" and answer.status_code == 403):
            wrong.append((route, answer.status_code))
    for method, path, _ in ADMIN_ROUTES:
        for headers in ({}, {"admin-auth": ""}, {"admin-auth": "wrong"}):
            answer = nobody.send(method, filled(path, {**MISSING, "org_id": "acme"}), headers)
            wrong += [] if answer.status_code in (401, 429) else [(method, path, answer.status_code)]
    assert wrong == []


def test_no_right_of_a_user_opens_the_administration(dashboard: DashboardPeople) -> None:
    who = dashboard.signed_in()
    for method, path, _ in ADMIN_ROUTES:
        where = filled(path, {**MISSING, "org_id": "default"})
        answer = who.visitor.send(method, where, {"Authorization": who.access_key}, content=b"{}")
        assert answer.status_code == 401, where


def plant(api: GatewayApi, org_id: str) -> dict[str, str]:
    """One of everything that an organisation may have, each secret of it a canary; the names it has in paths."""
    named = {"org_id": org_id}
    mine = f"api-of-{org_id}"
    definition = jwt_api(
        "http://127.0.0.1:9/", mine, jwt_source=PLANTED["source"], jwt_policy_field_name="pol", **named
    )
    assert api.call("POST", "/tyk/apis", definition).status_code == 200
    assert api.call("POST", "/tyk/policies", policy(f"gold-{org_id}", mine, **named)).status_code == 200
    secrets = {
        "jwt_data": {"secret": JWT_SECRET},
        "hmac_string": PLANTED["hmac"],
        "basic_auth_data": {"password": PLANTED["basic"]},
    }
    signing = api.call(
        "POST", f"/tyk/keys/signer-of-{org_id}", session(mine, alias=f"signer of {org_id}", **secrets, **named)
    )
    assert signing.status_code == 200, signing.text
    plain = session(mine, alias=f"alias of {org_id}", **named)
    key = api.call("POST", f"/tyk/keys/{PLANTED['key id']}-{org_id}", plain)
    assert key.status_code == 200, key.text
    record = api.run(api.desk.records.key(key.json()["key_hash"])).record_id
    return {
        **MISSING,
        "key_hash": key.json()["key_hash"],
        "key_id": key.json()["key_hash"],
        "key": key.json()["key_hash"],
        "keys": key.json()["key_hash"],
        "record": f"k{record}",
        "api_id": mine,
        "policy_id": f"gold-{org_id}",
        "id": mine,
    }


def test_an_object_of_another_organisation_is_answered_as_one_that_is_not_there(dashboard: DashboardPeople) -> None:
    stranger = dashboard.signed_in("otto@example.com", org_id="other")
    group = stranger.visitor.send(
        "POST",
        "/api/usergroups",
        {"Authorization": stranger.access_key},
        content=json.dumps({"name": "theirs", "user_permissions": {"keys": "read"}}).encode(),
    ).json()["Meta"]
    theirs = plant(dashboard.api, "other") | {"user_id": stranger.user.id, "group_id": group, "number": "1"}
    asker = Asker(dashboard.signed_in("ada@example.com"))
    newest = dashboard.api.run(dashboard.desk.records.audit.end()).number
    assert newest > 1
    wrong = []
    for route in NAMED:
        if (route.method, route.path) == ("POST", "/api/keys/{key_id}"):
            continue  # makes one of the caller's own, whatever others have
        there, missing = (asker.ask(route, filled(route.path, names)) for names in (theirs, MISSING))
        told = [_without_names(answer, names) for answer, names in ((there, theirs), (missing, MISSING))]
        is_same = there.status_code == missing.status_code and told[0] == told[1]
        if not is_same or (route.method == "GET" and there.status_code != 404 and not _asks_nothing(route)):
            wrong.append((route.method, route.path, there.status_code, missing.status_code))
    assert wrong == []


def _without_names(answer: httpx.Response, names: dict[str, str]) -> str:
    text = answer.text.replace(answer.request.url.path, "…")
    for name in names.values():
        text = text if name.isdecimal() and len(name) < 5 else re.sub(rf"\b{re.escape(name)}\b", "…", text)
    return text


def _asks_nothing(route: Route) -> bool:
    """Lists of an API's keys and of somebody's traffic are empty for who is not there; a choice is no object."""
    if route.area == "analytics":
        return True
    return route.path in ("/api/apis/{api_id}/keys", "/api/apis/{api_id}/keys/search") or "{mode}" in route.path


def test_no_page_and_no_answer_holds_a_secret(dashboard: DashboardPeople) -> None:
    names = plant(dashboard.api, "default")
    ada = dashboard.signed_in("ada@example.com")
    stored = dashboard.api.run(dashboard.desk.records.people.user(ada.user.id))
    names |= {"user_id": ada.user.id, "number": "1", "sign_in": dashboard.api.run(_session_of(dashboard, ada))}
    secrets = PLANTED | {
        "token": ada.token,
        "access key": ada.access_key,
        "hash of the access key": stored.access_key_hash,
        "root secret": dashboard.api.root_secret.to_text()
        if hasattr(dashboard.api.root_secret, "to_text")
        else "argon2",
    }
    asker = Asker(ada)
    seen: dict[str, bytes] = {}
    for route in ROUTES:
        if route.method == "GET" and route.path not in {*FOR_ALL, *ENDLESS, "/logout"}:
            seen[route.path] = asker.ask(route, filled(route.path, names)).content
    links = {link for page in seen.values() for link in re.findall(rb'href="(/[^"#]*)"', page)}
    for link in links - {b"/logout"}:
        path = link.decode().replace("&amp;", "&")
        assert path.partition("?")[0] not in ENDLESS
        seen[path] = ada.visitor.get(path).content
    for method, path, _ in ADMIN_ROUTES:
        if method == "GET":
            where = filled(path, {**names, "org_id": "default"})
            seen[where] = ada.visitor.send("GET", where, {"admin-auth": ADMIN_SECRET}).content
    found = [(path, name) for path, page in seen.items() for name, one in secrets.items() if one.encode() in page]
    assert found == []
    assert len(seen) > 60
    assert sum(b"alias of default" in page for page in seen.values()) > 2, "they were looked at with something in them"


async def _session_of(dashboard: DashboardPeople, who: SignedInVisitor) -> str:
    (one,) = await dashboard.desk.records.people.sign_ins(who.user.id)
    return one.token_hash
