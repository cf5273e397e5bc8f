"""The routes of people, one line each. Rights are checked by what a route does, not here.

Under /api for users, by their access keys or sign-ins; under /admin for who knows `admin_secret`.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.responses import Response

from propylon.control.call import Answer, Call
from propylon.control.desk import Desk
from propylon.control.people.caller import Caller
from propylon.control.people_api import audit_logs, groups, imports, organisations, users

PeopleResource = Callable[[Desk, Caller, Call], Awaitable[Answer | Response]]
Routes = tuple[tuple[str, str, PeopleResource], ...]

API_ROUTES: Final[Routes] = (
    ("GET", "/api/users", users.read_all),
    ("POST", "/api/users", users.add),
    ("GET", "/api/users/me", users.read_me),
    ("POST", "/api/users/search", users.search),
    ("GET", "/api/users/{user_id}", users.read),
    ("PUT", "/api/users/{user_id}", users.change),
    ("DELETE", "/api/users/{user_id}", users.remove),
    ("POST", "/api/users/{user_id}/actions/reset", users.reset_password),
    ("PUT", "/api/users/{user_id}/actions/key/reset", users.renew_key),
    ("PUT", "/api/users/{user_id}/actions/revoke", users.revoke),
    ("GET", "/api/users/{user_id}/sessions", users.read_sign_ins),
    ("DELETE", "/api/users/{user_id}/sessions/{sign_in}", users.end_sign_in),
    ("GET", "/api/usergroups", groups.read_all),
    ("POST", "/api/usergroups", groups.add),
    ("GET", "/api/usergroups/{group_id}", groups.read),
    ("PUT", "/api/usergroups/{group_id}", groups.change),
    ("DELETE", "/api/usergroups/{group_id}", groups.remove),
    ("GET", "/api/audit-logs", audit_logs.read_all),
    ("GET", "/api/audit-logs/{number}", audit_logs.read),
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
