"""The people's API and the administration's, told to programs: what each of their routes takes and answers."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from propylon.control.openapi.operation import Operation, Schema
from propylon.control.openapi.shapes import TEXT, of
from propylon.control.people_api import audit_logs, groups, imports, organisations, users
from propylon.control.people_api.routes import ADMIN_ROUTES, API_ROUTES, ApiRoute, PeopleResource

ACCESS_KEY: Final[list[dict[str, list[str]]]] = [{"accessKey": []}, {"bearerAccessKey": []}]
ADMIN_SECRET: Final[list[dict[str, list[str]]]] = [{"adminSecret": []}]
_PAGED: Final = ("p", "q")
_CHOSEN: Final = ("user", "action", "object", "ip", "from_date", "to_date", "p", "download", "type")
_RULES: Final = {"409": "a rule of the organisation forbids it; code says which"}
_CHANGE: Final = {**_RULES, "412": "it is no longer what If-Match names"}


class Told(NamedTuple):
    """What one function takes and answers, by names of `shapes.py`."""

    summary: str
    answer: str
    body: str = ""
    query: tuple[str, ...] = ()
    errors: Mapping[str, str] = {}
    is_body_needed: bool = True


TOLD: Final[Mapping[PeopleResource, Told]] = {
    users.read_all: Told("Users, 10 a page", "Users", query=_PAGED),
    users.search: Told("Users by part of an e-mail address", "Users", "UserSearch", ("p",)),
    users.read_me: Told("Who calls", "User"),
    users.read: Told("A user", "User"),
    users.add: Told("Make a user; the access key stands in the answer, once", "UserMade", "UserValues", (), _RULES),
    users.add_as_administration: Told(
        "Make a user of any organisation; the access key stands in the answer, once",
        "UserMadeByAdministration",
        "UserValues",
        (),
        _RULES,
    ),
    users.change: Told("Change a user; what is not said stays", "UserChanged", "UserValues", (), _CHANGE),
    users.remove: Told("Delete a user", "Done", errors=_RULES),
    users.reset_password: Told(
        "Change one's own password, or make somebody else a temporary one",
        "PasswordSet",
        "PasswordChange",
        errors={"429": "too many wrong passwords; wait as long as Retry-After says"},
        is_body_needed=False,
    ),
    users.renew_key: Told("Make another access key; the one before is over", "AccessKeyMade"),
    users.revoke: Told("Deactivate, sign out everywhere, take the access key", "Done", errors=_RULES),
    users.allow_resets: Told("Let a user reset passwords of others", "UserChanged"),
    users.disallow_resets: Told("Let a user reset no passwords of others", "UserChanged"),
    users.read_sign_ins: Told("Where a user is signed in", "Sessions"),
    users.end_sign_in: Told("Sign a user out there", "Done"),
    groups.read_all: Told("User groups", "Groups"),
    groups.read: Told("A user group", "Group"),
    groups.add: Told("Make a user group", "MadeWithId", "GroupValues", (), _RULES),
    groups.change: Told("Change a user group; what is not said stays", "Done", "GroupValues", (), _CHANGE),
    groups.remove: Told("Delete a user group", "Done", errors=_RULES),
    audit_logs.read_all: Told("What was done, newest first; download=true: all of it", "AuditEntries", query=_CHOSEN),
    audit_logs.read: Told("One entry of the audit log", "AuditEntry"),
    organisations.read_all: Told("Organisations, 1,000 a page", "Organisations", query=("p",)),
    organisations.read: Told("An organisation", "Organisation"),
    organisations.add: Told("Make an organisation", "MadeWithId", "OrganisationValues"),
    organisations.import_one: Told("One that keeps its id", "MadeWithId", "OrganisationValues", (), _RULES),
    organisations.change: Told("Change an organisation; what is not said stays", "Done", "OrganisationValues"),
    organisations.remove: Told("Delete an organisation, its users and groups", "Done", errors=_RULES),
    imports.import_apis: Told("APIs under their ids, all or none", "Imported", "ApisToImport"),
    imports.import_policies: Told("Policies under their ids, all or none", "Imported", "PoliciesToImport"),
}
_DOWNLOADS: Final[Mapping[str, Schema]] = dict.fromkeys(audit_logs.MEDIA_TYPES.values(), TEXT)


def operations(*, with_admin: bool) -> list[Operation]:
    """Those of /admin only where it is served."""
    found = [_operation(one.method, one.path, one.resource, _right(one), ACCESS_KEY) for one in API_ROUTES]
    if with_admin:
        right = "Needs admin_secret."
        found += [_operation(method, path, resource, right, ADMIN_SECRET) for method, path, resource in ADMIN_ROUTES]
    return found


def _right(route: ApiRoute) -> str:
    if route.area is None:
        return "Needs an access key and no right."
    also = ALSO.get(route.resource, "")
    return f"Needs {route.level} on {route.area}{also}."


# Rights that functions ask for in the place of the route's.
ALSO: Final[Mapping[Callable[..., object], str]] = {
    users.read: ", or none for one's own record",
    users.reset_password: ", or ResetPassword; none for one's own password",
    users.renew_key: ", or none for one's own",
    users.read_sign_ins: ", or none for one's own",
    users.end_sign_in: ", or none for one's own",
}


def _operation(
    method: str, path: str, resource: PeopleResource, needs: str, security: list[dict[str, list[str]]]
) -> Operation:
    told = TOLD[resource]
    errors = {"401": "no valid access key" if security is ACCESS_KEY else "not the secret"}
    errors |= {"403": "not allowed"} if security is ACCESS_KEY else {"429": "too many wrong secrets from this address"}
    errors |= {"404": "not there"} if "{" in path else {}
    errors |= {"400": "malformed", "413": "more than 4 MiB"} if told.body or told.query else {}
    return Operation(
        method,
        path,
        told.summary,
        needs,
        path.split("/")[2] if security is ACCESS_KEY else "admin",
        security,
        of(told.answer),
        of(told.body) if told.body else None,
        told.is_body_needed,
        told.query,
        "412" in told.errors,
        {**errors, **told.errors},
        _DOWNLOADS if resource is audit_logs.read_all else {},
    )
