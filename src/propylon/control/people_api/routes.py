"""The routes of people, one line each, with the right that it takes. It is checked by what a route does, not here.

Under /api for users, by their access keys; under /admin for who knows `admin_secret`, which is right enough.
Of their own record everybody may read what stands there, renew the access key, and see and end their sessions.
"""

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.people.caller import Caller
from propylon.control.people_api import audit_logs, groups, imports, organisations, users
from propylon.model.permissions import Area, Level

PeopleResource = Callable[[Desk, Caller, Call], Awaitable[Answer]]
Routes = tuple[tuple[str, str, PeopleResource], ...]


class ApiRoute(NamedTuple):
    method: str
    path: str
    resource: PeopleResource
    area: Area | None  # None: everybody with an access key, as it is their own record
    level: Level = "read"


API_ROUTES: Final = (
    ApiRoute("GET", "/api/users", users.read_all, "users"),
    ApiRoute("POST", "/api/users", users.add, "users", "write"),
    ApiRoute("GET", "/api/users/me", users.read_me, None),
    ApiRoute("POST", "/api/users/search", users.search, "users"),
    ApiRoute("GET", "/api/users/{user_id}", users.read, "users"),
    ApiRoute("PUT", "/api/users/{user_id}", users.change, "users", "write"),
    ApiRoute("DELETE", "/api/users/{user_id}", users.remove, "users", "write"),
    ApiRoute("POST", "/api/users/{user_id}/actions/reset", users.reset_password, "users", "write"),
    ApiRoute("PUT", "/api/users/{user_id}/actions/key/reset", users.renew_key, "users", "write"),
    ApiRoute("PUT", "/api/users/{user_id}/actions/revoke", users.revoke, "users", "write"),
    ApiRoute("GET", "/api/users/{user_id}/sessions", users.read_sign_ins, "users"),
    ApiRoute("DELETE", "/api/users/{user_id}/sessions/{sign_in}", users.end_sign_in, "users", "write"),
    ApiRoute("GET", "/api/usergroups", groups.read_all, "user_groups"),
    ApiRoute("POST", "/api/usergroups", groups.add, "user_groups", "write"),
    ApiRoute("GET", "/api/usergroups/{group_id}", groups.read, "user_groups"),
    ApiRoute("PUT", "/api/usergroups/{group_id}", groups.change, "user_groups", "write"),
    ApiRoute("DELETE", "/api/usergroups/{group_id}", groups.remove, "user_groups", "write"),
    ApiRoute("GET", "/api/audit-logs", audit_logs.read_all, "audit_logs"),
    ApiRoute("GET", "/api/audit-logs/{number}", audit_logs.read, "audit_logs"),
)
ADMIN_ROUTES: Final[Routes] = (
    ("GET", "/admin/organisations", organisations.read_all),
    ("POST", "/admin/organisations", organisations.add),
    ("POST", "/admin/organisations/import", organisations.import_one),
    ("GET", "/admin/organisations/{org_id}", organisations.read),
    ("PUT", "/admin/organisations/{org_id}", organisations.change),
    ("DELETE", "/admin/organisations/{org_id}", organisations.remove),
    ("POST", "/admin/apis/import", imports.import_apis),
    ("POST", "/admin/policies/import", imports.import_policies),
    ("GET", "/admin/users", users.read_all),
    ("POST", "/admin/users", users.add_as_administration),
    ("GET", "/admin/users/{user_id}", users.read),
    ("PUT", "/admin/users/{user_id}", users.change),
    ("DELETE", "/admin/users/{user_id}", users.remove),
    ("POST", "/admin/users/{user_id}/actions/reset", users.reset_password),
    ("PUT", "/admin/users/{user_id}/actions/allow_reset_passwords", users.allow_resets),
    ("PUT", "/admin/users/{user_id}/actions/disallow_reset_passwords", users.disallow_resets),
)
